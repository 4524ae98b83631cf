"""Every option of every optimizer against Keras: 100 steps in double precision."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns
from nnscratch.optimizers.options import Options

# Keras reads its torch variables through an __array__ that knows no copy=.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.usefixtures("keras_in_double_precision"),
]

SHAPES = ((3, 4), (4,), ())
STEPS = 100

OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.3}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("SGD", {"nesterov": True}),
    ("RMSprop", {}),
    ("RMSprop", {"learning_rate": 0.02, "rho": 0.5}),
    ("RMSprop", {"momentum": 0.9}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"centered": True, "momentum": 0.5, "epsilon": 1e-3}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.02, "beta_1": 0.5, "beta_2": 0.9}),
    ("Adam", {"epsilon": 1e-2}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.1, "amsgrad": True}),
    ("Adagrad", {}),
    ("Adagrad", {"learning_rate": 0.5, "initial_accumulator_value": 0.0, "epsilon": 1e-3}),
    ("Adadelta", {}),
    ("Adadelta", {"learning_rate": 1.0, "rho": 0.5, "epsilon": 1e-3}),
    ("Adamax", {}),
    ("Adamax", {"learning_rate": 0.02, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2}),
    ("Nadam", {}),
    ("Nadam", {"learning_rate": 0.02, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2}),
    ("Ftrl", {}),
    ("Ftrl", {"learning_rate": 0.5, "learning_rate_power": -0.3, "beta": 0.2}),
    ("Ftrl", {"learning_rate_power": 0.0, "initial_accumulator_value": 1.0}),
    ("Ftrl", {"l1_regularization_strength": 0.5, "l2_regularization_strength": 0.1}),
    ("Ftrl", {"learning_rate": 0.1, "l2_shrinkage_regularization_strength": 0.3}),
    ("Lion", {}),
    ("Lion", {"learning_rate": 0.02, "beta_1": 0.5, "beta_2": 0.7}),
]

NAMES = list(dict.fromkeys(name for name, _ in OPTIONS))


@pytest.fixture
def starts() -> list[Any]:
    generator = np.random.default_rng(0)
    return [generator.normal(size=shape) for shape in SHAPES]


def gradients_of(step: int) -> list[Any]:
    """Gradients of changing size, so that running means matter, and some that are 0."""
    generator = np.random.default_rng(step)
    size = 10.0 ** generator.uniform(-3, 1)
    gradients = [np.asarray(size * generator.normal(size=shape)) for shape in SHAPES]
    gradients[1][0] = 0.0
    return gradients


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=str)
def test_100_steps(starts, name, options):
    theirs = getattr(keras.optimizers, name)(**options)
    variables = [keras.Variable(values, dtype="float64") for values in starts]
    ours = getattr(ns.optimizers, name)(**options)
    parameters = [ns.Parameter(values.copy()) for values in starts]
    for step in range(STEPS):
        gradients = gradients_of(step)
        theirs.apply([keras.ops.convert_to_tensor(g, "float64") for g in gradients], variables)
        ours.apply([ns.Tensor(g) for g in gradients], parameters)
    assert ours.iterations == STEPS
    for parameter, variable in zip(parameters, variables, strict=True):
        expected = keras.ops.convert_to_numpy(variable)
        np.testing.assert_allclose(parameter.numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_and_defaults_are_those_of_keras(name):
    theirs = inspect.signature(getattr(keras.optimizers, name)).parameters
    ours = inspect.signature(getattr(ns.optimizers, name)).parameters
    own = [n for n, p in ours.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert own == list(theirs)[: len(own)]  # their order counts in positional calls
    assert set(own) | set(Options.__annotations__) == set(theirs) - {"kwargs"}
    optimizer = getattr(ns.optimizers, name)()
    for argument in theirs.keys() - {"kwargs", "name"}:
        assert getattr(optimizer, argument) == theirs[argument].default, argument


@pytest.mark.parametrize("name", NAMES)
def test_learning_rate_may_change_between_steps(starts, name):
    theirs = getattr(keras.optimizers, name)()
    variables = [keras.Variable(values, dtype="float64") for values in starts]
    ours = getattr(ns.optimizers, name)()
    parameters = [ns.Parameter(values.copy()) for values in starts]
    for step in range(6):
        ours.learning_rate = theirs.learning_rate = 0.5 / (step + 1)
        gradients = gradients_of(step)
        theirs.apply([keras.ops.convert_to_tensor(g, "float64") for g in gradients], variables)
        ours.apply([ns.Tensor(g) for g in gradients], parameters)
    for parameter, variable in zip(parameters, variables, strict=True):
        expected = keras.ops.convert_to_numpy(variable)
        np.testing.assert_allclose(parameter.numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_a_learning_rate_from_numpy_gives_the_same_bits(name):
    results = []
    for rate in (0.1, np.float64(0.1)):
        optimizer = getattr(ns.optimizers, name)(learning_rate=rate)
        parameter = ns.Parameter(np.ones(5, np.float32))
        for step in range(3):
            gradient = np.random.default_rng(step).normal(size=5).astype(np.float32)
            optimizer.apply([ns.Tensor(gradient)], [parameter])
        results.append(parameter.numpy())
        assert parameter.dtype == np.float32
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    kind = getattr(ns.optimizers, name)
    assert type(keras.optimizers.get(name.lower())).__name__ == name
    for identifier in (name, name.lower()):
        assert type(ns.optimizers.get(identifier)) is kind


def test_an_optimizer_is_itself():
    optimizer = ns.optimizers.Adam(0.5)
    assert ns.optimizers.get(optimizer) is optimizer


@pytest.mark.parametrize("rate", [-0.1, np.nan, np.inf, "0.1", None, [0.1], np.ones(2)])
def test_bad_learning_rate(rate):
    message = r"learning_rate must be a number of at least 0, got .*\."
    with pytest.raises(ValueError, match=message):
        ns.optimizers.Adam(learning_rate=rate)
    optimizer = ns.optimizers.Adam(0.5)
    with pytest.raises(ValueError, match=message):
        optimizer.learning_rate = rate
    assert optimizer.learning_rate == 0.5


@pytest.mark.parametrize(
    ("name", "argument", "value", "wanted"),
    [
        ("SGD", "momentum", -0.1, "lie between 0 and 1"),
        ("SGD", "momentum", 1.1, "lie between 0 and 1"),
        ("RMSprop", "rho", "0.9", "lie between 0 and 1"),
        ("RMSprop", "epsilon", -1e-7, "be a number of at least 0"),
        ("Adam", "beta_1", 1.0, "be a number from 0 to below 1"),
        ("Adam", "beta_2", np.nan, "be a number from 0 to below 1"),
        ("AdamW", "weight_decay", None, "be a number of at least 0"),
        ("Adagrad", "initial_accumulator_value", -0.1, "be a number of at least 0"),
        ("Adadelta", "rho", 2, "lie between 0 and 1"),
        ("Adamax", "beta_1", None, "be a number from 0 to below 1"),
        ("Nadam", "beta_2", 1, "be a number from 0 to below 1"),
        ("Ftrl", "learning_rate_power", 0.5, "be 0 or a negative number"),
        ("Ftrl", "l1_regularization_strength", -1, "be a number of at least 0"),
        ("Lion", "beta_1", 0.0, "lie above 0"),
        ("SGD", "weight_decay", -1, "be a number of at least 0"),
        ("SGD", "clipnorm", 0, "be a positive number or None"),
        ("SGD", "clipvalue", -1.0, "be a positive number or None"),
        ("SGD", "global_clipnorm", "1", "be a positive number or None"),
        ("SGD", "ema_momentum", 1.5, "lie between 0 and 1"),
        ("SGD", "ema_overwrite_frequency", 0.5, "be an integer of at least 1 or None"),
        ("SGD", "gradient_accumulation_steps", 1, "be an integer of at least 2 or None"),
        ("SGD", "loss_scale_factor", np.inf, "be a positive number or None"),
    ],
)
def test_bad_arguments(name, argument, value, wanted):
    with pytest.raises(ValueError, match=rf"^{argument}.* must {wanted}, got [^:]*(\.|:.*\.)$"):
        getattr(ns.optimizers, name)(**{argument: value})


def test_unknown_name_lists_near_matches():
    with pytest.raises(ValueError, match="no optimizer called 'adamm'; did you mean adam"):
        ns.optimizers.get("adamm")


@pytest.mark.parametrize("identifier", [ns.optimizers.Adam, 3, None, {}])
def test_not_an_optimizer(identifier):
    with pytest.raises(TypeError, match=r"optimizer is a name such as 'adam' or an optimizer"):
        ns.optimizers.get(identifier)
