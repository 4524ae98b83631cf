"""Regularizers against Keras: penalties, their gradients, names and configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import torch

import nnscratch as ns
from nnscratch import regularizers

if TYPE_CHECKING:
    from collections.abc import Iterator

MATRIX = np.random.default_rng(0).normal(0, 1, (5, 4))
MATRIX[1, 2] = 0.0  # the corner of |w|

CASES: list[tuple[str, dict[str, Any]]] = [
    ("L1", {}),
    ("L1", {"l1": 0.3}),
    ("L2", {}),
    ("L2", {"l2": 0.3}),
    ("L1L2", {}),
    ("L1L2", {"l1": 0.3}),
    ("L1L2", {"l1": 0.3, "l2": 0.2}),
    ("OrthogonalRegularizer", {}),
    ("OrthogonalRegularizer", {"factor": 0.3, "mode": "columns"}),
]
KNOWN = {name: getattr(regularizers, name) for name, _ in CASES}
every_case = pytest.mark.parametrize(("name", "options"), CASES, ids=str)


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each of the two, in which Keras computes as well."""
    keras.config.set_floatx(request.param)
    yield request.param
    keras.config.set_floatx("float32")


def penalty_and_gradient(regularizer: Any, weight: Any) -> tuple[Any, Any]:
    parameter = ns.Parameter(weight)
    penalty = regularizer(parameter)
    assert isinstance(penalty, ns.Tensor)
    penalty.backward()
    assert parameter.grad is not None
    return penalty.data, parameter.grad.data


@every_case
def test_penalty_and_gradient_match_keras(name: str, options: Any, dtype: Any) -> None:
    weight = MATRIX.astype(dtype)
    ours = penalty_and_gradient(getattr(regularizers, name)(**options), weight)
    leaf = torch.from_numpy(weight.copy()).requires_grad_()
    expected = getattr(keras.regularizers, name)(**options)(leaf)
    if expected.requires_grad:  # Keras leaves a factor of 0 out
        expected.backward()
    gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
    # Keras's minimum with a number, in the norms, rounds to float32; float64 has its test below.
    precision = np.finfo("float32" if name == "OrthogonalRegularizer" else dtype)
    tolerance = 16 * float(precision.eps)
    for own, other in zip(ours, (expected.detach(), gradient), strict=True):
        assert own.dtype == dtype
        np.testing.assert_allclose(own, other.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("mode", "axis"), [("rows", 1), ("columns", 0)])
def test_orthogonality_matches_pytorch_in_float64(mode: str, axis: int) -> None:
    ours = penalty_and_gradient(regularizers.OrthogonalRegularizer(0.3, mode), MATRIX)
    leaf = torch.from_numpy(MATRIX.copy()).requires_grad_()
    unit = torch.nn.functional.normalize(leaf, dim=axis, eps=1e-7)
    unit = unit if mode == "rows" else unit.T
    pairs = torch.combinations(torch.arange(len(unit)))
    expected = 0.3 * (unit[pairs[:, 0]] * unit[pairs[:, 1]]).sum(1).abs().mean()
    expected.backward()
    np.testing.assert_allclose(ours[0], expected.detach().numpy(), rtol=1e-14)
    np.testing.assert_allclose(ours[1], leaf.grad.numpy(), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
@pytest.mark.parametrize("name", ["L1", "L2", "L1L2"])
def test_weights_of_any_shape_give_a_scalar(name: str, shape: tuple[int, ...]) -> None:
    weight = np.full(shape, -0.5)
    penalty = regularizers.get(getattr(regularizers, name)(0.5))(weight)
    expected = getattr(keras.regularizers, name)(0.5)(torch.from_numpy(weight))
    assert np.shape(penalty) == ()
    np.testing.assert_allclose(penalty, expected.numpy())


def test_a_row_of_zeros_has_no_angle_and_a_gradient_of_zero() -> None:
    weight = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    penalty, gradient = penalty_and_gradient(regularizers.OrthogonalRegularizer(1.0), weight)
    np.testing.assert_allclose(penalty, np.sqrt(0.5) / 3)
    expected = keras.regularizers.OrthogonalRegularizer(1.0)(torch.from_numpy(weight))
    np.testing.assert_allclose(penalty, expected.numpy())
    np.testing.assert_array_equal(gradient[0], [0.0, 0.0])
    assert np.isfinite(gradient).all()  # Keras's on PyTorch is NaN there


def test_orthogonal_rows_are_not_penalised() -> None:
    q, _ = np.linalg.qr(MATRIX)
    np.testing.assert_allclose(regularizers.OrthogonalRegularizer(mode="columns")(q), 0, atol=1e-15)


# --- names and configurations ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["l1", "L1", "l2", "L2", "orthogonal_regularizer"])
def test_names_resolve_as_in_keras(name: str) -> None:
    ours, theirs = regularizers.get(name), keras.regularizers.get(name)
    assert type(ours).__name__ == type(theirs).__name__
    np.testing.assert_allclose(ours(MATRIX), theirs(torch.from_numpy(MATRIX)).numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", ["l1_l2", "l1l2", "L1L2"])
def test_the_name_of_both_means_a_hundredth_of_each(name: str) -> None:
    ours = regularizers.get(name)
    assert isinstance(ours, regularizers.L1L2)
    theirs = keras.regularizers.L1L2(0.01, 0.01)(torch.from_numpy(MATRIX))
    np.testing.assert_allclose(ours(MATRIX), theirs.numpy())


def test_lower_case_names_are_the_classes_as_in_keras() -> None:
    for name in ("l1", "l2", "l1_l2", "orthogonal_regularizer"):
        ours, theirs = getattr(regularizers, name), getattr(keras.regularizers, name)
        assert ours.__name__ == theirs.__name__


def test_what_is_not_a_name_is_taken_as_it_is() -> None:
    regularizer = regularizers.L2(0.1)
    assert regularizers.get(regularizer) is regularizer
    assert regularizers.get(np.sum) is np.sum
    assert regularizers.get(None) is None
    assert isinstance(regularizers.get(regularizers.L1), regularizers.L1)


@every_case
def test_configuration_round_trips(name: str, options: Any) -> None:
    regularizer = getattr(regularizers, name)(**options)
    config = regularizer.get_config()
    assert config == options
    again = type(regularizer).from_config(config, KNOWN)
    assert again(MATRIX) == regularizer(MATRIX)


def test_errors_help() -> None:
    with pytest.raises(ValueError, match=r"no regularizer called 'l3'; did you mean l[12]"):
        regularizers.get("l3")
    with pytest.raises(TypeError, match="regularizer is a name, an object or a function, got 3"):
        regularizers.get(3)  # type: ignore[arg-type] # the error is what is tested
    for factor in (-0.1, np.inf, np.nan, "0.1"):
        with pytest.raises(ValueError, match="l2 is a finite number from 0 up, got"):
            regularizers.L2(factor)
    with pytest.raises(ValueError, match="mode is 'rows' or 'columns', got 'row'"):
        regularizers.OrthogonalRegularizer(mode="row")
    with pytest.raises(ValueError, match=r"needs a matrix, got a weight of shape \(3,\)"):
        regularizers.OrthogonalRegularizer()(np.zeros(3))
    with pytest.raises(ValueError, match=r"shape \(1, 3\): it needs at least two"):
        regularizers.OrthogonalRegularizer()(np.zeros((1, 3)))
    with pytest.raises(NotImplementedError, match="Regularizer needs a __call__"):
        regularizers.Regularizer()(MATRIX)
