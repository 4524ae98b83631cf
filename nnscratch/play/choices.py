"""What a person may choose on the page, and the check of what came over the network."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from nnscratch.play.datasets import DATASETS, POINTS, VALUES
from nnscratch.play.features import COORDINATES, FEATURES

ACTIVATIONS = ("tanh", "relu", "sigmoid", "gelu", "linear")
INITIALIZERS = ("glorot_uniform", "he_normal", "zeros")
REGULARIZERS = {"none": None, "l1": "L1", "l2": "L2"}
"""For each name on the page the class of the penalty on weights."""

PLAYED_OPTIMIZERS: dict[str, tuple[str, dict[str, float]]] = {
    "adam": ("Adam", {}),
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "rmsprop": ("RMSprop", {}),
}
"""For each name on the page the class, and what it gets besides the learning rate."""

MOST_LAYERS = 6
MOST_UNITS = 12
MOST_NOISE = 0.5
TRAINING_POINTS = (10, POINTS - 10)
LEARNING_RATES = (1e-6, 10.0)
PENALTIES = (1e-6, 10.0)
LARGEST_SEED = 999_999

OFFERED_RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
OFFERED_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, POINTS)
OFFERED_PENALTIES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1)


@dataclass(frozen=True)
class Choices:
    """What a person has chosen.

    Attributes:
        dataset: one of `DATASETS`.
        noise: standard deviation of what is added to the points, from 0 to `MOST_NOISE`.
        training_points: how many of the points, the first ones, are trained on; the others are
            held out.
        features: some of `FEATURES`, at least one: what the network is told of a point.
        layers: units of each hidden layer.
        activation: of the hidden layers.
        optimizer: one of `PLAYED_OPTIMIZERS`.
        learning_rate: between the two `LEARNING_RATES`.
        batch_size: from 1 to the number of points.
        initializer: one of `INITIALIZERS`.
        regularizer: one of `REGULARIZERS`, on every kernel.
        penalty: its factor, between the two `PENALTIES`.
        seed: of data, weights and order.
    """

    dataset: str = "circle"
    noise: float = 0.05
    training_points: int = 150
    features: tuple[str, ...] = COORDINATES
    layers: tuple[int, ...] = (4, 3)
    activation: str = "tanh"
    optimizer: str = "adam"
    learning_rate: float = 0.03
    batch_size: int = 16
    initializer: str = "glorot_uniform"
    regularizer: str = "none"
    penalty: float = 0.001
    seed: int = 0

    @property
    def has_classes(self) -> bool:
        """Whether the targets are classes, 0 or 1, and not values from -1 to 1."""
        return self.dataset not in VALUES


def checked(changes: object, before: Choices) -> Choices:
    """The choices with some of them changed.

    Args:
        changes: values by name, as they came over the network: anything.
        before: the choices that the others keep.

    Raises:
        ValueError: something that cannot be chosen; the message says what can.
    """
    if not isinstance(changes, dict):
        raise ValueError("Choices are an object with a value for each name.")
    names = {field.name for field in fields(Choices)}
    if unknown := sorted(set(map(str, changes)) - names):
        raise ValueError(f"There is nothing called {unknown[0]!r:.40} to choose.")
    merged = asdict(before) | changes
    return Choices(
        dataset=_one_of("dataset", merged, tuple(DATASETS)),
        noise=_number("noise", merged["noise"], 0.0, MOST_NOISE),
        training_points=_whole("training_points", merged["training_points"], *TRAINING_POINTS),
        features=_features(merged["features"]),
        layers=_layers(merged["layers"]),
        activation=_one_of("activation", merged, ACTIVATIONS),
        optimizer=_one_of("optimizer", merged, tuple(PLAYED_OPTIMIZERS)),
        learning_rate=_number("learning_rate", merged["learning_rate"], *LEARNING_RATES),
        batch_size=_whole("batch_size", merged["batch_size"], 1, POINTS),
        initializer=_one_of("initializer", merged, INITIALIZERS),
        regularizer=_one_of("regularizer", merged, tuple(REGULARIZERS)),
        penalty=_number("penalty", merged["penalty"], *PENALTIES),
        seed=_whole("seed", merged["seed"], 0, LARGEST_SEED),
    )


def options() -> dict[str, Any]:
    """What there is to choose from, for the page's controls."""
    return {
        "dataset": list(DATASETS),
        "points": POINTS,
        "trainingPoints": TRAINING_POINTS,
        "features": {name: called for name, (called, _) in FEATURES.items()},
        "activation": ACTIVATIONS,
        "optimizer": list(PLAYED_OPTIMIZERS),
        "initializer": INITIALIZERS,
        "regularizer": list(REGULARIZERS),
        "penalties": OFFERED_PENALTIES,
        "learningRates": OFFERED_RATES,
        "batchSizes": OFFERED_SIZES,
        "mostLayers": MOST_LAYERS,
        "mostUnits": MOST_UNITS,
        "mostNoise": MOST_NOISE,
        "largestSeed": LARGEST_SEED,
    }


def _one_of(name: str, values: dict[str, Any], allowed: tuple[str, ...]) -> str:
    value = values[name]
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} is one of {', '.join(allowed)}, got {value!r:.40}.")
    return value


def _features(values: object) -> tuple[str, ...]:
    """The features in the order of `FEATURES`, whatever the order in which they came."""
    if not isinstance(values, list | tuple) or not values or any(map(_is_unknown, values)):
        raise ValueError(f"features are one or more of {', '.join(FEATURES)}, got {values!r:.40}.")
    return tuple(name for name in FEATURES if name in values)


def _is_unknown(feature: object) -> bool:
    return not isinstance(feature, str) or feature not in FEATURES


def _layers(values: object) -> tuple[int, ...]:
    if not isinstance(values, list | tuple) or len(values) > MOST_LAYERS:
        raise ValueError(
            f"layers is a list of at most {MOST_LAYERS} numbers of units, got {values!r:.40}."
        )
    return tuple(_whole("The number of units of a layer", n, 1, MOST_UNITS) for n in values)


def _number(name: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{name} is a number from {low:g} to {high:g}, got {value!r:.40}.")
    return float(value)


def _whole(name: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} is a whole number from {low} to {high}, got {value!r:.40}.")
    return value
