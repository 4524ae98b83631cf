"""The steps of a training, recorded one by one: why did this weight move?"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch.autograd.modes import note_origins
from nnscratch.autograd.trees import leaves
from nnscratch.configuration import serialize
from nnscratch.explainer.document import array, document, number
from nnscratch.explainer.page import Explanation, write_page
from nnscratch.explainer.recording import record_tape
from nnscratch.optimizers.state import MULTIPLIER
from nnscratch.saving.layer_state import all_layers, owners
from nnscratch.training.arrays import at_least

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from nnscratch.autograd import Parameter, Tensor
    from nnscratch.explainer.recording import Recording
    from nnscratch.layers import Layer
    from nnscratch.models import Model

MOST_NUMBERS = 600_000
"""How many numbers of all steps together a page holds."""

FEWEST_NUMBERS = 16


class Moment(NamedTuple):
    """One parameter in one step; arrays of its shape.

    Attributes:
        value: before the step, on the host like the others.
        gradient: of the loss; None if it was frozen.
        update: what the step added to the value.
        slots: what the optimizer keeps, after the step, by name.
    """

    value: Any
    gradient: Any
    update: Any
    slots: dict[str, Any]


NOTHING = Moment(None, None, None, {})
"""Of a parameter that was not there yet."""


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
        rates: for each step the optimizer's learning rate, and how many updates it had made before;
            None of a model without an optimizer.
        recording: the tape of the last step, or of the first one with a NaN.
        not_finite: the first NaN or infinity; None if there was none.
    """

    def __init__(self, model: Model, steps: int) -> None:
        """Nothing recorded yet."""
        self.model = model
        self.steps = steps
        self.losses: list[float] = []
        self.moments: list[dict[Parameter, Moment]] = []
        self.rates: list[tuple[float, int] | None] = []
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
        return {
            "steps": len(self.losses),
            "losses": [number(loss) for loss in self.losses],
            "optimizer": _optimizer(self.model),
            "learningRates": [None if rate is None else number(rate[0]) for rate in self.rates],
            "iterations": [None if rate is None else rate[1] for rate in self.rates],
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
                    **_described_moments(
                        [step.get(weight, NOTHING) for step in self.moments], limit
                    ),
                }
                for weight in weights
            ],
            "firstNotFinite": None if self.not_finite is None else self.not_finite._asdict(),
        }


def _described_moments(moments: list[Moment], limit: int) -> dict[str, Any]:
    """What happened to one parameter, step by step."""
    return {
        "values": [array(moment.value, limit) for moment in moments],
        "gradients": [array(moment.gradient, limit) for moment in moments],
        "updates": [array(moment.update, limit) for moment in moments],
        "slots": {
            name: [array(moment.slots.get(name), limit) for moment in moments]
            for name in moments[-1].slots
        },
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
    before: dict[Parameter, Any] = {}  # values at the start of the step that runs
    losses: list[float] = []  # of the step that runs

    def watched_step(data: Any) -> Any:
        if len(run.losses) >= run.steps:
            return train_step(data)
        before.clear()
        losses.clear()
        before.update((weight, weight.numpy().copy()) for weight in model.weights)
        optimizer = model.optimizer
        rate = None if optimizer is None else (optimizer.learning_rate, optimizer.iterations)
        with note_origins(True):
            logs = train_step(data)
        if losses:
            run.losses.append(losses[-1])
            run.moments.append(_moments(model, before))
            run.rates.append(rate)
        return logs

    def watched_loss(x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        loss = compute_loss(x, y, *args, **kwargs)
        if len(run.losses) < run.steps and getattr(loss, "node", None) is not None:
            for weight in model.weights:  # the first step may have built the model
                if weight not in before:
                    before[weight] = weight.numpy().copy()
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


def _moments(model: Model, before: dict[Parameter, Any]) -> dict[Parameter, Moment]:
    """What a step did to each parameter, and to those that it made."""
    weights, optimizer = model.weights, model.optimizer
    state = {} if optimizer is None else optimizer.get_state(weights)
    scale = getattr(optimizer, "loss_scale_factor", None) or 1
    moments = {}
    for place, weight in enumerate(weights):
        slots = {
            name.rpartition("/")[0]: np.array(kept)
            for name, kept in state.items()
            if name.rpartition("/")[2] == str(place) and np.shape(kept) == weight.shape
        }
        slots.pop(MULTIPLIER, None)
        gradient = None if weight.grad is None else weight.grad.numpy() / weight.dtype.type(scale)
        value = before[weight]
        moments[weight] = Moment(value, gradient, weight.numpy() - value, slots)
    return moments


def _optimizer(model: Model) -> dict[str, Any] | None:
    """The optimizer's configuration, and all of its constants as they are, defaults too."""
    if model.optimizer is None:
        return None
    settings = {
        name: value
        for name, value in vars(model.optimizer).items()
        if not name.startswith("_") and isinstance(value, bool | int | float)
    }
    return {**serialize(model.optimizer), "settings": settings}


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
