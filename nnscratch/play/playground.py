"""The network that a person plays with: its training, and what there is to see of it."""

from __future__ import annotations

import base64
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

import nnscratch as ns
from nnscratch.play.choices import PLAYED_OPTIMIZERS, REGULARIZERS
from nnscratch.play.datasets import make
from nnscratch.play.features import COORDINATES, FEATURES, Features
from nnscratch.play.program import program

if TYPE_CHECKING:
    from nnscratch.play.choices import Choices

GRID = 48
"""Points along each axis at which the network is asked for its boundary."""

UNIT_GRID = 24
"""The same for the picture of each unit; it divides `GRID`."""

REACH = 1.2
"""The plane from -REACH to REACH is shown."""

KEPT_LOSSES = 600
"""Points of a loss curve; a longer one is thinned out."""

EPOCHS = 100
"""Those of the program while nothing is trained yet."""


class Playground:
    """A network in training: the same steps that `fit` takes with the same seed.

    Attributes:
        choices: what was chosen.
        model: the real thing.
        x, y: all points and targets; those at the front are trained on, the others held out.
        step_count: steps so far.
        stopped: a sentence once loss or weights are no longer finite; then no step is taken.
    """

    def __init__(self, choices: Choices) -> None:
        """Make data and network anew."""
        self.choices = choices
        self.x, self.y = make(choices.dataset, choices.noise, choices.seed)
        self.step_count = 0
        self.stopped: str | None = None
        # `fit` too draws the weights and then each epoch's order from one generator.
        self._generator = np.random.default_rng(choices.seed)
        with ns.random.using(self._generator):
            self.model = _network(choices)
        self._order = np.empty(0, np.intp)
        self._curve: list[list[float | None]] = []
        self._every = 1
        self._note()

    @property
    def steps_per_epoch(self) -> int:
        """How many batches the training points make; the last may be smaller."""
        return math.ceil(self.choices.training_points / self.choices.batch_size)

    def step(self) -> None:
        """Take one step on the next batch; each pass over the points has an order of its own."""
        if self.stopped:
            return
        if not len(self._order):
            self._order = self._generator.permutation(self.choices.training_points)
        size = self.choices.batch_size
        rows, self._order = self._order[:size], self._order[size:]
        with np.errstate(all="ignore"):  # a person may well choose what overflows
            self.model.train_on_batch(self.x[rows], self.y[rows])
        self.step_count += 1
        finite = all(np.isfinite(weight.numpy()).all() for weight in self.model.weights)
        if self.step_count % self._every == 0 or not finite:
            finite = self._note() and finite
        if not finite:
            self.stopped = f"The loss is no longer finite at step {self.step_count}."

    def finish_epoch(self) -> None:
        """Take steps to the end of the pass over the points, a whole one at the end of another."""
        self.step()
        while len(self._order) and not self.stopped:
            self.step()

    def start(self) -> dict[str, Any]:
        """What the page needs once for these choices."""
        return {
            "choices": asdict(self.choices),
            "points": _rounded(self.x),
            "targets": _rounded(self.y),
            "training": self.choices.training_points,
            "metric": "accuracy" if self.choices.has_classes else "mean error",
            "inputs": self._inputs(),
            "range": self._range,
            "reach": REACH,
            "grid": GRID,
            "unitGrid": UNIT_GRID,
        }

    def snapshot(self) -> dict[str, Any]:
        """Everything that the page shows of the network as it stands; JSON can hold it."""
        with np.errstate(all="ignore"):
            hidden, boundary = self._responses()
            losses, metrics = self._scores()
            gradients = self._gradients()
        now = [self.step_count, *map(_json, losses)]
        epochs = self.step_count / self.steps_per_epoch
        return {
            "step": self.step_count,
            "epoch": round(epochs, 2),
            "loss": now[1:],
            "metric": [_json(metric) for metric in metrics],
            "curve": self._curve if self._curve[-1] == now else [*self._curve, now],
            "boundary": _picture(boundary, *self._range, np.uint16),
            "output": _low_and_high(boundary),
            "units": hidden,
            "weights": [_rounded(weight.numpy()) for weight in self.model.weights],
            "gradients": [_rounded(gradient) for gradient in gradients],
            "stopped": self.stopped,
            "program": program(self.choices, math.ceil(epochs) or EPOCHS),
        }

    @property
    def _range(self) -> tuple[float, float]:
        """From the least target to the largest: what the picture of the output shows."""
        return (0.0, 1.0) if self.choices.has_classes else (-1.0, 1.0)

    @property
    def _halves(self) -> tuple[slice, slice]:
        """The points that are trained on, and those held out."""
        return slice(None, self.choices.training_points), slice(self.choices.training_points, None)

    def _inputs(self) -> list[dict[str, Any]]:
        """For each input of the network its name, and its picture, which never changes."""
        features = self.choices.features
        values = Features(features)(_plane())
        return [
            {"name": FEATURES[name][0], **_unit(column)}
            for name, column in zip(features, np.asarray(values.data).T, strict=True)
        ]

    def _responses(self) -> tuple[list[list[dict[str, Any]]], Any]:
        """The picture of each hidden unit, and the network's outputs over the plane."""
        values: Any = _plane()
        outputs = []
        with ns.no_grad(), ns.backend("numpy"):  # a picture is not worth a wait for a compiler
            for layer in self.model.layers:
                values = layer(values)
                if layer.weights:
                    outputs.append(np.asarray(values.data))
        hidden = [[_unit(column) for column in layer.T] for layer in outputs[:-1]]
        return hidden, outputs[-1].reshape(GRID, GRID)

    def _gradients(self) -> list[Any]:
        """Of the loss over all training points with respect to each weight, as they are now."""
        training, _ = self._halves
        x, y = self.x[training], self.y[training]
        for weight in self.model.weights:
            weight.grad = None
        self.model.compute_loss(x, y, self.model(x, training=True)).backward()
        return [
            np.zeros(weight.shape) if weight.grad is None else weight.grad.numpy()
            for weight in self.model.weights
        ]

    def _scores(self) -> tuple[list[float], list[float]]:
        """Loss, and accuracy or mean absolute error, on the training points and those held out."""
        losses, metrics = [], []
        for rows in self._halves:
            x, y = self.x[rows], self.y[rows]
            # On the tape, so that the loss is the fused op that training has.
            outputs = self.model(x, training=False)
            losses.append(float(self.model.compute_loss(x, y, outputs)))
            predicted = outputs.numpy()[:, 0]
            right = (predicted > 0.5) == y
            metrics.append(
                float(np.mean(right if self.choices.has_classes else abs(predicted - y)))
            )
        return losses, metrics

    def _note(self) -> bool:
        """Add to the loss curve; gives whether both losses are finite."""
        with np.errstate(all="ignore"):
            losses, _ = self._scores()
        self._curve.append([self.step_count, *map(_json, losses)])
        if len(self._curve) > KEPT_LOSSES:
            self._curve = self._curve[::2]
            self._every *= 2
        return all(map(math.isfinite, losses))


