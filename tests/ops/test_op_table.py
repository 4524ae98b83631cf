"""Every declared op against finite differences, PyTorch and NumPy, from its own sample inputs.

An op that is added to the table is tested here without a change to this file.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
import torch

import nnscratch as ns
import nnscratch.ops  # declares every op
from nnscratch.autograd import OPS, Op, SampleSource
from nnscratch.autograd.trees import leaves, rebuild

if TYPE_CHECKING:
    from collections.abc import Callable


class Case(NamedTuple):
    """One sample call of one op."""

    op: Any
    number: int
    args: tuple[Any, ...]
    params: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.op.name}-{self.number}"


class Outcome(NamedTuple):
    """A call's results, flattened, and a gradient for each floating-point array that went in."""

    results: list[Any]
    gradients: list[Any]


def is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def is_float_array(value: Any) -> bool:
    return is_array(value) and value.dtype.kind == "f"


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply `function` to everything in nested arguments that is not a tuple, list or dict."""
    return rebuild(tree, iter([function(leaf) for leaf in leaves(tree)]))


def map_arrays(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply `function` to every array in nested arguments; the rest stays as it is."""
    return map_leaves(lambda leaf: function(leaf) if is_array(leaf) else leaf, tree)


def map_floats(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply `function` to every floating-point array in nested arguments."""
    return map_leaves(lambda leaf: function(leaf) if is_float_array(leaf) else leaf, tree)


def without_scalars(tree: Any) -> Any:
    """NumPy's scalars, which its arithmetic makes of 0-d arrays, as 0-d arrays again."""
    return map_leaves(lambda x: np.asarray(x) if isinstance(x, np.generic) else x, tree)


def cast(tree: Any, dtype: Any) -> Any:
    return map_floats(lambda array: array.astype(dtype), tree)


def as_tensors(tree: Any) -> Any:
    return map_arrays(lambda array: ns.Tensor(array, requires_grad=is_float_array(array)), tree)


def results_of(tree: Any) -> list[Any]:
    """The results of a call as a flat list of plain arrays and plain answers."""
    return [leaf.data if isinstance(leaf, ns.Tensor) else leaf for leaf in leaves(tree)]


def cotangents_for(results: list[Any]) -> list[Any]:
    """A fixed random cotangent for each floating-point result, None for the others."""
    generator = np.random.default_rng(1)
    return [
        np.asarray(generator.uniform(0.5, 1.5, result.shape)).astype(result.dtype)
        if getattr(result, "dtype", np.dtype(int)).kind == "f"
        else None
        for result in results
    ]


def run_on_tensors(op: Callable[..., Any], args: Any, params: dict[str, Any]) -> Outcome:
    """Call `op` on tensors, then walk back from all its results; an unused gradient is zero."""
    tensors = as_tensors(args)
    outputs = leaves(op(*tensors, **params))
    results = results_of(outputs)
    for output, cotangent in zip(outputs, cotangents_for(results), strict=True):
        if getattr(output, "requires_grad", False):
            output.backward(cotangent, retain_graph=True)
    inputs = [leaf for leaf in leaves(tensors) if getattr(leaf, "requires_grad", False)]
    gradients = [np.zeros_like(t.data) if t.grad is None else t.grad.data for t in inputs]
    return Outcome(results, gradients)


def run_on_torch(op: Any, args: Any, params: dict[str, Any]) -> Outcome:
    """The same call on PyTorch's tensors, with PyTorch's gradients."""
    tensors = map_arrays(lambda array: to_torch(array).requires_grad_(is_float_array(array)), args)
    outputs = leaves(torch_function(op)(*tensors, **map_arrays(to_torch, params)))
    results = [o.detach().numpy() if isinstance(o, torch.Tensor) else o for o in outputs]
    tracked = [
        (output, torch.from_numpy(cotangent))
        for output, cotangent in zip(outputs, cotangents_for(results), strict=True)
        if getattr(output, "requires_grad", False)
    ]
    inputs = [leaf for leaf in leaves(tensors) if getattr(leaf, "requires_grad", False)]
    gradients: Any = [None] * len(inputs)
    if tracked:
        gradients = torch.autograd.grad(
            [output for output, _ in tracked],
            inputs,
            [cotangent for _, cotangent in tracked],
            allow_unused=True,
        )
    filled = [
        torch.zeros_like(tensor) if gradient is None else gradient
        for tensor, gradient in zip(inputs, gradients, strict=True)
    ]
    return Outcome(results, [gradient.numpy() for gradient in filled])


def torch_function(op: Any) -> Callable[..., Any]:
    if callable(op.torch):
        return lambda *args, **params: op.torch(torch, *args, **params)
    function: Any = torch
    for name in op.torch.split("."):
        function = getattr(function, name)
    return function


def to_torch(value: Any) -> Any:
    return torch.from_numpy(np.array(value))  # a copy, since PyTorch knows no negative strides


def assert_same(
    actual: list[Any], expected: list[Any], what: str, *, same_dtype: bool = True
) -> None:
    """Equal in number, shape and floating-point dtype, and close by PyTorch's tolerances."""
    assert len(actual) == len(expected), f"{len(actual)} {what}s instead of {len(expected)}"
    for number, (ours, theirs) in enumerate(zip(actual, expected, strict=True)):
        if not isinstance(ours, np.ndarray | np.generic | bool | int | float):
            assert ours == theirs, f"{what} {number}: {ours!r} instead of {theirs!r}"
            continue
        a, b = to_torch(ours), to_torch(theirs)
        check_dtype = same_dtype and (a.is_floating_point() or b.is_floating_point())
        torch.testing.assert_close(
            a, b, check_dtype=check_dtype, equal_nan=True, msg=f"{what} {number} differ: {a}, {b}"
        )


def assert_same_outcome(actual: Outcome, expected: Outcome) -> None:
    assert_same(actual.results, expected.results, "result")
    assert_same(actual.gradients, expected.gradients, "gradient")


CASES = [
    Case(op, number, without_scalars(sample.args), sample.params)
    for op in OPS.values()
    if op.samples is not None  # the declaration test below fails such an op
    for number, sample in enumerate(op.samples(SampleSource()))
]
every_case = pytest.mark.parametrize("case", CASES, ids=str)


# --- declarations ----------------------------------------------------------------------------


@pytest.mark.parametrize("op", OPS.values(), ids=lambda op: op.name)
def test_declaration_is_complete(op: Any) -> None:
    assert op.samples is not None, f"{op.name} is declared without sample inputs"
    assert op.samples(SampleSource()), f"{op.name} has an empty list of sample inputs"
    assert op.formula, f"{op.name} has no formula"
    if isinstance(op, Op) and op.differentiable:
        assert op.derivative, f"{op.name} has a gradient but no formula for it"
    assert getattr(ns.ops, op.name) is op, f"ns.ops.{op.name} is something else"


# --- gradients against finite differences ----------------------------------------------------


def has_float_result(case: Case) -> bool:
    return any(
        getattr(result, "dtype", np.dtype(int)).kind == "f"
        for result in results_of(case.op(*case.args, **case.params))
    )


def check_gradients(case: Case) -> None:
    def function_of_floats(*floats: Any) -> Any:
        remaining = iter(floats)
        return case.op(*map_floats(lambda _: next(remaining), case.args), **case.params)

    floats = [leaf for leaf in leaves(case.args) if is_float_array(leaf)]
    ns.gradcheck(function_of_floats, *floats, order=2)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if any(map(is_float_array, leaves(case.args)))],
    ids=str,
)
def test_first_and_second_order_gradients(case: Case) -> None:
    if has_float_result(case):
        check_gradients(case)
    else:
        outputs = leaves(case.op(*as_tensors(case.args), **case.params))
        assert not any(getattr(output, "requires_grad", False) for output in outputs)


