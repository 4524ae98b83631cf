"""A recorded tape run again: from other leaves, against the clock, and watched for its kernels."""

from __future__ import annotations

import sys
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch.autograd import Tensor, enable_grad
from nnscratch.autograd.modes import note_origins
from nnscratch_kernels import dispatch
from nnscratch_kernels.devices import CPU, device_of, load_cupy, to_device
from nnscratch_kernels.dispatch import Choice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

    from nnscratch.autograd.tape import Node
    from nnscratch.explainer.recording import Entry, Recording

SECONDS_FOR_TIMING = 1.0
"""How long all measurements of one recording may take together, about."""


_DISPATCH = "dispatched.<locals>.kernel"
"""Every call of a kernel goes through the function of this name in `nnscratch_kernels.dispatch`."""


class Timing(NamedTuple):
    """Seconds that an op takes, medians of several runs; None where there is nothing to run."""

    forward: float
    backward: float | None


class Again(NamedTuple):
    """A tape that ran again.

    Attributes:
        loss: the new loss.
        leaves: the new tensors of parameters and variables.
        results: what each entry gave this time.
    """

    loss: Tensor
    leaves: dict[Entry, Tensor]
    results: dict[Entry, Any]


def arguments(entry: Entry, device: str = CPU) -> list[Any]:
    """What an op was called on: arrays on a device, and Python numbers.

    Args:
        entry: of an op.
        device: where the arrays shall be.
    """
    values = [edge.source.outputs[edge.output] for edge in entry.inputs]
    return in_order(entry, [_brought(value, device) for value in values])


def in_order(entry: Entry, values: Sequence[Any]) -> list[Any]:
    """What stands at the place of each argument of an op.

    Args:
        entry: of the op.
        values: of the arguments that are numbers, as many as `entry.inputs`.
    """
    given = dict(entry.others)
    given.update((edge.argument, value) for edge, value in zip(entry.inputs, values, strict=True))
    return [given[place] for place in range(len(given))]


def parameters(entry: Entry, device: str = CPU) -> dict[str, Any]:
    """The op's other arguments; arrays among them are brought to a device."""
    node = op_of(entry)
    if node.op.name == "to_device":
        return {"device": device}
    return {name: _brought(value, device) for name, value in node.params.items()}


def op_of(entry: Entry) -> Node:
    """The tape's record of an op.

    Raises:
        ValueError: the entry is a leaf.
    """
    if entry.node is None:
        raise ValueError(f"Entry {entry.label!r} is no op.")
    return entry.node


def rerun(recording: Recording, changed: Mapping[Entry, Any]) -> Again:
    """The same ops from other leaves, recorded anew, on the host.

    Args:
        recording: of the first run.
        changed: arrays to put in the place of some leaves' values.

    """
    results: dict[Entry, Any] = {}
    leaves: dict[Entry, Tensor] = {}
    with enable_grad(), note_origins(False):
        for entry in recording.entries:
            if entry.node is None:
                results[entry] = changed.get(entry, entry.outputs[0])
                if entry.kind in ("parameter", "variable"):
                    wanted = entry.gradient is not None
                    results[entry] = leaves[entry] = Tensor(results[entry].copy(), wanted)
                continue
            values = [_output(results[edge.source], edge.output) for edge in entry.inputs]
            given = tuple(in_order(entry, values))
            results[entry] = entry.node.op.record(given, parameters(entry))
    return Again(results[recording.loss], leaves, results)


def timings(recording: Recording) -> dict[Entry, Timing]:
    """How long each op takes, forward and through its rule, where it ran."""
    budget = SECONDS_FOR_TIMING / max(1, 2 * len(recording.forward))
    return {entry: _timing(entry, budget) for entry in recording.forward}


def implementations(recording: Recording) -> dict[Entry, Choice]:
    """What computed each op: which of the kernels, or NumPy itself; nothing under a profiler."""
    if sys.getprofile() is not None:  # of which Python has only one
        return {}
    return {entry: _implementation(entry) for entry in recording.forward}


def cotangents(entry: Entry, outputs: Sequence[Any]) -> list[Any]:
    """The gradient of each of an op's outputs; zeros where none flows.

    Args:
        entry: of an op.
        outputs: its results, whose shapes and dtypes the gradients get.
    """
    return [
        np.zeros_like(output)
        if gradient is None
        else _brought(gradient, device_of(output)).astype(output.dtype)
        for gradient, output in zip(entry.gradients, outputs, strict=True)
    ]


def one_or_all(values: Sequence[Any]) -> Any:
    """Results, or their gradients, as an op's rule takes them: a tuple if there are several."""
    return values[0] if len(values) == 1 else tuple(values)


def _output(result: Any, index: int) -> Any:
    return result[index] if isinstance(result, tuple) else result


def _brought(value: Any, device: str) -> Any:
    if type(value) is tuple:  # an index, which may hold arrays
        return tuple(_brought(part, device) for part in value)
    return to_device(value, device) if hasattr(value, "shape") else value


def _timing(entry: Entry, budget: float) -> Timing:
    node = op_of(entry)
    arrays, params = arguments(entry, entry.device), parameters(entry, entry.device)
    forward = _seconds(lambda: node.op.forward(*arrays, **params), entry.device, budget)
    if all(gradient is None for gradient in entry.gradients):
        return Timing(forward, None)
    outputs = [_brought(output, entry.device) for output in entry.outputs]
    received, results = one_or_all(cotangents(entry, outputs)), one_or_all(outputs)
    return Timing(
        forward,
        _seconds(
            lambda: node.op.gradients(node.wanted, received, results, arrays, params),
            entry.device,
            budget,
        ),
    )


def _seconds(run: Callable[[], object], device: str, budget: float) -> float:
    """The median time of a few runs; on a GPU until it has finished."""
    wait = load_cupy().cuda.Device().synchronize if device != CPU else None
    times: list[float] = []
    while len(times) < 3 or (sum(times) < budget and len(times) < 50):
        start = perf_counter()
        run()
        if wait is not None:
            wait()
        times.append(perf_counter() - start)
        if sum(times) > budget:
            break
    return median(times)


def _implementation(entry: Entry) -> Choice:
    """See which kernel an op calls first while it runs once more."""
    arrays, params = arguments(entry, entry.device), parameters(entry, entry.device)
    called: list[tuple[str, Any]] = []

    def watch(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and not called and frame.f_code.co_qualname == _DISPATCH:
            called.append(_kernel_call(frame.f_locals))

    sys.setprofile(watch)
    try:
        op_of(entry).op.forward(*arrays, **params)
    finally:
        sys.setprofile(None)
    if not called:
        whose = "NumPy" if entry.device == CPU else "CuPy"
        return Choice(whose.lower(), f"{whose}'s own functions compute it.")
    kernel, x = called[0]
    choice = dispatch.which(kernel, x)
    return Choice(choice.implementation, f"Kernel {kernel}: {choice.reason}")


def _kernel_call(names: Mapping[str, Any]) -> tuple[str, Any]:
    """The kernel that `dispatched` was called for, and the array by which it chooses.

    Args:
        names: what is what in that call.
    """
    reference, place = names["reference"], names["place"]
    if place < len(names["arrays"]):
        return reference.__name__, names["arrays"][place]
    argument = getattr(reference, "__wrapped__", reference).__code__.co_varnames[place]
    return reference.__name__, names["options"].get(argument)
