"""Dropout: an op that is told which elements to keep, so that it stays a pure function."""

from __future__ import annotations

from nnscratch.autograd import Op, call
from nnscratch_kernels import auto as kernels

dropout: Op = Op(
    "dropout",
    kernels.dropout,
    arity=2,
    formula=r"y_i = \frac{k_i\, x_i}{1 - p}, \quad k_i \in \{0, 1\}",
    derivative=r"\bar x_i = \frac{k_i\, \bar y_i}{1 - p}",
    vjps=(lambda g, y, x, kept, rate: dropout(g, kept, rate), None),
    samples=lambda s: [
        call(s.normal(3, 4), s.mask(3, 4), 0.25),
        call(s.normal(2, 3, 4), s.mask(2, 1, 4), rate=0.5),
        call(s.normal(3), s.mask(3), 0.0),
        call(s.normal(3), s.mask(3), 1.0),
        call(s.normal(), s.mask(), 0.5),
    ],
    torch=lambda torch, x, kept, rate: x * kept * (0.0 if rate == 1 else 1 / (1 - rate)),
    numpy=[],
)
