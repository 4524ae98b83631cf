"""Every option of every optimizer against Keras: 100 steps in double precision."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns

# Keras reads its torch variables through an __array__ that knows no copy=.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

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
]


@pytest.fixture(autouse=True)
def double_precision():
    """Keras keeps its learning rate in floatx."""
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


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


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam"])
def test_defaults_are_those_of_keras(name):
    ours = getattr(ns.optimizers, name)()
    theirs = getattr(keras.optimizers, name)().get_config()
    own = {key: value for key, value in vars(ours).items() if key in theirs}
    assert len(own) >= 3
    for key, value in own.items():
        assert value == pytest.approx(theirs[key]), key


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam"])
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


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam"])
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


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [
        ("sgd", ns.optimizers.SGD),
        ("SGD", ns.optimizers.SGD),
        ("rmsprop", ns.optimizers.RMSprop),
        ("RMSprop", ns.optimizers.RMSprop),
        ("adam", ns.optimizers.Adam),
        ("Adam", ns.optimizers.Adam),
    ],
)
def test_names(identifier, kind):
    assert type(ns.optimizers.get(identifier)) is kind


def test_an_optimizer_is_itself():
    optimizer = ns.optimizers.Adam(0.5)
    assert ns.optimizers.get(optimizer) is optimizer


@pytest.mark.parametrize("rate", [0, -0.1, np.nan, "0.1", None])
def test_bad_learning_rate(rate):
    with pytest.raises(ValueError, match=r"learning_rate must be a positive number, got .*\."):
        ns.optimizers.Adam(learning_rate=rate)


@pytest.mark.parametrize("momentum", [-0.1, 1.1])
def test_bad_momentum(momentum):
    with pytest.raises(ValueError, match="momentum must lie between 0 and 1"):
        ns.optimizers.SGD(momentum=momentum)


def test_unknown_name_lists_near_matches():
    with pytest.raises(ValueError, match="no optimizer called 'adamm'; did you mean adam"):
        ns.optimizers.get("adamm")


@pytest.mark.parametrize("identifier", [ns.optimizers.Adam, 3, None])
def test_not_an_optimizer(identifier):
    with pytest.raises(TypeError, match=r"optimizer is a name such as 'adam' or an optimizer"):
        ns.optimizers.get(identifier)
