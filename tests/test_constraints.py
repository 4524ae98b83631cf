"""Constraints against Keras: the weights they allow, names and configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import torch
from keras.src.constraints import ALL_OBJECTS_DICT as KERAS_CONSTRAINTS

from nnscratch import constraints

if TYPE_CHECKING:
    from collections.abc import Iterator

# Columns of norm 0, below 1, and above every bound.
MATRIX = np.random.default_rng(0).normal(0, 1, (5, 4)) * [0.0, 0.1, 1.0, 10.0]
FILTERS = np.random.default_rng(1).normal(0, 1, (3, 3, 2, 4))

CASES: list[tuple[str, dict[str, Any], Any]] = [
    ("NonNeg", {}, MATRIX),
    ("UnitNorm", {}, MATRIX),
    ("UnitNorm", {"axis": 1}, MATRIX),
    ("UnitNorm", {"axis": [0, 1, 2]}, FILTERS),
    ("MaxNorm", {}, MATRIX),
    ("MaxNorm", {"max_value": 0.5, "axis": 1}, MATRIX),
    ("MaxNorm", {"max_value": 0.5, "axis": [0, 1, 2]}, FILTERS),
    ("MaxNorm", {"max_value": 0.5, "axis": None}, MATRIX),
    ("MinMaxNorm", {}, MATRIX),
    ("MinMaxNorm", {"min_value": 0.5, "max_value": 0.7, "rate": 0.25}, MATRIX),
    ("MinMaxNorm", {"min_value": 0.5, "max_value": 0.7, "axis": -1}, FILTERS),
]
KNOWN = {name: getattr(constraints, name) for name, _, _ in CASES}
every_case = pytest.mark.parametrize(("name", "options", "weight"), CASES)


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each of the two, in which Keras computes as well."""
    keras.config.set_floatx(request.param)
    yield request.param
    keras.config.set_floatx("float32")


@every_case
def test_matches_keras(name: str, options: Any, weight: Any, dtype: Any) -> None:
    weight = weight.astype(dtype)
    before = weight.copy()
    ours = getattr(constraints, name)(**options)(weight)
    theirs = getattr(keras.constraints, name)(**options)(torch.from_numpy(weight))
    assert ours.dtype == dtype
    assert ours.shape == weight.shape
    expected = theirs.numpy()  # in float32 for NonNeg: Keras's maximum with a number rounds
    tolerance = 8 * float(np.finfo(expected.dtype).eps)
    np.testing.assert_allclose(ours, expected, rtol=tolerance)
    np.testing.assert_array_equal(weight, before)


def test_norms_end_where_they_should() -> None:
    columns = slice(1, None)  # a column of zeros stays one
    for constraint, low, high in (
        (constraints.UnitNorm(), 1, 1),
        (constraints.MaxNorm(0.8), 0, 0.8),
        (constraints.MinMaxNorm(0.5, 0.8), 0.5, 0.8),
    ):
        norms = np.linalg.norm(constraint(MATRIX), axis=0)[columns]
        assert np.all(norms >= low - 1e-6)
        assert np.all(norms <= high + 1e-6)


@pytest.mark.parametrize("name", sorted(KERAS_CONSTRAINTS.keys() - {"Constraint", "constraint"}))
def test_names_resolve_as_in_keras(name: str) -> None:
    ours, theirs = constraints.get(name), keras.constraints.get(name)
    assert type(ours).__name__ == type(theirs).__name__
    np.testing.assert_allclose(ours(MATRIX), theirs(torch.from_numpy(MATRIX)).numpy())
    assert getattr(constraints, name) is type(ours)


def test_what_is_not_a_name_is_taken_as_it_is() -> None:
    constraint = constraints.MaxNorm(3)
    assert constraints.get(constraint) is constraint
    assert constraints.get(np.abs) is np.abs
    assert constraints.get(None) is None
    assert isinstance(constraints.get(constraints.UnitNorm), constraints.UnitNorm)
    assert constraints.Constraint()(MATRIX) is MATRIX


@every_case
def test_configuration_round_trips(name: str, options: Any, weight: Any) -> None:
    constraint = getattr(constraints, name)(**options)
    config = constraint.get_config()
    assert config == options
    again = type(constraint).from_config(config, KNOWN)
    np.testing.assert_array_equal(again(weight), constraint(weight))


def test_errors_help() -> None:
    with pytest.raises(ValueError, match=r"no constraint called 'maxnorm'; did you mean max_norm"):
        constraints.get("maxnorm")
    with pytest.raises(TypeError, match="constraint is a name, an object or a function, got 2"):
        constraints.get(2)  # type: ignore[arg-type] # the error is what is tested
