"""Backprop done wrong on purpose: each usual mistake on the user's own tape, beside what is right.

The right gradients are the engine's. The wrong ones come from a short walk of our own that can
leave out one thing at a time, or from the same tape run again from other weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.explainer.differences import (
    differ,
    node_of,
    note_gradients,
    note_shares,
    note_values,
)
from nnscratch.explainer.replay import Again, rerun
from nnscratch.explainer.wrong_walk import walk_wrongly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnscratch.explainer.recording import Edge, Entry, Recording

    Gradients = dict[Entry, Any]

STEPS = 20
"""Steps of plain gradient descent that show what a mistake does to training."""

SECONDS_TO_TRAIN = 5.0
"""How long the descents of all mistakes may take together; what would take longer is left out."""

RATES = (1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4)
"""Learning rates that are tried: the largest one with which the right way learns is taken."""

SATURATION = 20.0
"""Factor of the weights before a sigmoid or tanh that pushes it to its flat ends."""


@dataclass
class Break:
    """One mistake.

    Attributes:
        key: a short name.
        title: what is done wrong.
        says: what it means, and what one would see in training.
        gradients: of each entry for which another one comes out than the right one.
        contributions: what is sent along each edge, where that is not what should be.
        lost: of what is sent, that which changes nothing, and why: "overwritten" by the next share,
            or "late".
        values: what comes out in the forward pass, where that is something else.
        errors: for an entry without a gradient, or a leaf with one that cannot be used, why.
        right_losses: of gradient descent done right; empty where it was not tried.
        wrong_losses: of the same with the mistake.
        why_not: why the mistake changes nothing on this tape; None if it does.
    """

    key: str
    title: str
    says: str
    gradients: Gradients = field(default_factory=dict)
    contributions: dict[Edge, Any] = field(default_factory=dict)
    lost: dict[Edge, str] = field(default_factory=dict)
    values: dict[Entry, Any] = field(default_factory=dict)
    errors: dict[Entry, str] = field(default_factory=dict)
    right_losses: list[float] = field(default_factory=list)
    wrong_losses: list[float] = field(default_factory=list)
    why_not: str | None = None


def breaks(recording: Recording) -> list[Break]:
    """Every mistake, tried on this tape."""
    with np.errstate(all="ignore"):
        return _all_breaks(_Trainer(recording))


def _all_breaks(trainer: _Trainer) -> list[Break]:
    return [
        _walked(
            trainer,
            "assign",
            "Assign instead of accumulate",
            "A value that is used twice receives two gradients, and they must be added (the "
            "multivariable chain rule). With = instead of += the last one to arrive wins: shared "
            "weights, residual connections and b = a + a learn from a part of their effect only.",
            "Nothing here is used twice, or what was used twice gets the same either way.",
            add=False,
        ),
        _walked(
            trainer,
            "depth-first",
            "Depth-first instead of topological order",
            "A node may pass its gradient on only when all that used it have sent theirs. Going "
            "depth-first, it is visited on the first visit's share, and what arrives later goes "
            "no further: everything before a fork gets too small a gradient.",
            "Depth-first happens to be a topological order here, or to come to the same.",
            in_order=False,
        ),
        _not_zeroed(trainer),
        _walked(
            trainer,
            "no-unbroadcast",
            "Broadcasting not undone",
            "An array that was repeated to fit the other's shape had a part in every copy, so its "
            "gradient is the sum over the copies. Without the sum the gradient has the result's "
            "shape: the update fails, or spreads the weights to a shape that they never had.",
            "No argument was broadcast outside of fused ops, whose rules sum by themselves.",
            sum_repeated=False,
        ),
        _no_mean(trainer),
        _saturated(trainer),
        _zero_weights(trainer),
    ]


# --- training with a mistake ----------------------------------------------------------------------


class _Trainer:
    """Plain gradient descent on the recorded tape, from its own leaves."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.leaves = [entry for entry in recording.leaves if entry.gradient is not None]
        self.small = self._seconds_a_step() * STEPS * (len(RATES) + 7) < SECONDS_TO_TRAIN
        self.rate, self.losses = self._learn() if self.small else (0.0, [])

    def _seconds_a_step(self) -> float:
        """How long forward and backward take, the quicker of two runs."""
        seconds = []
        for _ in range(2):
            start = perf_counter()
            self.gradients(rerun(self.recording, {}))
            seconds.append(perf_counter() - start)
        return min(seconds)

    def descend(
        self,
        gradients_of: Callable[[Again], Gradients],
        rate: float,
        start: dict[Entry, Any] | None = None,
    ) -> list[float]:
        """The loss before each of `STEPS` steps; it ends early if numbers are not finite."""
        values = {leaf: leaf.value for leaf in self.leaves} | (start or {})
        losses: list[float] = []
        for _ in range(STEPS):
            try:
                again = rerun(self.recording, values)
                losses.append(float(again.loss.item()))
                if not np.isfinite(losses[-1]):
                    break
                gradients = gradients_of(again)
            except np.linalg.LinAlgError:  # a matrix that has no inverse any more
                break
            for leaf, gradient in gradients.items():
                values[leaf] = (values[leaf] - rate * gradient).astype(leaf.value.dtype)
        return losses

    def gradients(self, again: Again, **options: Any) -> Gradients:
        """Of the loss, for each leaf that has one."""
        found = walk_wrongly(again.loss, **options).leaves
        return {leaf: found[tensor] for leaf, tensor in again.leaves.items() if tensor in found}

    def see(
        self,
        broken: Break,
        options_for: Callable[[Again], dict[str, Any]] = lambda again: {},
        changed: dict[Entry, Any] | None = None,
    ) -> None:
        """Walk once with a mistake, and note whatever differs from what was recorded.

        Args:
            broken: where to note it.
            options_for: the walk's options on a tape that ran again.
            changed: other values of some leaves.
        """
        again = rerun(self.recording, changed or {})
        walked = walk_wrongly(again.loss, **options_for(again))
        note_gradients(broken, self.recording, again, walked)
        note_shares(broken, self.recording, again, walked)
        if changed:
            note_values(broken, self.recording, again)

    def compare_training(
        self,
        broken: Break,
        gradients_of: Callable[[Again], Gradients],
        start: dict[Entry, Any] | None = None,
    ) -> None:
        """The losses of gradient descent, right and wrong, where that is quick."""
        if self.small and not broken.errors:
            broken.right_losses = self.losses
            broken.wrong_losses = self.descend(gradients_of, self.rate, start)

    def _learn(self) -> tuple[float, list[float]]:
        """The largest rate with which the loss falls at every step, and the losses."""
        losses: list[float] = []
        for rate in RATES:
            losses = self.descend(self.gradients, rate)
            if len(losses) == STEPS and all(np.diff(losses) <= 0):
                return rate, losses
        return RATES[-1], losses


