"""NumPy's functions on tensors: recorded where there is a rule, else one sentence."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.autograd.numpy_protocol import NUMPY_FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

X = np.array([1.0, 2.0, 3.0])

NAMESPACES = {"np": np, "np.linalg": np.linalg, "np.fft": np.fft}
PUBLIC = {
    f"{namespace}.{name}": getattr(module, name)
    for namespace, module in NAMESPACES.items()
    for name in dir(module)
    if not name.startswith("_") and not inspect.isclass(getattr(module, name))
}
UNRULED_UFUNCS = {
    name: function
    for name, function in PUBLIC.items()
    if isinstance(function, np.ufunc) and function not in NUMPY_FUNCTIONS
}
UNRULED_FUNCTIONS = {
    name: function
    for name, function in PUBLIC.items()
    if hasattr(function, "_implementation") and function not in NUMPY_FUNCTIONS
}


def tensors() -> list[ns.Tensor]:
    """One that requires a gradient, one that was recorded, one that does not."""
    leaf = ns.Tensor(X, requires_grad=True)
    return [leaf, leaf * 2, ns.Tensor(X), ns.Tensor([1, 2, 3])]


# --- functions without a rule -----------------------------------------------------------------


@pytest.mark.parametrize("name", UNRULED_UFUNCS)
def test_ufuncs_without_a_rule_are_named(name, says):
    function = UNRULED_UFUNCS[name]
    for tensor in tensors():
        with says(TypeError, f"np.{function.__name__} has no gradient rule", "t.detach().numpy()"):
            function(*[tensor] * function.nin)


@pytest.mark.parametrize("name", UNRULED_FUNCTIONS)
def test_functions_without_a_rule_are_named(name, says):
    function = UNRULED_FUNCTIONS[name]
    for tensor in tensors():
        with says(TypeError, f".{function.__name__} has no gradient rule", "t.detach().numpy()"):
            tensor.__array_function__(function, (ns.Tensor,), (tensor,), {})


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (np.fft.fft, "np.fft.fft"),
        (np.histogram, "np.histogram"),
        (np.packbits, "np.packbits"),
        (np.spacing, "np.spacing"),
        (lambda t: np.linalg.eigvals(np.outer(t, t)), "np.linalg.eigvals"),
        (lambda t: np.apply_along_axis(np.sum, 0, t), "np.apply_along_axis"),
        (lambda t: np.piecewise(t, [t > 1], [1, 0]), "np.piecewise"),
    ],
)
def test_calls_without_a_rule(call, name, says):
    for tensor in tensors():
        with says(TypeError, f"{name} has no gradient rule in nnscratch", "t.detach().numpy()"):
            call(tensor)


def test_a_near_function_that_has_a_rule_is_proposed(says):
    matrix = ns.Tensor(np.eye(2))
    with says(TypeError, "use np.linalg.eigvalsh,"):
        np.linalg.eigvals(matrix)
    with says(TypeError, "use np.linalg.eigh,"):
        np.linalg.eig(matrix)
    with says(TypeError, "dir(ns.ops)"):
        np.fft.fft(matrix)


@pytest.mark.parametrize(
    ("method", "arguments", "way_out"),
    [
        ("accumulate", (), "np.cumsum"),
        ("reduceat", ([0, 2],), "np.sum on slices"),
        ("outer", (X,), "np.add on t[:, None]"),
        ("at", (0, 1.0), "t.at[i].add(v)"),
    ],
)
def test_methods_of_ufuncs_without_a_rule(method, arguments, way_out, says):
    for tensor in tensors():
        with says(TypeError, f"np.add.{method} has no gradient rule", way_out, "detach"):
            getattr(np.add, method)(tensor, *arguments)
        with says(TypeError, "np.subtract.reduce", "np.subtract itself"):
            np.subtract.reduce(tensor)


# --- options that cannot be recorded ------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "fragments"),
    [
        (lambda t: np.add(t, 1, where=[True, False, True]), ("np.add", "where", "np.where")),
        (lambda t: np.exp(t, dtype=np.float32), ("np.exp", "dtype", "t.astype")),
        (lambda t: np.add(t, 1, casting="same_kind"), ("np.add", "casting")),
        (lambda t: np.sum(t, where=[True, False, True]), ("sum", "where")),
        (lambda t: np.sum(t, dtype=np.float32), ("sum", "dtype")),
        (lambda t: np.sum(t, out=np.zeros(())), ("sum", "out")),
        (lambda t: np.mean(t, where=[True, False, True]), ("mean", "where")),
        (lambda t: np.concatenate([t, t], out=np.zeros(6)), ("concatenate", "out")),
        (lambda t: np.add.reduce(t, dtype=np.float32), ("sum", "dtype")),
        (lambda t: np.maximum.reduce(t, initial=0.0), ("max", "initial")),
    ],
)
def test_options_are_refused_by_name(call, fragments, says):
    for tensor in tensors():
        with says(TypeError, *fragments):
            call(tensor)


def test_out_is_refused_for_what_is_recorded(says):
    for tensor in tensors()[:2]:
        with says(TypeError, "np.exp", "out=", "t.detach()"):
            np.exp(tensor, out=np.zeros(3))


# --- what is recorded -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ufunc", "function"),
    [
        (np.add, np.sum),
        (np.multiply, np.prod),
        (np.maximum, np.max),
        (np.minimum, np.min),
        (np.logical_and, np.all),
        (np.logical_or, np.any),
    ],
)
def test_reduce_is_the_reduction(ufunc, function):
    values = np.arange(1.0, 7.0).reshape(2, 3)
    for options in (
        {},
        {"axis": 1},
        {"axis": None},
        {"axis": (0, 1)},
        {"axis": -1, "keepdims": True},
    ):
        t, u = ns.Tensor(values, requires_grad=True), ns.Tensor(values, requires_grad=True)
        reduced, expected = ufunc.reduce(t, **options), function(u, **({"axis": 0} | options))
        assert np.array_equal(reduced.data, ufunc.reduce(values, **options))
        assert np.array_equal(reduced.data, expected.data)
        assert reduced.requires_grad == expected.requires_grad
        if expected.requires_grad:
            reduced.sum().backward()
            expected.sum().backward()
            assert np.array_equal(t.grad.data, u.grad.data)


CALLS: dict[str, Callable[[Any], Any]] = {
    "ufunc": np.exp,
    "ufunc of two": lambda t: np.multiply([1.0, 2.0, 3.0], t),
    "where": lambda t: np.where(t > 1.5, t, -t),
    "concatenate": lambda t: np.concatenate([t, [9.0], t]),
    "stack of mixed": lambda t: np.stack([X, t, [0.0, 0.0, 0.0]]),
    "einsum": lambda t: np.einsum("i,j->ij", t, t),
    "linalg": lambda t: np.linalg.norm(t),
    "inv": lambda t: np.linalg.inv(np.diag(t)),
    "ns.array": lambda t: ns.ops.array([t[0], 2.0, [t[1], 3.0][0]]),
    "method": lambda t: t.reshape(3, 1).sum(axis=0),
}


@pytest.mark.parametrize("name", CALLS)
def test_numpys_functions_are_recorded_and_equal_numpy(name):
    t = ns.Tensor(X, requires_grad=True)
    result = CALLS[name](t)
    assert isinstance(result, ns.Tensor)
    assert result.requires_grad
    assert np.allclose(result.data, CALLS[name](X))
    assert ns.gradcheck(CALLS[name], X, order=2)
    unrecorded = CALLS[name](ns.Tensor(X))
    assert isinstance(unrecorded, ns.Tensor)
    assert not unrecorded.requires_grad
    with ns.no_grad():
        assert not CALLS[name](t).requires_grad


def test_ops_on_arrays_give_arrays():
    assert type(ns.ops.exp(X)) is np.ndarray
    assert type(ns.ops.sum(X)) is np.float64
    assert type(np.exp(X)) is np.ndarray


def test_a_tensor_becomes_an_array_only_if_no_gradient_is_lost(says):
    plain = ns.Tensor(X)
    for convert in (np.asarray, np.asanyarray, np.ascontiguousarray):
        assert np.shares_memory(convert(plain), X)
    assert not np.shares_memory(np.array(plain), X)
    assert np.asarray(plain, dtype=np.float32).dtype == np.float32
    assert np.array([plain, plain]).tolist() == [X.tolist(), X.tolist()]
    with pytest.raises(ValueError, match="copy"):
        np.asarray(plain, dtype=np.float32, copy=False)
    conversions: list[Callable[[ns.Tensor], Any]] = [
        np.asarray,
        np.array,
        lambda t: np.array([t, t]),
        lambda t: np.array([1.0, t[0]]),
        lambda t: ns.Tensor([t[0], t[1]]),
        lambda t: np.random.default_rng(0).permutation(t),
    ]
    for tensor in tensors()[:2]:
        for convert in conversions:
            with says(TypeError, "gradient would be lost", "ns.array([...])", "t.detach()"):
                convert(tensor)


def test_detached_numbers_go_anywhere():
    t = ns.Tensor(X, requires_grad=True)
    assert np.fft.fft(t.detach().numpy()).shape == (3,)
    assert np.histogram(t.numpy())[0].sum() == 3