def _network(choices: Choices) -> ns.Sequential:
    def dense(units: int, activation: str) -> ns.layers.Dense:
        penalty = REGULARIZERS[choices.regularizer]
        return ns.layers.Dense(
            units,
            activation=activation,
            kernel_initializer=choices.initializer,
            kernel_regularizer=penalty and getattr(ns.regularizers, penalty)(choices.penalty),
        )

    features = [] if choices.features == COORDINATES else [Features(choices.features)]
    hidden = [dense(units, choices.activation) for units in choices.layers]
    output = dense(1, "sigmoid" if choices.has_classes else "linear")
    model = ns.Sequential([ns.layers.Input(shape=(2,)), *features, *hidden, output])
    loss = "binary_crossentropy" if choices.has_classes else "mean_squared_error"
    model.compile(optimizer=_optimizer(choices), loss=loss)
    return model


def _optimizer(choices: Choices) -> Any:
    name, settings = PLAYED_OPTIMIZERS[choices.optimizer]
    return getattr(ns.optimizers, name)(choices.learning_rate, **settings)


def _plane() -> Any:
    """The middle of each cell of the plane's grid, rows from the top down, shape (GRID², 2)."""
    along = REACH * ((2 * np.arange(GRID) + 1) / GRID - 1).astype(np.float32)
    return np.stack(np.meshgrid(along, along[::-1]), axis=-1).reshape(-1, 2)


def _unit(values: Any) -> dict[str, Any]:
    """What one unit gives over the plane: a smaller picture, and its range."""
    few = GRID // UNIT_GRID
    smaller = values.reshape(UNIT_GRID, few, UNIT_GRID, few).mean(axis=(1, 3))
    finite = np.where(np.isfinite(smaller), smaller, 0)
    largest = max(float(np.max(np.abs(finite))), 1e-12)
    return {"picture": _picture(finite, -largest, largest), **_low_and_high(values)}


def _low_and_high(values: Any) -> dict[str, float | None]:
    return {"low": _json(float(values.min())), "high": _json(float(values.max()))}


def _picture(values: Any, low: float, high: float, dtype: type = np.uint8) -> str:
    """Values between two bounds as whole numbers of all their range, base64; NaN in the middle."""
    most = np.iinfo(dtype).max
    scaled = most * (values.astype(np.float64) - low) / (high - low)
    pixels = np.clip(np.rint(np.where(np.isnan(scaled), most / 2, scaled)), 0, most)
    return base64.b64encode(pixels.astype(np.dtype(dtype).newbyteorder("<")).tobytes()).decode()


def _rounded(values: Any) -> Any:
    """Numbers with six digits, nested lists; those that are not finite as null."""
    if np.ndim(values):
        return [_rounded(value) for value in values]
    return _json(float(values))


def _json(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None