# --- the mistakes ---------------------------------------------------------------------------------


def _walked(
    trainer: _Trainer, key: str, title: str, says: str, why_not: str, **option: bool
) -> Break:
    """A mistake of the walk itself."""
    broken = Break(key, title, says)
    trainer.see(broken, lambda again: option)
    for leaf in trainer.leaves:
        gradient = broken.gradients.get(leaf, leaf.gradient)
        if gradient.shape != leaf.value.shape:
            broken.errors[leaf] = (
                f"The gradient has shape {gradient.shape}, the value {leaf.value.shape}: the "
                f"update does not fit."
            )
    if not any(leaf in broken.gradients or leaf in broken.errors for leaf in trainer.leaves):
        broken.why_not = why_not
    else:
        trainer.compare_training(broken, lambda again: trainer.gradients(again, **option))
    return broken


def _not_zeroed(trainer: _Trainer) -> Break:
    """The second step's gradient on top of the first one's."""
    broken = Break(
        "not-zeroed",
        "Gradients not zeroed",
        "backward() adds to .grad, so that several losses can be summed. Who forgets to set it to "
        "zero steps along the sum of all gradients so far: like momentum that never fades. The "
        "steps grow, overshoot, and the loss swings or explodes.",
    )
    twice = {leaf: 2 * leaf.gradient for leaf in trainer.leaves}
    broken.gradients = {leaf: g for leaf, g in twice.items() if differ(g, leaf.gradient)}
    sums: Gradients = {}

    def accumulated(again: Again) -> Gradients:
        for leaf, gradient in trainer.gradients(again).items():
            sums[leaf] = sums.get(leaf, 0) + gradient
        return sums

    trainer.compare_training(broken, accumulated)
    return broken


