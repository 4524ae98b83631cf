"""Every op of the table on arrays of a GPU gives what it gives on the CPU, and stays there."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnscratch as ns
import nnscratch.ops  # declares every op
from nnscratch.autograd import Composite, DeviceError, Op
from nnscratch.autograd.backward import walk
from nnscratch.autograd.trees import leaves, rebuild
from nnscratch_kernels.devices import on_host
from tests.ops.test_op_table import (
    CASES,
    Case,
    allows,
    assert_same,
    cast,
    cotangents_for,
    empty,
    is_array,
    is_float_array,
    map_arrays,
    results_of,
    zero_dimensional,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CASES = [case for case in CASES if case.op.name != "to_device"]  # it is tested with the tensors
INDEXED = {"getitem", "scatter", "set_at", "add_at"}
"""Ops with an index among their parameters, which may be on either device."""

every_case = pytest.mark.parametrize("case", CASES, ids=str)


def defined(name: str, outputs: list[Any]) -> list[Any]:
    """Of an op's results what every machine must agree on, as tensors with the same gradients."""
    if name in {"eigh", "svd", "qr"}:  # the signs of vectors are the library's choice
        return [np.absolute(output) for output in outputs]
    if name == "partition":  # the order of elements on either side is
        return [np.sort(output, axis=None) for output in outputs]
    return outputs


def on_device(cupy: Any, tree: Any) -> Any:
    return map_arrays(cupy.asarray, tree)


def is_there(cupy: Any, value: Any) -> bool:
    return isinstance(value.data if isinstance(value, ns.Tensor) else value, cupy.ndarray)


def on_cpu(values: list[Any]) -> list[Any]:
    return [on_host(value.data if isinstance(value, ns.Tensor) else value) for value in values]


class Run:
    """A call on tensors, and its gradients of first and second order; arrays where they were made.

    Attributes:
        inputs: the tensors that are differentiated.
        outputs: all results.
        first: a gradient for each input, or None.
        second: the gradient of all these gradients for each input, or None.
    """

    def __init__(
        self,
        op: Any,
        args: Any,
        params: dict[str, Any],
        place: Callable[[Any], Any] = lambda array: array,
    ) -> None:
        tensors = map_arrays(
            lambda array: ns.Tensor(place(array), requires_grad=is_float_array(array)), args
        )
        self.inputs = [leaf for leaf in leaves(tensors) if getattr(leaf, "requires_grad", False)]
        self.outputs = defined(op.name, leaves(op(*tensors, **params)))
        found = self._gradients(self.outputs, place)
        self.first = [found.get(tensor) for tensor in self.inputs]
        firsts = [gradient for gradient in self.first if gradient is not None]
        found = self._gradients(firsts, place)
        self.second = [found.get(tensor) for tensor in self.inputs]

    def _gradients(self, outputs: list[Any], place: Callable[[Any], Any]) -> dict[Any, Any]:
        cotangents = cotangents_for([getattr(output, "data", output) for output in outputs])
        tracked = [
            (output, ns.Tensor(place(cotangent)))
            for output, cotangent in zip(outputs, cotangents, strict=True)
            if getattr(output, "requires_grad", False)
        ]
        starts, seeds = [o for o, _ in tracked], [c for _, c in tracked]
        return walk(starts, seeds, create_graph=True, targets=set(self.inputs))


EXPECTED: dict[tuple[str, Any], Run] = {}


def expected_run(case: Case, dtype: Any = np.float64) -> Run:
    """The run of a case on the CPU, made once for all tests that compare with it."""
    if (str(case), dtype) not in EXPECTED:
        args, params = cast(case.args, dtype), cast(case.params, dtype)
        EXPECTED[str(case), dtype] = Run(case.op, args, params)
    return EXPECTED[str(case), dtype]


def assert_same_run(cupy: Any, actual: Run, expected: Run) -> None:
    """The same numbers, all of them on the GPU."""
    for what in ("outputs", "first", "second"):
        ours, theirs = getattr(actual, what), getattr(expected, what)
        assert [one is None for one in ours] == [one is None for one in theirs], what
        ours = [one for one in ours if one is not None]
        theirs = [one for one in theirs if one is not None]
        for one, other in zip(ours, theirs, strict=True):
            assert is_there(cupy, one) or not isinstance(other, ns.Tensor), f"{what}: {one!r}"
        assert_same(on_cpu(ours), results_of(theirs), what)


def device_params(cupy: Any, case: Case) -> dict[str, Any]:
    """Parameters that are arrays belong on the GPU, but for an index."""
    params: dict[str, Any] = case.params
    return params if case.op.name in INDEXED else on_device(cupy, params)


