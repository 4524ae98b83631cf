"""Every op called on its samples, recorded: what the tests of forms go through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import nnscratch as ns
import nnscratch.ops  # declares every op
from nnscratch.autograd import OPS, Op, SampleSource, Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscratch.explainer.recording import Entry, Recording

DIFFERENTIABLE = [op for op in OPS.values() if isinstance(op, Op) and op.differentiable]


def is_differentiated(argument: Any) -> bool:
    """Whether an argument of a sample gets a gradient."""
    return isinstance(argument, np.ndarray | np.generic) and argument.dtype.kind == "f"


SAMPLES = {
    f"{op.name}-{place}": (op, place)
    for op in DIFFERENTIABLE
    for place, sample in enumerate(op.samples(SampleSource()))
    if any(map(is_differentiated, sample.args))
}


def call(name: str) -> tuple[Tensor, ...]:
    """The results of an op on one of its samples."""
    op, place = SAMPLES[name]
    sample = op.samples(SampleSource(place))[place]
    arguments = [
        ns.Tensor(argument, requires_grad=True) if is_differentiated(argument) else argument
        for argument in sample.args
    ]
    with np.errstate(all="ignore"):
        results = op(*arguments, **sample.params)
    return results if isinstance(results, tuple) else (results,)


def weighted_sum(results: Sequence[Tensor]) -> Tensor:
    """A loss that depends on every element in another way."""
    random = np.random.default_rng(len(results))
    with np.errstate(invalid="ignore"):  # of a sum over nothing
        losses = [np.sum(result * random.normal(size=result.shape)) for result in results]
    total: Tensor = sum(losses[1:], losses[0])
    return total


def entry_of(recording: Recording, result: Tensor) -> Entry:
    """The entry of the op that made a tensor."""
    return next(entry for entry in recording.forward if entry.node is result.node)
