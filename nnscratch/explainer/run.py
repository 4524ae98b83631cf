"""The steps of a training, recorded one by one: why did this weight move?"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch.autograd.modes import note_origins
from nnscratch.autograd.trees import leaves
from nnscratch.explainer.arrays import FEWEST_NUMBERS, array, number
from nnscratch.explainer.document import document
from nnscratch.explainer.moments import Before, Clock, Moment, moments
from nnscratch.explainer.page import Explanation, write_page
from nnscratch.explainer.recording import record_tape
from nnscratch.saving.layer_state import all_layers, owners
from nnscratch.training.arrays import at_least

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from nnscratch.autograd import Parameter, Tensor
    from nnscratch.explainer.recording import Recording
    from nnscratch.layers import Layer
    from nnscratch.models import Model
    from nnscratch.optimizers import Optimizer

MOST_NUMBERS = 600_000
"""How many numbers of all steps together a page holds."""


class NotFinite(NamedTuple):
    """Where the first NaN or infinity came up: the step, the op, and a sentence."""

    step: int
    op: str
    text: str


class Run:
    """What `record` has seen.

    Attributes:
        model: whose steps they are.
        losses: one for each step.
        moments: for each step what happened to each parameter.
        clocks: for each step where the optimizer stood before it; None of a model without one.
        recording: the tape of the last step, or of the first one with a NaN.
        not_finite: the first NaN or infinity; None if there was none.
    """

    def __init__(self, model: Model, steps: int) -> None:
        """Nothing recorded yet."""
        self.model = model
        self.steps = steps
        self.losses: list[float] = []
        self.moments: list[dict[Parameter, Moment]] = []
        self.clocks: list[Clock | None] = []
        self.recording: Recording | None = None
        self.not_finite: NotFinite | None = None

    def __repr__(self) -> str:
        """Say how far it got."""
        return f"<Run of {self.model.name!r}: {len(self.losses)} of {self.steps} steps>"

    def explain(self, path: str | Path = "backprop.html", title: str | None = None) -> Explanation:
        """Write the page of the run: the last step's graph, and an axis of all steps.

        Args:
            path: the file to write.
            title: what the page is called, by default after the model.

        Raises:
            RuntimeError: no step was recorded.
            OSError: the file cannot be written.
        """
        if self.recording is None:
            raise RuntimeError(
                "No training step was recorded: call model.fit or model.train_on_batch inside "
                "`with ns.record(model, steps=50) as run:`."
            )
        kinds = layer_kinds(self.model)
        described = document(self.recording, title or f"Training {self.model.name}", kinds)
        described["run"] = self._described(self.recording)
        return write_page(described, path)

    def see(self, loss: Tensor, arrays: Mapping[str, Any] | None = None) -> None:
        """Look at the tape of a step, before its backward pass frees it.

        Args:
            loss: of the step.
            arrays: what it was computed from, by name.
        """
        if self.not_finite is not None:
            return
        names = {id(array): name for name, array in (arrays or {}).items()}
        self.recording = record_tape(loss, names, arrays=arrays)
        self.not_finite = _first_not_finite(self.recording, len(self.losses))

    def _described(self, recording: Recording) -> dict[str, Any]:
        weights = [w for w in self.model.weights if any(w in step for step in self.moments)]
        layer_of = owners(self.model)
        entries = {id(entry.tensor): entry.index for entry in recording.leaves}
        limit = _limit(self.moments)
        layers = list(dict.fromkeys(layer_of[weight] for weight in weights))
        clocks = self.clocks
        optimizers = _optimizers(clocks)
        return {
            "steps": len(self.losses),
            "losses": [number(loss) for loss in self.losses],
            "optimizers": optimizers,
            "optimizerAt": [
                None if at is None else optimizers.index(at.optimizer) for at in clocks
            ],
            "learningRates": [None if at is None else number(at.rate) for at in clocks],
            "iterations": [None if at is None else at.iterations for at in clocks],
            "calls": [None if at is None else at.calls for at in clocks],
            "layers": layers,
            "norms": {
                what: {
                    layer: [
                        number(_norm(what, [m for w, m in step.items() if layer_of[w] == layer]))
                        for step in self.moments
                    ]
                    for layer in layers
                }
                for what in ("value", "gradient", "update")
            },
            "parameters": [
                {
                    "entry": entries.get(id(weight)),
                    "name": weight.name,
                    "layer": layer_of[weight],
                    "trainable": weight.trainable,
                    "constraint": None if weight.constraint is None else _name(weight.constraint),
                    **_described_moments(
                        [step.get(weight, Moment()) for step in self.moments], limit
                    ),
                }
                for weight in weights
            ],
            "firstNotFinite": None if self.not_finite is None else self.not_finite._asdict(),
        }


def _optimizers(clocks: Iterable[Clock | None]) -> list[dict[str, Any]]:
    """What made the updates; several where it was exchanged, or a constant of it was changed."""
    found: list[dict[str, Any]] = []
    for at in clocks:
        if at is not None and at.optimizer not in found:
            found.append(at.optimizer)
    return found


def _described_moments(own: list[Moment], limit: int) -> dict[str, Any]:
    """What happened to one parameter, step by step; `before` is what an optimizer began with."""
    names = dict.fromkeys(name for moment in own for name in moment.slots)
    norms = [moment.clipped_norm for moment in own]
    return {
        "values": [array(moment.value, limit) for moment in own],
        "gradients": [array(moment.gradient, limit) for moment in own],
        "updates": [array(moment.update, limit) for moment in own],
        "multipliers": [moment.multiplier for moment in own],
        "decays": [moment.decays for moment in own],
        "clippedNorms": [None if norm is None else number(norm) for norm in norms],
        "before": [
            {name: array(kept, limit) for name, kept in moment.before.items()} for moment in own
        ],
        "slots": {name: [array(moment.slots.get(name), limit) for moment in own] for name in names},
    }


def _norm(what: str, moments: Iterable[Moment]) -> float:
    """The Euclidean norm of values, gradients or updates together."""
    arrays = [getattr(moment, what) for moment in moments]
    squares = [np.sum(np.square(a, dtype=np.float64)) for a in arrays if a is not None]
    return float(np.sqrt(sum(squares)))


def _first_not_finite(recording: Recording, step: int) -> NotFinite | None:
    """The first op of a step, forward and then backward, with a number that is not finite."""
    for entry in recording.entries:
        if not all(map(_finite, entry.outputs)):
            return NotFinite(
                step,
                entry.op or entry.label,
                f"The forward pass of step {step + 1} gave a value that is not finite in "
                f"{entry.label}.",
            )
    for entry in recording.backward:
        for edge in entry.inputs:
            if edge.contribution is not None and not _finite(edge.contribution):
                return NotFinite(
                    step,
                    entry.op or entry.label,
                    f"The backward pass of step {step + 1} gave a gradient that is not finite in "
                    f"{entry.label}.",
                )
    return None


@contextmanager
def record(model: Model, steps: int = 50) -> Iterator[Run]:
    """Record the next training steps of a model, however they come about.

        with ns.record(model, steps=50) as run:
            model.fit(x, y, epochs=2)
        run.explain("training.html")

    Training inside the block goes on after the last recorded step, and computes what it would have
    computed without the block.

    Args:
        model: compiled, or a model with a `train_step` of its own that calls `compute_loss`.
        steps: how many steps to record at most.

    Raises:
        ValueError: steps is no positive number.
    """
    run = Run(model, at_least(1, "steps", steps))
    own = {name: vars(model)[name] for name in _WATCHED if name in vars(model)}
    train_step, compute_loss = model.train_step, model.compute_loss
    begun: list[Before] = []  # the step that runs
    losses: list[float] = []  # of the step that runs
    known: list[Optimizer | None] = []  # those that have made a step

    def watched_step(data: Any) -> Any:
        if len(run.losses) >= run.steps:
            return train_step(data)
        losses.clear()
        before = Before(model)
        begun[:] = [before]
        with note_origins(True):
            logs = train_step(data)
        if losses:
            run.losses.append(losses[-1])
            run.moments.append(moments(model, before, first=model.optimizer not in known))
            known.append(model.optimizer)
            run.clocks.append(before.clock)
        return logs

    def watched_loss(x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        loss = compute_loss(x, y, *args, **kwargs)
        if len(run.losses) < run.steps and getattr(loss, "node", None) is not None:
            for before in begun:
                before.see_values(model)  # the first step may have built the model
            run.see(loss, arrays_of(x, y))
            losses.append(float(loss.item()))
        return loss

    object.__setattr__(model, "train_step", watched_step)
    object.__setattr__(model, "compute_loss", watched_loss)
    try:
        yield run
    finally:
        for name in _WATCHED:
            object.__delattr__(model, name)
        vars(model).update(own)


_WATCHED = ("train_step", "compute_loss")


def _name(constraint: Any) -> str:
    """What a function, or an object of a class, is called."""
    return getattr(constraint, "__name__", type(constraint).__name__)


def arrays_of(x: Any, y: Any) -> dict[str, Any]:
    """Inputs and targets by name: x and y, or x0, x1 and so on where there are several.

    Args:
        x: an array, or several, nested.
        y: likewise.
    """
    return {
        what if len(arrays) == 1 else f"{what}{place}": array
        for what, arrays in (("x", leaves(x)), ("y", leaves(y)))
        for place, array in enumerate(arrays)
        if hasattr(array, "dtype")
    }


def layer_kinds(model: Layer) -> dict[str, str]:
    """The class of each layer of a model, by its name."""
    return {layer.name: type(layer).__name__ for layer in all_layers(model)}


def _limit(moments: list[dict[Parameter, Moment]]) -> int:
    """How many numbers of one array to keep, so that those of all steps fit."""
    kept = sum(3 + len(moment.slots) for step in moments for moment in step.values())
    return max(FEWEST_NUMBERS, MOST_NUMBERS // max(1, kept))


def _finite(values: Any) -> bool:
    return bool(np.isfinite(values).all())