def test_a_wrong_gradient_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    case = next(case for case in CASES if case.op.name == "multiply")
    monkeypatch.setattr(case.op, "vjps", (lambda g, y, a, b: g * a, lambda g, y, a, b: g * a))
    with pytest.raises(AssertionError):
        check_gradients(case)
    with pytest.raises(AssertionError):
        test_matches_pytorch(case, np.float64)


# --- values and gradients against PyTorch and NumPy --------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("case", [case for case in CASES if case.op.torch is not None], ids=str)
def test_matches_pytorch(case: Case, dtype: Any) -> None:
    args, params = cast(case.args, dtype), cast(case.params, dtype)
    actual, expected = run_on_tensors(case.op, args, params), run_on_torch(case.op, args, params)
    # float32 with int64 is float64 in NumPy and float32 in PyTorch; the results' dtypes have a
    # test of their own below.
    assert_same(actual.results, expected.results, "result", same_dtype=False)
    assert_same(actual.gradients, expected.gradients, "gradient")


@pytest.mark.parametrize("case", [case for case in CASES if case.op.numpy], ids=str)
def test_numpy_function_is_the_op(case: Case) -> None:
    expected = run_on_tensors(case.op, case.args, case.params)
    for function in case.op.numpy:
        if any(map(is_array, leaves(case.args))):
            actual = run_on_tensors(function, case.args, case.params)
            assert_same_outcome(actual, expected)
        if function is not np.empty_like:  # what it holds is left to chance
            plain = results_of(function(*case.args, **case.params))
            assert_same(expected.results, plain, f"{function.__name__} on arrays")


