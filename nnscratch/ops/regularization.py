"""Dropout: ops that are told which elements to keep, or from which seed to draw them.

So they stay pure functions.
"""

from __future__ import annotations

from typing import Any

from nnscratch.autograd import Op, call
from nnscratch_kernels import auto as kernels


def _torch_dropout(torch: Any, x: Any, kept: Any, rate: float) -> Any:
    return x * kept * (0.0 if rate == 1 else 1 / (1 - rate))


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
    torch=_torch_dropout,
    numpy=[],
)

seeded_dropout: Op = Op(
    "seeded_dropout",
    kernels.seeded_dropout,
    arity=1,
    formula=r"y_i = \frac{k_i\, x_i}{1 - p}, \quad k_i = [w_i \ge 2^{32} p], \quad "
    r"w = \operatorname{Philox}(\mathrm{seed}, \mathrm{offset})",
    derivative=r"\bar x_i = \frac{k_i\, \bar y_i}{1 - p}",
    vjps=(lambda g, y, x, rate, seed, offset: seeded_dropout(g, rate, seed, offset),),
    samples=lambda s: [
        call(s.normal(3, 4), 0.25, 1),
        call(s.normal(2, 3, 4), rate=0.5, seed=2**63, offset=3),
        call(s.normal(3), 0.0, 0),
        call(s.normal(3), 1.0, 0),
        call(s.normal(), 0.5, 7),
        call(s.normal(0, 3), 0.5, 7),
    ],
    torch=lambda torch, x, rate, seed, offset=0: _torch_dropout(
        torch, x, torch.from_numpy(kernels.dropout_mask(x.shape, rate, seed, offset)), rate
    ),
    numpy=[],
)
