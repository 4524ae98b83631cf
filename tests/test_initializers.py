"""Initializers: Keras's names and formulas, the distributions by statistical tests."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
from keras.src.initializers import ALL_OBJECTS_DICT as KERAS_INITIALIZERS
from keras.src.initializers.random_initializers import compute_fans as keras_fans
from scipy import stats

import nnscratch as ns
from nnscratch import initializers

pytestmark = [
    # Keras reads its torch tensors through an __array__ that knows no copy=.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

SHAPE = (60, 500)  # 30,000 numbers, 60 inputs and 500 outputs
SIZE = math.prod(SHAPE)
NOT_OURS = {"Initializer", "initializer", "STFT", "stft", "STFTInitializer"}
STRINGS_ONLY = {"IdentityInitializer", "OrthogonalInitializer"}

DISTRIBUTIONS: list[tuple[str, dict[str, Any], Any]] = [
    ("RandomNormal", {}, stats.norm(0, 0.05)),
    ("RandomNormal", {"mean": 1.0, "stddev": 2.0}, stats.norm(1, 2)),
    ("TruncatedNormal", {}, stats.truncnorm(-2, 2, 0, 0.05)),
    ("TruncatedNormal", {"mean": 1.0, "stddev": 2.0}, stats.truncnorm(-2, 2, 1, 2)),
    ("RandomUniform", {}, stats.uniform(-0.05, 0.1)),
    ("RandomUniform", {"minval": 1.0, "maxval": 3.0}, stats.uniform(1, 2)),
]
VARIANCES: list[tuple[str, dict[str, Any], float, str]] = [
    ("GlorotUniform", {}, 2 / 560, "uniform"),
    ("GlorotNormal", {}, 2 / 560, "truncated_normal"),
    ("HeUniform", {}, 2 / 60, "uniform"),
    ("HeNormal", {}, 2 / 60, "truncated_normal"),
    ("LecunUniform", {}, 1 / 60, "uniform"),
    ("LecunNormal", {}, 1 / 60, "truncated_normal"),
    ("VarianceScaling", {}, 1 / 60, "truncated_normal"),
    ("VarianceScaling", {"scale": 3.0, "mode": "fan_out"}, 3 / 500, "truncated_normal"),
    ("VarianceScaling", {"mode": "fan_avg", "distribution": "normal"}, 1 / 280, "truncated_normal"),
    ("VarianceScaling", {"distribution": "untruncated_normal"}, 1 / 60, "normal"),
    ("VarianceScaling", {"distribution": "uniform"}, 1 / 60, "uniform"),
    ("HeNormal", {"input_axes": [1], "output_axes": [0]}, 2 / 500, "truncated_normal"),
]
RANDOM: list[tuple[str, dict[str, Any]]] = [
    *((name, options) for name, options, _ in DISTRIBUTIONS),
    *((name, options) for name, options, _, _ in VARIANCES),
    ("Orthogonal", {"gain": 2.0}),
]
every_random = pytest.mark.parametrize(("name", "options"), RANDOM, ids=str)


def of_variance(variance: float, kind: str) -> Any:
    """The distribution of this kind with mean 0 and this variance."""
    deviation = math.sqrt(variance)
    if kind == "uniform":
        limit = math.sqrt(3) * deviation
        return stats.uniform(-limit, 2 * limit)
    if kind == "normal":
        return stats.norm(0, deviation)
    return stats.truncnorm(-2, 2, 0, deviation / stats.truncnorm(-2, 2).std())


def assert_distributed(values: Any, distribution: Any) -> None:
    """Bounds, mean, variance and the whole distribution; 30,000 numbers, one seed."""
    values = values.ravel().astype(np.float64)
    low, high = distribution.support()
    assert low <= values.min()
    assert values.max() <= high
    deviation = distribution.std()
    assert abs(values.mean() - distribution.mean()) < 4 * deviation / math.sqrt(SIZE)
    assert values.std() == pytest.approx(deviation, rel=0.015)
    assert stats.kstest(values, distribution.cdf).pvalue > 0.001


# --- distributions --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "options", "distribution"), DISTRIBUTIONS)
def test_distribution(name: str, options: Any, distribution: Any) -> None:
    values = getattr(initializers, name)(**options, seed=1)(SHAPE, np.float64)
    assert values.shape == SHAPE
    assert_distributed(values, distribution)


@pytest.mark.parametrize(("name", "options", "variance", "kind"), VARIANCES)
def test_variance_scaling(name: str, options: Any, variance: float, kind: str) -> None:
    values = getattr(initializers, name)(**options, seed=1)(SHAPE, np.float64)
    assert_distributed(values, of_variance(variance, kind))


@pytest.mark.parametrize(("name", "options", "variance", "kind"), VARIANCES)
def test_keras_draws_from_the_same_distribution(
    name: str, options: Any, variance: float, kind: str
) -> None:
    theirs = getattr(keras.initializers, name)(**options, seed=1)(SHAPE).numpy()
    ours = getattr(initializers, name)(**options, seed=1)(SHAPE)
    assert stats.ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 0.001
    assert ours.dtype == theirs.dtype == np.float32


@pytest.mark.parametrize(
    "shape", [(), (7,), (3, 5), (4, 3, 5), (2, 4, 3, 5), (0, 3), (2, 3, 4, 5, 6)]
)
def test_fans_are_those_of_keras(shape: tuple[int, ...]) -> None:
    assert initializers.fans(shape) == keras_fans(shape)


def test_fans_of_named_axes_are_those_of_keras() -> None:
    for axes in (([0, 1], [2, 3]), ([-1], [0]), ([1], None), (None, [1])):
        assert initializers.fans((2, 3, 4, 5), *axes) == keras_fans((2, 3, 4, 5), *axes)


def test_a_fan_of_nothing_counts_as_one() -> None:
    assert initializers.HeUniform()((0, 3)).shape == (0, 3)


# --- constants and matrices -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Zeros", {}),
        ("Ones", {}),
        ("Constant", {}),
        ("Constant", {"value": 2.5}),
        ("Identity", {}),
        ("Identity", {"gain": 2.5}),
    ],
)
@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2)])
def test_constants_match_keras(name: str, options: Any, shape: tuple[int, ...]) -> None:
    ours = getattr(initializers, name)(**options)(shape)
    theirs = getattr(keras.initializers, name)(**options)(shape).numpy()
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("shape", [(6, 6), (8, 3), (3, 8), (2, 3, 4, 5), (2, 2, 40)])
def test_orthogonal_matrices(shape: tuple[int, ...]) -> None:
    values = initializers.Orthogonal(gain=2.0, seed=1)(shape, np.float64)
    assert values.shape == shape
    matrix = values.reshape(-1, shape[-1]) / 2
    rows, columns = matrix.shape
    product = matrix @ matrix.T if rows < columns else matrix.T @ matrix
    np.testing.assert_allclose(product, np.eye(min(rows, columns)), atol=1e-13)


def test_every_orthogonal_matrix_is_equally_likely() -> None:
    """The angle of the first column of a rotation or reflection of the plane is uniform."""
    columns = np.array([initializers.Orthogonal()((2, 2), np.float64) for _ in range(2000)])
    angles = np.arctan2(columns[:, 1, 0], columns[:, 0, 0])
    assert stats.kstest(angles, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 0.001
    assert abs(np.mean(np.linalg.det(columns) > 0) - 0.5) < 0.05


# --- dtypes, seeds --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", sorted({*initializers.INITIALIZERS}))
def test_dtype_and_shape(name: str, dtype: Any) -> None:
    for shape in [(3, 4), (4, 3)]:
        values = initializers.get(name)(shape, dtype)
        assert isinstance(values, np.ndarray)
        assert (values.shape, values.dtype) == (shape, dtype)


@pytest.mark.parametrize("name", ["glorot_uniform", "he_normal", "normal", "uniform", "zeros"])
def test_a_number_has_no_axes(name: str) -> None:
    values = initializers.get(name)(())
    assert isinstance(values, np.ndarray)
    assert (values.shape, values.dtype) == ((), np.float32)


@every_random
def test_a_seed_gives_the_same_numbers_at_each_call_as_in_keras(name: str, options: Any) -> None:
    for module in (initializers, keras.initializers):
        seeded = getattr(module, name)(**options, seed=3)
        first = np.asarray(seeded((4, 5)))
        np.testing.assert_array_equal(first, np.asarray(seeded((4, 5))))
        again = getattr(module, name)(**options, seed=3)
        np.testing.assert_array_equal(first, np.asarray(again((4, 5))))
        other = getattr(module, name)(**options, seed=4)
        assert not np.array_equal(first, np.asarray(other((4, 5))))


@every_random
def test_without_a_seed_the_global_generator_decides(name: str, options: Any) -> None:
    initializer = getattr(initializers, name)(**options)
    ns.random.seed(5)
    first, second = initializer((4, 5)), initializer((4, 5))
    assert not np.array_equal(first, second)
    ns.random.seed(5)
    np.testing.assert_array_equal(initializer((4, 5)), first)
    np.testing.assert_array_equal(initializer((4, 5)), second)


def test_a_seed_leaves_the_global_generator_alone() -> None:
    ns.random.seed(5)
    expected = ns.random.generator().random()
    ns.random.seed(5)
    initializers.HeNormal(seed=1)((4, 5))
    assert ns.random.generator().random() == expected


# --- names and configurations ---------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(KERAS_INITIALIZERS.keys() - NOT_OURS))
def test_names_resolve_as_in_keras(name: str) -> None:
    assert type(initializers.get(name)).__name__ == KERAS_INITIALIZERS[name].__name__


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name in KERAS_INITIALIZERS.keys() - NOT_OURS - STRINGS_ONLY
        if hasattr(keras.initializers, name)
    ),
)
def test_classes_have_the_names_of_keras(name: str) -> None:
    ours, theirs = getattr(initializers, name), getattr(keras.initializers, name)
    assert ours.__name__ == theirs.__name__
    if theirs not in (keras.initializers.Zeros, keras.initializers.Ones):  # they take no arguments
        count = theirs.__init__.__code__.co_argcount
        names = ours.__init__.__code__.co_varnames[:count]
        assert names == theirs.__init__.__code__.co_varnames[:count]
        assert ours.__init__.__defaults__ == theirs.__init__.__defaults__


def test_a_layer_takes_a_function_of_shape_and_dtype() -> None:
    layer = ns.layers.Dense(2, kernel_initializer=lambda shape, dtype: np.full(shape, 7, dtype))
    layer(np.zeros((1, 3)))
    np.testing.assert_array_equal(layer.kernel.numpy(), np.full((3, 2), 7))


def test_unknown_names_are_told_when_the_layer_is_declared() -> None:
    with pytest.raises(ValueError, match="no initializer called 'glorot'; did you mean"):
        ns.layers.Dense(2, kernel_initializer="glorot")
    with pytest.raises(ValueError, match="no initializer called 'zeroes'; did you mean zeros"):
        ns.layers.Dense(2, bias_initializer="zeroes")


def test_what_is_not_a_name_is_taken_as_it_is() -> None:
    initializer = initializers.HeNormal(seed=1)
    assert initializers.get(initializer) is initializer
    assert initializers.get(np.zeros) is np.zeros
    assert isinstance(initializers.get(initializers.Ones), initializers.Ones)


@pytest.mark.parametrize("given", [np.eye(2), ns.Tensor(np.eye(2)), [[1, 0], [0, 1]]])
def test_an_array_is_its_own_initializer(given: Any) -> None:
    values = initializers.get(given)((2, 2))
    np.testing.assert_array_equal(values, np.eye(2))
    assert values.dtype == np.float32
    with pytest.raises(ValueError, match=r"has shape \(2, 2\), the weight has shape \(3, 2\)"):
        initializers.get(given)((3, 2))


@pytest.mark.parametrize(
    "initializer",
    [
        *(getattr(initializers, name)(**options, seed=7) for name, options in RANDOM),
        initializers.Constant(2.5),
        initializers.Identity(gain=2.5),
        initializers.Zeros(),
        initializers.get(np.eye(2)),
    ],
    ids=lambda initializer: type(initializer).__name__,
)
def test_configuration_round_trips(initializer: Any) -> None:
    again = type(initializer).from_config(initializer.get_config(), {})
    np.testing.assert_array_equal(again((2, 2)), initializer((2, 2)))
    assert again.get_config() == initializer.get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: initializers.VarianceScaling(0), "scale is a positive number, got 0"),
        (lambda: initializers.VarianceScaling(mode="fan"), "mode is 'fan_in', .* got 'fan'"),
        (lambda: initializers.VarianceScaling(distribution="cauchy"), "distribution is .*'cauchy'"),
        (lambda: initializers.Identity()((3,)), r"Identity makes matrices, got shape \(3,\)"),
        (lambda: initializers.Orthogonal()((3,)), r"Orthogonal makes matrices, got shape \(3,\)"),
        (lambda: initializers.get("he_norml"), "no initializer called 'he_norml'.*he_normal"),
    ],
)
def test_errors_help(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_what_no_initializer_can_be() -> None:
    with pytest.raises(TypeError, match="initializer is a name, an object or a function, got 3"):
        initializers.get(3)
    with pytest.raises(TypeError, match="seed is an integer or None, got 'one'"):
        initializers.HeNormal(seed="one")  # type: ignore[arg-type] # the error is what is tested
    with pytest.raises(NotImplementedError, match="Initializer needs a __call__"):
        initializers.Initializer()((3,))