@every_case
def test_arrays_give_what_tensors_give(case: Case) -> None:
    results = results_of(case.op(*case.args, **case.params))
    assert_same(run_on_tensors(case.op, case.args, case.params).results, results, "result")


# --- dtypes, layouts, mutation ------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32], ids=["float16", "float32"])
@every_case
def test_dtype_is_kept(case: Case, dtype: Any) -> None:
    """Results have the dtype that NumPy gives, or the inputs'; gradients always the inputs'."""
    args, params = cast(case.args, dtype), cast(case.params, dtype)
    dtypes = [dtype]
    if case.op.numpy:
        try:
            plain = leaves(case.op.numpy[0](*args, **params))
        except TypeError:  # NumPy's linear algebra and float_power have no float16
            return
        dtypes = [result.dtype for result in plain if getattr(result, "dtype", None)]
    outcome = run_on_tensors(case.op, args, params)
    floats = [r for r in outcome.results if is_float_array(r)]
    if any(map(is_float_array, leaves(args))):
        assert all(result.dtype in dtypes for result in floats)
    assert all(gradient.dtype == dtype for gradient in outcome.gradients)


def fortran(array: Any) -> Any:
    return np.array(array, order="F")


def every_second(array: Any) -> Any:
    spread = np.zeros([2 * length for length in array.shape], array.dtype)
    view = spread[(..., *(slice(None, None, 2),) * array.ndim)]
    view[...] = array
    return view


def negative_strides(array: Any) -> Any:
    backwards = (..., *(slice(None, None, -1),) * array.ndim)
    return array[backwards].copy()[backwards]


@pytest.mark.parametrize("layout", [fortran, every_second, negative_strides])
@every_case
def test_layout_does_not_matter(case: Case, layout: Callable[[Any], Any]) -> None:
    laid_out = map_arrays(layout, case.args)
    assert_same_outcome(
        run_on_tensors(case.op, laid_out, case.params),
        run_on_tensors(case.op, case.args, case.params),
    )


def empty(array: Any) -> Any:
    """Matrices of shape (0, 0), so that square ones stay square and products stay legal."""
    return array[(..., *(slice(0),) * min(array.ndim, 2))]


def zero_dimensional(array: Any) -> Any:
    return np.asarray(array.flat[0]) if array.size else array


def allows(case: Case, args: tuple[Any, ...]) -> bool:
    """Whether the op takes arrays of these shapes; an elementwise one takes any."""
    forward = getattr(case.op, "forward", None)
    if isinstance(forward, np.ufunc) and forward.signature is None:
        return True
    try:
        case.op(*args, **case.params)
    except (ArithmeticError, IndexError, TypeError, ValueError):
        return False
    return True


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of the mean of nothing
@pytest.mark.parametrize("shrink", [empty, zero_dimensional])
@every_case
def test_empty_and_zero_dimensional_inputs(case: Case, shrink: Callable[[Any], Any]) -> None:
    """Where the op takes arrays of such a shape, tensors work too, and the gradients fit them."""
    args = map_arrays(shrink, case.args)
    if not allows(case, args):
        return
    expected = results_of(case.op(*args, **case.params))
    outcome = run_on_tensors(case.op, args, case.params)
    assert_same(outcome.results, expected, "result")
    inputs = [leaf for leaf in leaves(args) if is_float_array(leaf)]
    assert [g.shape for g in outcome.gradients] == [leaf.shape for leaf in inputs]
    assert [g.dtype for g in outcome.gradients] == [leaf.dtype for leaf in inputs]


@every_case
def test_inputs_are_not_mutated(case: Case) -> None:
    args, params = copy.deepcopy((case.args, case.params))
    run_on_tensors(case.op, args, params)
    for ours, original in zip(
        leaves((args, params)), leaves((case.args, case.params)), strict=True
    ):
        if is_array(original):
            np.testing.assert_array_equal(ours, original)
        else:
            assert ours == original
