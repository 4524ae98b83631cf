"""What CuPy refuses, gives and copies: the stand-in on machines without a GPU must do the same."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from tests.gpu import cupy_on_host
from tests.gpu.cupy_on_host.names import RECORDED

ON_HOST = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def x(cupy: Any) -> Any:
    return cupy.asarray(ON_HOST)


@pytest.mark.parametrize(
    "mix",
    [
        lambda x: x + ON_HOST,
        lambda x: ON_HOST + x,
        lambda x: x < ON_HOST,
        lambda x: x.__iadd__(ON_HOST),
        lambda x: np.maximum(x, ON_HOST),
        lambda x: np.exp(x, out=np.empty_like(ON_HOST)),
        lambda x: np.matmul(x, ON_HOST.T),
        lambda x: np.concatenate([x, ON_HOST]),
        lambda x: np.where(x > 1, x, ON_HOST),
        lambda x: np.clip(x, ON_HOST, None),
        lambda x: np.repeat(x, np.array([1, 2]), axis=0),
        lambda x: np.asarray(x),
        lambda x: memoryview(x),
        lambda x: range(x[0, 0]),
    ],
)
def test_arrays_of_the_host_do_not_mix_with_the_devices(x: Any, mix: Any) -> None:
    with pytest.raises(TypeError):
        mix(x)


@pytest.mark.parametrize("key", [slice(None), Ellipsis, (0, slice(None))])
def test_slices_take_numbers_and_device_arrays_only(x: Any, key: Any) -> None:
    with pytest.raises(ValueError, match="non-scalar"):
        x[key] = ON_HOST[key]
    x[key] = x[key] + 1
    x[key] = 7
    assert (x.get()[key] == 7).all()


def test_indices_and_masks_may_come_from_the_host(cupy: Any, x: Any) -> None:
    indices = np.array([1, 0, 1])
    assert np.array_equal(x[indices].get(), ON_HOST[indices])
    assert np.array_equal(x[:, [2, 0]].get(), ON_HOST[:, [2, 0]])
    assert np.array_equal(x[x > 2].get(), ON_HOST[ON_HOST > 2])
    assert np.array_equal(x[cupy.asarray(1), None, ..., -1].get(), ON_HOST[1, None, ..., -1])
    x[ON_HOST > 2] = np.array([9, 8, 7])
    assert x.get().tolist() == [[0, 1, 2], [9, 8, 7]]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: np.maximum.reduce(x), NotImplementedError),
        (lambda x: np.logical_and.accumulate(x > 1), NotImplementedError),
        (lambda x: np.multiply.at(x, 0, x[1]), NotImplementedError),
        (lambda x: np.subtract.at(x, x[0].astype(int), x[1]), TypeError),
        (lambda x: np.add.at(x, (0, slice(None)), x[1]), TypeError),
        (lambda x: np.linalg.vector_norm(x), TypeError),
        (lambda x: np.spacing(x), TypeError),
        (lambda x: np.exp(x, where=x > 1), TypeError),
        (lambda x: np.sum(x, initial=1), TypeError),
        (lambda x: np.reshape(x, shape=(3, 2)), TypeError),
        (lambda x: np.clip(x, min=0, max=1), TypeError),
        (lambda x: np.take(x, [0], mode="clip"), TypeError),
        (lambda x: np.einsum("ij->i", x, out=x[:, 0]), TypeError),
        (lambda x: np.sort(x, kind="quicksort"), ValueError),
        (lambda x: x.T.sort(), NotImplementedError),
        (lambda x: np.linalg.inv(x[:2, :2].astype(np.float16)), TypeError),
        (lambda x: np.asarray(np.array(["a"]), like=x), ValueError),
        (lambda x: np.asarray(np.zeros(1, np.longdouble), like=x), ValueError),
        (lambda x: np.ones(2, like=x), TypeError),  # NumPy hands on `device`
        (lambda x: np.full(2, 3.5, like=x), TypeError),
        (lambda x: np.eye(2, like=x), TypeError),
        (lambda x: hash(x), TypeError),
    ],
)
def test_what_cupy_lacks_raises(x: Any, call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call(x)


@pytest.mark.parametrize(
    "give",
    [
        lambda x: x[0, 1],
        lambda x: next(iter(x[0])),
        lambda x: x.sum(),
        lambda x: np.max(x),
        lambda x: np.add.reduce(x, axis=None),
        lambda x: np.mean(x, dtype=np.float64),
        lambda x: np.argmax(x),
        lambda x: np.count_nonzero(x),
        lambda x: np.array_equal(x, x),
        lambda x: np.any(x),
        lambda x: np.dot(x[0], x[1]),
        lambda x: np.linalg.norm(x),
        lambda x: np.exp(x[0, 0]) + 1,
        lambda x: np.float64(2) * x[0, 0],
    ],
)
def test_numbers_stay_on_the_device(cupy: Any, x: Any, give: Any) -> None:
    number = give(x)
    assert isinstance(number, cupy.ndarray)
    assert number.shape == ()
    assert number.item() == give(ON_HOST)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: np.zeros((2, 1), like=x),
        lambda x: np.arange(1, 7, 2, like=x),
        lambda x: np.asarray([[1, 2]], dtype=np.float32, like=x),
        lambda x: np.zeros_like(x, shape=(4,)),
        lambda x: np.ones_like(x, dtype=np.int8),
        lambda x: np.full_like(x, 2, dtype=np.int16),
    ],
)
def test_arrays_are_made_beside_others(cupy: Any, x: Any, make: Any) -> None:
    made, expected = make(x), make(ON_HOST)
    assert isinstance(made, cupy.ndarray)
    assert (made.dtype, made.shape) == (expected.dtype, expected.shape)
    assert np.array_equal(made.get(), expected)


def test_python_numbers_are_weak(x: Any) -> None:
    assert (x + 1.5).dtype == (x * True).dtype == np.power(x, 2).dtype == np.float32
    assert (x + np.float64(1)).dtype == np.where(x > 1, x, np.float64(0)).dtype == np.float64
    with pytest.raises(OverflowError):
        x.astype(np.int8) + 300
    with pytest.raises(TypeError, match="same_kind"):
        x.astype(int).__iadd__(1.5)


def test_slices_share_memory_and_indices_do_not(x: Any) -> None:
    for view in (x[0], x[0, 1], x.T, x.reshape(3, 2), x.ravel(), np.transpose(x), x[..., None]):
        assert view.base is x
        assert not view.flags.owndata
        view[...] = 5
        assert 5 in x.get()
        x[...] = 0
    for made in (x[[0]], x[x == 0], x.copy(), copy.deepcopy(x), x.T.flatten(), np.diag(x)):
        made[...] = 5
        assert not x.any()
    assert x[0, 1:].data.ptr == x.data.ptr + 4


def test_results_are_c_contiguous(x: Any) -> None:
    assert (x.T + 1).flags.c_contiguous
    assert not (ON_HOST.T + 1).flags.c_contiguous
    assert not x.T.copy("K").flags.c_contiguous
    assert x.T.copy().flags.c_contiguous


def test_where_cupy_differs_from_numpy(cupy: Any, x: Any) -> None:
    assert np.zeros_like(x, shape=()).shape == np.zeros_like(x, shape=0).shape == x.shape
    assert x[[2, -3]].get().tolist() == ON_HOST[[0, 1]].tolist()
    assert np.take(x, [7]).get() == 1
    assert np.clip(x, cupy.asarray(np.nan), 1).get().max() == 1
    assert np.arange(np.uint8(3), like=x).dtype == np.int64
    np.linalg.inv(np.zeros_like(x[:2, :2]))


def test_what_is_copied_to_the_host_is_counted(x: Any, host_copies: Any) -> None:
    with host_copies() as counted:
        np.exp(x) @ x.T + np.zeros_like(x, shape=(1,))
        x[0] += x[1]
        x.shape, len(x), x.dtype, np.ndim(x)
    assert not counted.copies + counted.synchronizations + counted.uploads
    with host_copies() as counted:
        x.get(), x[0, 0].item(), x.tolist(), float(x[0, 0]), int(x[0, 0]), str(x), pickle.dumps(x)
        if x.any():
            f"{x[0, 0]}"
    assert [copied.split(",")[0] for copied in counted.copies] == [
        *("get", "item", "tolist", "float", "int", "str", "pickle", "bool", "format")
    ]
    assert all(__file__ in copied for copied in counted.copies)
    with host_copies() as counted:
        x[x > 1], np.nonzero(x), np.where(x), np.unique(x)
    assert (len(counted.copies), len(counted.synchronizations)) == (0, 4)
    with host_copies() as counted:
        np.asarray(ON_HOST, like=x), x[[0]], pickle.loads(pickle.dumps(x))  # noqa: S301 - our own
    assert len(counted.uploads) == 3


@pytest.fixture
def stand_in(cupy: Any) -> Any:
    if cupy is not cupy_on_host:
        pytest.skip("this is CuPy itself")
    return cupy


def test_undefined_values_are_not_what_numpy_would_give(stand_in: Any, x: Any) -> None:
    assert np.isnan(stand_in.empty(3).get()).all()
    assert np.isnan(np.empty_like(x).get()).all()
    with pytest.raises(RuntimeError, match="undefined"):
        x[[0, 0]] = x
    x[[0, 0]] = x[1]
    assert x.get()[0].tolist() == [3, 4, 5]


def test_the_stand_in_has_nothing_that_cupy_lacks(stand_in: Any) -> None:
    methods = {name for name in dir(stand_in.ndarray) if not name.startswith("_")}
    assert methods <= set(RECORDED["array"].split())
    names = {name for name in dir(np) if hasattr(stand_in, name) and not name.startswith("_")}
    recorded = {*RECORDED["functions"], *RECORDED["ufuncs"], *RECORDED["from_numpy"].split()}
    assert names - recorded == {"fft", "linalg", "ndarray", "ufunc"}