@every_case
def test_values_and_gradients_are_those_of_the_cpu(cupy: Any, case: Case) -> None:
    actual = Run(case.op, case.args, device_params(cupy, case), cupy.asarray)
    assert_same_run(cupy, actual, expected_run(case))


@pytest.mark.parametrize("case", [case for case in CASES if case.op.name in INDEXED], ids=str)
def test_an_index_may_be_on_either_device(cupy: Any, case: Case) -> None:
    def there(index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        moved = tuple(cupy.asarray(part) if is_array(part) else part for part in parts)
        return moved if isinstance(index, tuple) else moved[0]

    params = case.params | {"index": there(case.params["index"])}
    actual = Run(case.op, case.args, params, cupy.asarray)
    assert_same_run(cupy, actual, expected_run(case))


@every_case
def test_float32_stays_float32(cupy: Any, case: Case) -> None:
    args, params = cast(case.args, np.float32), cast(case.params, np.float32)
    there = params if case.op.name in INDEXED else on_device(cupy, params)
    assert_same_run(cupy, Run(case.op, args, there, cupy.asarray), expected_run(case, np.float32))


@every_case
def test_arrays_give_what_tensors_give(cupy: Any, case: Case) -> None:
    params = device_params(cupy, case)
    results = defined(case.op.name, leaves(case.op(*on_device(cupy, case.args), **params)))
    expected = defined(case.op.name, leaves(case.op(*case.args, **case.params)))
    for one, other in zip(results, expected, strict=True):
        assert is_there(cupy, one) or not isinstance(other, np.ndarray | np.generic)
    assert_same(on_cpu(results), expected, "result")


def spread(cupy: Any, array: Any) -> Any:
    """The same numbers with others between them in memory."""
    wide = cupy.zeros([2 * length for length in array.shape], array.dtype)
    view = wide[(..., *(slice(None, None, 2),) * array.ndim)]
    view[...] = cupy.asarray(array)
    return view


def fortran(cupy: Any, array: Any) -> Any:
    return cupy.asarray(np.array(array, order="F")) if array.ndim else cupy.asarray(array)


@pytest.mark.parametrize("layout", [spread, fortran])
@every_case
def test_layout_does_not_matter(cupy: Any, case: Case, layout: Any) -> None:
    params = device_params(cupy, case)
    actual = Run(case.op, case.args, params, lambda array: layout(cupy, array))
    assert_same_run(cupy, actual, expected_run(case))


ONLY_ON_CPU = {
    ("mean_softmax_crossentropy", zero_dimensional): "logits without an axis of classes",
    ("partition", empty): "a place in an axis without elements",
    ("scatter", zero_dimensional): "values of another shape than the index selects",
    ("softmax_crossentropy", zero_dimensional): "logits without an axis of classes",
}
"""What NumPy computes although it makes no sense, and CuPy refuses."""


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of the mean of nothing
@pytest.mark.parametrize("shrink", [empty, zero_dimensional])
@every_case
def test_empty_and_zero_dimensional_inputs(cupy: Any, case: Case, shrink: Any) -> None:
    args = map_arrays(shrink, case.args)
    if not allows(case, args) or (case.op.name, shrink) in ONLY_ON_CPU:
        return
    actual = Run(case.op, args, device_params(cupy, case), cupy.asarray)
    assert_same_run(cupy, actual, Run(case.op, args, case.params))


# --- copies to the host -------------------------------------------------------------------------

WAITS = {
    "allclose": "its answer is a bool of Python",
    "argwhere": "the length of the result is how many elements are true",
    "array_equal": "its answer is a bool of Python",
    "average": "weights that sum to zero are refused",
    "det": "where a determinant is zero its gradient has another formula",
    "extract": "the length of the result is how many elements are true",
    "flatnonzero": "the length of the result is how many elements are true",
    "nonzero": "the length of the result is how many elements are true",
    "quantile": "several shares are turned into places on the CPU",
    "repeat": "the length of the result is the sum of the repeats",
    "roll": "the stand-in counts several shifts as an array of them",
}
"""Ops that must look at numbers of the GPU, and why."""


def holds_mask(params: dict[str, Any]) -> bool:
    index = params.get("index")
    parts = index if isinstance(index, tuple) else (index,)
    return any(is_array(part) and part.dtype == bool for part in parts)


def waits(cupy: Any, host_copies: Any, case: Case) -> list[str]:
    """What was read from the GPU to compute a case, and its gradients of both orders."""
    args = on_device(cupy, case.args)
    params = device_params(cupy, case)
    tensors = rebuild(
        args,
        iter(
            ns.Tensor(leaf, requires_grad=leaf.dtype.kind == "f") if is_there(cupy, leaf) else leaf
            for leaf in leaves(args)
        ),
    )
    inputs = {leaf for leaf in leaves(tensors) if getattr(leaf, "requires_grad", False)}
    with host_copies() as counted:
        outputs = leaves(case.op(*tensors, **params))
        for _ in range(2):
            outputs = [output for output in outputs if getattr(output, "requires_grad", False)]
            seeds = [ns.Tensor(np.ones_like(output.data)) for output in outputs]
            outputs = list(walk(outputs, seeds, create_graph=True, targets=inputs).values())
    return [*counted.copies, *counted.synchronizations]


@every_case
def test_nothing_is_copied_to_the_host(cupy: Any, host_copies: Any, case: Case) -> None:
    if case.op.name not in WAITS and not holds_mask(case.params):
        assert not waits(cupy, host_copies, case)


@pytest.mark.parametrize("name", WAITS)
def test_ops_listed_as_waiting_do_wait(cupy: Any, host_copies: Any, name: str) -> None:
    assert any(waits(cupy, host_copies, case) for case in CASES if case.op.name == name)


# --- several devices, and what CuPy lacks -------------------------------------------------------

MAY_MIX = {
    "atleast_1d": "each result stays where it was",
    "atleast_2d": "each result stays where it was",
    "atleast_3d": "each result stays where it was",
    "broadcast_arrays": "each result stays where it was",
    "extract": "the condition says which elements, as an index does",
    "meshgrid": "each result stays where it was",
    "repeat": "the repeats say which elements, as an index does",
    "result_type": "it asks only for dtypes",
    "take": "an index may be on the CPU",
    "take_along_axis": "an index may be on the CPU",
}
"""Ops that take arrays of several devices, and why."""


def placed_by_turns(cupy: Any, on_cpu: Iterator[bool], array: Any) -> ns.Tensor:
    return ns.Tensor(array if next(on_cpu) else cupy.asarray(array))


# ndarray.dot(array of CuPy) warns that CuPy's __array__ takes no copy=, before it is refused.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@every_case
def test_arrays_of_several_devices_are_refused(cupy: Any, case: Case) -> None:
    arrays = [leaf for leaf in leaves(case.args) if is_array(leaf)]
    if len(arrays) < 2 or case.op.name in MAY_MIX or not all(array.size for array in arrays):
        return
    for left in range(len(arrays)):
        places = iter([one == left for one in range(len(arrays))])
        mixed = map_arrays(partial(placed_by_turns, cupy, places), case.args)
        with pytest.raises(
            DeviceError, match=r"on (cpu|gpu:0).* on (cpu|gpu:0).*t\.to\('(gpu|cpu)'"
        ):
            case.op(*mixed, **device_params(cupy, case))


def test_what_cupy_lacks_is_named(cupy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[Op.__module__], "OPS", {})
    declared: Any = {"formula": "", "samples": None, "torch": None, "numpy": []}
    there = ns.Tensor(cupy.ones(3), requires_grad=True)
    with pytest.raises(DeviceError, match=r"^np\.spacing is not in CuPy, so gap .* t\.to\('cpu'"):
        Op("gap", np.spacing, arity=1, **declared)(there)
    with pytest.raises(
        DeviceError, match=r"^np\.linalg\.vector_norm is not in CuPy, so values does"
    ):
        Op("values", np.linalg.vector_norm, arity=1, **declared)(there)
    with pytest.raises(DeviceError, match=r"^np\.spacing .* so the gradient of same does not"):
        Op("same", lambda a: a + 0, vjps=(lambda g, y, a: np.spacing(g),), **declared)(
            there
        ).backward(cupy.ones(3))
    composed = Composite("composed", lambda a: np.spacing(a.data), **declared)
    with pytest.raises(DeviceError, match=r"^np\.spacing is not in CuPy, so composed does"):
        composed(there)


def test_another_error_stays_what_it_is(cupy: Any) -> None:
    there = ns.Tensor(cupy.ones((2, 3)))
    with pytest.raises(ValueError, match="reshape array of size 6"):
        np.reshape(there, (4,))
    with pytest.raises(TypeError, match="reshape on a Tensor takes"):
        np.reshape(there, (3, 2), copy=True)
    with pytest.raises(IndexError):
        there[[0, 1], [0, 1, 2]]