def _no_mean(trainer: _Trainer) -> Break:
    """The sum of the samples' losses instead of their mean."""
    broken = Break(
        "no-mean",
        "No 1/N in the loss",
        "With the sum of the samples' losses instead of the mean every gradient is N times as "
        "long, so the learning rate means something else for each batch size: what learned with "
        "32 samples explodes with 512.",
    )
    means = dict(_means(trainer.recording.loss))
    if not means:
        broken.why_not = "The loss is not the mean of several numbers."
        return broken

    def factors(again: Again) -> dict[str, Any]:
        return {"factors": {node_of(again.results[mean]): count for mean, count in means.items()}}

    trainer.see(broken, factors)
    trainer.compare_training(broken, lambda again: trainer.gradients(again, **factors(again)))
    return broken


def _means(entry: Entry) -> Iterator[tuple[Entry, int]]:
    """The means that a loss is, or of which it is the sum with penalties, and of how many."""
    if entry.op == "add":
        for edge in entry.inputs:
            if edge.source.value.size == 1:
                yield from _means(edge.source)
    elif entry.op is not None and "mean" in entry.op:
        count = _averaged(entry)
        if count > 1:
            yield entry, count


def _averaged(mean: Entry) -> int:
    """Of how many numbers an entry is the mean: samples, or all elements."""
    name, shapes = str(mean.op), [edge.source.value.shape for edge in mean.inputs]
    largest = max(shapes, key=math.prod)
    rows = "crossentropy" in name and "binary" not in name
    count: int = math.prod(largest[:-1] if rows else largest)
    return count // max(1, int(mean.value.size))


def _saturated(trainer: _Trainer) -> Break:
    """Weights before sigmoids and tanhs twenty times as large."""
    broken = Break(
        "saturated",
        "A sigmoid that saturates",
        f"With weights {SATURATION:.0f} times as large, sigmoid and tanh work at their flat ends, "
        "where the slope is almost 0: hardly any gradient gets through, and the layers before "
        "them stop learning although the loss is high.",
    )
    changed = {
        leaf: SATURATION * leaf.value
        for entry in trainer.recording.forward
        if _squashes(entry)
        for leaf in _weights_before(entry)
    }
    if not changed:
        broken.why_not = "There is no sigmoid or tanh behind weights here."
        return broken
    return _from_other_values(trainer, broken, changed)


def _squashes(entry: Entry) -> bool:
    node = entry.node
    return node is not None and (
        node.op.name in ("sigmoid", "tanh") or node.params.get("activation") in ("sigmoid", "tanh")
    )


def _weights_before(entry: Entry) -> list[Entry]:
    """The leaves before an entry, back to the nearest matrix of weights."""
    edges = list(entry.inputs)
    leaves: dict[Entry, None] = {}
    while edges and not any(leaf.value.ndim > 1 for leaf in leaves):
        sources = dict.fromkeys(edge.source for edge in edges)
        leaves |= dict.fromkeys(s for s in sources if s.kind in ("parameter", "variable"))
        edges = [edge for source in sources for edge in source.inputs]
    return list(leaves)


def _zero_weights(trainer: _Trainer) -> Break:
    """Every parameter 0."""
    broken = Break(
        "zero-weights",
        "Weights initialised to zero",
        "If all weights of a layer are equal, all its units compute the same and get the same "
        "gradient: they stay equal for ever, as if there were one. With zeros, nothing even flows "
        "to the layers before. Random weights break the symmetry.",
    )
    weights = _weights(trainer)
    if not any(leaf.value.ndim > 1 for leaf in weights):
        broken.why_not = "There are no matrices of weights here."
        return broken
    return _from_other_values(
        trainer, broken, {leaf: np.zeros_like(leaf.value) for leaf in weights}
    )


def _weights(trainer: _Trainer) -> list[Entry]:
    """What is initialised: a model's parameters but for factors that start at 1, or all leaves."""
    parameters = [leaf for leaf in trainer.leaves if leaf.kind == "parameter"]
    return [leaf for leaf in parameters or trainer.leaves if leaf.label != "gamma"]


def _from_other_values(trainer: _Trainer, broken: Break, changed: dict[Entry, Any]) -> Break:
    """The right walk from other weights."""
    changed = {leaf: value.astype(leaf.value.dtype) for leaf, value in changed.items()}
    try:
        trainer.see(broken, changed=changed)
    except np.linalg.LinAlgError as error:
        broken.errors = dict.fromkeys(trainer.leaves, f"There is no gradient: {error}")
        return broken
    trainer.compare_training(broken, trainer.gradients, changed)
    return broken
