"""Every activation against Keras: its name, its values and gradients, also at the extremes.

Keras computes in float64 for both dtypes, so that the differences are our own rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import mpmath
import numpy as np
import pytest
import torch
from keras.src.activations import ALL_OBJECTS_DICT as KERAS_ACTIVATIONS

import nnscratch as ns
from nnscratch.autograd import Op

if TYPE_CHECKING:
    from collections.abc import Callable

# The corners of all pieces, tails, subnormal numbers, and numbers whose squares overflow.
CORNERS = np.array([0, 1e-40, 1e-5, 0.3, 0.5, 0.75, 1, 1.1, 2, 3, 3.5, 6, 7, 20, 100, 1e30])
ELEMENTS = np.concatenate([np.linspace(-8, 8, 301), CORNERS, -CORNERS])
ROWS = np.random.default_rng(0).normal(0, 3, (40, 6))

ALONG_AXIS = ("glu", "log_softmax", "softmax", "sparsemax")
ELEMENTWISE = sorted(KERAS_ACTIVATIONS.keys() - {*ALONG_AXIS, "threshold"})
COMPOSITES = {
    *("exponential", "hard_shrink", "hard_tanh", "linear", "log_sigmoid", "soft_shrink"),
    *("sparse_plus", "sparse_sigmoid", "squareplus", "tanh", "tanh_shrink"),
}
ELEMENTWISE_CASES: list[tuple[str, tuple[Any, ...]]] = [
    *((name, ()) for name in ELEMENTWISE),
    ("relu", (0.3,)),
    ("relu", (0.0, 2.0)),
    ("relu", (0.0, None, 0.75)),
    ("relu", (0.0, None, -0.75)),
    ("relu", (0.3, 2.0, 0.75)),
    ("relu", (0.3, 2.0, -0.75)),
    ("leaky_relu", (0.01,)),
    ("leaky_relu", (1.5,)),
    ("elu", (0.3,)),
    ("celu", (2.5,)),
    ("gelu", (True,)),
    ("hard_shrink", (0.75,)),
    ("soft_shrink", (0.75,)),
    ("threshold", (0.75, 2.0)),
    ("squareplus", (0.5,)),
]
AXIS_CASES = [
    (name, axis) for name in ALONG_AXIS if name != "sparsemax" for axis in ((), (0,), (-1,))
]

elementwise = pytest.mark.parametrize(
    ("name", "options"), ELEMENTWISE_CASES, ids=lambda part: str(part)
)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def values(name: str, options: Any, x: Any) -> tuple[Any, Any]:
    """The activation here, and in Keras in float64."""
    reference = getattr(keras.activations, name)(torch.from_numpy(x).double(), *options)
    return getattr(ns.activations, name)(x, *options), reference.numpy()


def gradients(name: str, options: Any, x: Any) -> tuple[Any, Any]:
    """The gradient of Σ wᵢ yᵢ with some weights w, here and in PyTorch under Keras in float64."""
    tensor = ns.Tensor(x, requires_grad=True)
    leaf = torch.from_numpy(x).double().requires_grad_()
    ours = getattr(ns.activations, name)(tensor, *options)
    theirs = getattr(keras.activations, name)(leaf, *options)
    weights = np.cos(np.arange(ours.size)).reshape(ours.shape).astype(x.dtype)
    (ours * weights).sum().backward()
    (theirs * torch.from_numpy(weights)).sum().backward()
    assert tensor.grad is not None
    assert leaf.grad is not None
    reference = leaf.grad.numpy()
    if name == "hard_sigmoid":  # PyTorch multiplies by the float32 that is nearest to 1/6
        reference = reference / np.float64(np.float32(1 / 6)) / 6
    return tensor.grad.data, reference


def points(name: str, dtype: Any) -> Any:
    """Where to compare: everywhere, but exp where it is a float32, and squareplus before the tail.

    There Keras's formula cancels; ours is held to exact arithmetic below.
    """
    x = ELEMENTS.astype(dtype)
    return x[x < 80] if name == "exponential" else x[x >= -8] if name == "squareplus" else x


def assert_close(pair: tuple[Any, Any], dtype: Any, roundings: int) -> None:
    ours, theirs = pair
    tolerance = roundings * float(np.finfo(dtype).eps)
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


# --- values and gradients -------------------------------------------------------------------------


@both_dtypes
@elementwise
def test_elementwise_values_match_keras(name: str, options: Any, dtype: Any) -> None:
    assert_close(values(name, options, points(name, dtype)), dtype, roundings=8)


@both_dtypes
@elementwise
def test_elementwise_gradients_match_keras(name: str, options: Any, dtype: Any) -> None:
    x = points(name, dtype)
    if len(options) == 3:  # at the corner with a slope Keras gives 0, which is no subgradient
        x = x[x != options[2]]
    assert_close(gradients(name, options, x), dtype, roundings=64)


@both_dtypes
@pytest.mark.parametrize("scale", [1, 1000])
@pytest.mark.parametrize(("name", "axis"), AXIS_CASES, ids=lambda part: str(part))
def test_activations_along_an_axis_match_keras(
    name: str, axis: Any, scale: int, dtype: Any
) -> None:
    x = (scale * ROWS).astype(dtype)
    assert_close(values(name, axis, x), dtype, roundings=64)
    assert_close(gradients(name, axis, x), dtype, roundings=64)


def test_softmax_over_everything_matches_keras() -> None:
    assert_close(values("softmax", (None,), ROWS), np.float64, roundings=8)
    assert_close(values("log_softmax", (None,), ROWS), np.float64, roundings=8)


# --- extremes -------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # ∞ · 0 and ∞ / ∞
@both_dtypes
@elementwise
def test_infinities_match_keras_where_keras_has_an_answer(
    name: str, options: Any, dtype: Any
) -> None:
    x = np.array([-np.inf, np.inf], dtype)
    for ours, theirs in (values(name, options, x), gradients(name, options, x)):
        known = ~np.isnan(theirs)
        np.testing.assert_allclose(ours[known], theirs[known], rtol=1e-6)


@both_dtypes
@elementwise
def test_nan_stays_nan(name: str, options: Any, dtype: Any) -> None:
    ours = getattr(ns.activations, name)(np.array([np.nan, 1.0], dtype), *options)
    np.testing.assert_array_equal(np.isnan(ours), [True, False])


def phi(x: Any) -> Any:
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def below(x: Any, alpha: Any) -> Any:
    return x if x > 0 else alpha * mpmath.expm1(x / alpha)


@both_dtypes
@pytest.mark.parametrize(
    ("name", "options", "exact", "start"),
    [
        ("gelu", (), lambda x: x * phi(x), -8),
        (
            "gelu",
            (True,),
            lambda x: x / (1 + mpmath.exp(-mpmath.sqrt(8 / mpmath.pi) * (x + 0.044715 * x**3))),
            -7,
        ),
        ("silu", (), lambda x: x / (1 + mpmath.exp(-x)), -80),
        ("mish", (), lambda x: x * mpmath.tanh(mpmath.log1p(mpmath.exp(x))), -80),
        ("elu", (), lambda x: below(x, 1), -80),
        ("celu", (2.0,), lambda x: below(x, 2), -80),
        ("log_sigmoid", (), lambda x: -mpmath.log1p(mpmath.exp(-x)), -80),
        ("squareplus", (), lambda x: (x + mpmath.sqrt(x * x + 4)) / 2, -1000),
    ],
    ids=lambda part: str(part) if isinstance(part, str | tuple) else "",
)
def test_small_values_are_accurate(
    name: str, options: Any, exact: Callable[[Any], Any], start: float, dtype: Any
) -> None:
    x = np.concatenate([np.linspace(start, 8, 200), np.logspace(-12, 0, 30)])
    x = np.concatenate([x, -np.logspace(-12, 0, 30)]).astype(dtype)
    with mpmath.workdps(60):
        expected = [exact(mpmath.mpf(float(value))) for value in x]
        ours = [mpmath.mpf(float(y)) for y in getattr(ns.activations, name)(x, *options)]
        worst = max(abs((y - e) / e) for y, e in zip(ours, expected, strict=True))
    # An exponent rounds by its own size, up to 80 here: so much of it is in the inputs.
    assert worst < 80 * np.finfo(dtype).eps


@pytest.mark.parametrize("name", ["relu", "relu6", "hard_tanh", "linear", "leaky_relu"])
def test_integers_are_taken(name: str) -> None:
    x = np.array([-7, -1, 0, 1, 7])
    np.testing.assert_allclose(getattr(ns.activations, name)(x), values(name, (), x)[1])


@both_dtypes
@pytest.mark.parametrize("scale", [0.01, 0.3, 1, 1000])
@pytest.mark.parametrize("axis", [0, 1])
def test_sparsemax_is_the_nearest_distribution(axis: int, scale: float, dtype: Any) -> None:
    """Its optimality conditions: x - y is one τ where y > 0, and x is no more than τ elsewhere.

    Keras 3.15.1 is no reference here: its result does not sum to 1 where several are positive.
    """
    x = (scale * ROWS).astype(dtype)
    y = ns.activations.sparsemax(x, axis)
    tolerance = 64 * max(1, scale) * float(np.finfo(dtype).eps)
    assert y.dtype == dtype
    assert y.min() == 0 or scale == 0.01
    np.testing.assert_allclose(y.sum(axis=axis), 1, atol=tolerance)
    tau = np.max(np.where(y > 0, x - y, -np.inf), axis=axis, keepdims=True)
    np.testing.assert_allclose(np.where(y > 0, x - y - tau, 0), 0, atol=tolerance)
    assert np.all((y > 0) | (x <= tau + tolerance))


def test_sparsemax_of_one_winner_matches_keras() -> None:
    x = np.array([[5.0, 1.0, 3.5], [0.0, 0.75, -2.0], [7.0, 9.0, 7.5]]) * 2
    assert_close(values("sparsemax", (), x), np.float64, roundings=8)
    assert_close(gradients("sparsemax", (), x), np.float64, roundings=8)


def test_sparsemax_of_masked_and_equal_logits() -> None:
    x = np.array([[0.0, 0.0, 0.0, 0.0], [5.0, 4.5, -np.inf, 0.0], [1e30, 0.0, 0.0, 0.0]])
    expected = [[0.25, 0.25, 0.25, 0.25], [0.75, 0.25, 0, 0], [1, 0, 0, 0]]
    np.testing.assert_array_equal(ns.activations.sparsemax(x), expected)


def test_glu_refuses_an_odd_length() -> None:
    with pytest.raises(ValueError, match=r"glu halves axis -1, got shape \(2, 3\)"):
        ns.activations.glu(np.zeros((2, 3)))


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(KERAS_ACTIVATIONS))
def test_names_resolve_as_in_keras(name: str) -> None:
    found = ns.activations.get(name)
    assert found is getattr(ns.activations, name)
    canonical = KERAS_ACTIVATIONS[name].__name__
    assert found is ns.activations.get(canonical)
    assert found.__name__ == canonical
    assert found.__doc__


def test_the_table_has_no_other_names() -> None:
    assert ns.activations.ACTIVATIONS.keys() == KERAS_ACTIVATIONS.keys()


def test_none_is_linear_and_functions_are_themselves() -> None:
    assert ns.activations.get(None) is ns.activations.linear
    assert ns.activations.get(np.sin) is np.sin


def test_a_wrong_name_lists_the_near_ones() -> None:
    with pytest.raises(ValueError, match=r"no activation called 'relu7'.*relu6"):
        ns.activations.get("relu7")
    with pytest.raises(TypeError, match="activation is a name, an object or a function, got 3"):
        ns.activations.get(3)  # type: ignore[arg-type] # the error is what is tested


# --- what the tape sees ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    sorted({*ELEMENTWISE, "softmax", "log_softmax"} - COMPOSITES),
)
def test_a_hot_activation_is_one_op(name: str) -> None:
    activation = ns.activations.get(name)
    assert isinstance(activation, Op)
    x = ns.Tensor(ROWS, requires_grad=True)
    node = activation(x).node
    assert node is not None
    assert node.op is activation
    assert node.inputs == (x,)


def test_dense_fuses_the_plain_relu_however_it_is_given() -> None:
    x = np.ones((2, 3), np.float32)
    for activation in ("relu", ns.activations.relu):
        assert ns.layers.Dense(4, activation=activation)(x).node.op.name == "dense"
