"""The proof: gradients against central finite differences, as PyTorch's gradcheck does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd.backward import walk
from nnscratch.autograd.modes import enable_grad
from nnscratch.autograd.placement import plain
from nnscratch.autograd.tensor import Tensor, point_at, wrap
from nnscratch.autograd.trees import leaves, rebuild
from nnscratch_kernels.devices import is_on_gpu, on_host, to_device

if TYPE_CHECKING:
    from collections.abc import Callable


class GradcheckError(AssertionError):
    """A gradient differs from its finite difference; names the argument, the index, both values."""


@enable_grad()
def gradcheck(
    f: Callable[..., Any],
    *inputs: Any,
    order: int = 1,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
) -> bool:
    """Check the gradients of `f` at `inputs` against central finite differences.

    Every entry of the Jacobian, (f(x + ε e) - f(x - ε e)) / 2ε for each element of each
    floating-point input, is compared with the one that backward passes give, with PyTorch's
    tolerances: |numeric - analytic| ≤ atol + rtol |analytic|.

    Args:
        f: a function of arrays; it returns a tensor, or nested tuples, lists or dicts of them.
        inputs: arrays, numbers or tensors, also nested; floating-point ones are checked in float64.
        order: 1 checks gradients, 2 also the gradients of the gradients.
        eps: the step ε.
        atol: absolute tolerance.
        rtol: relative tolerance.

    Returns:
        True; it never returns False.

    Raises:
        GradcheckError: the argument, the indices, the analytic and the numeric value that differ.
        TypeError: no input is floating-point.
    """
    arguments = [_as_float64(leaf) for leaf in leaves(inputs)]
    if not any(map(_is_float, arguments)):
        raise TypeError("gradcheck needs at least one floating-point input to differentiate.")

    def outputs_of(*values: Any) -> list[Tensor]:
        return _float_outputs(f(*rebuild(inputs, iter(values))))

    _check_jacobian(outputs_of, arguments, "gradient", eps, atol, rtol)
    if order >= 2:
        generator = np.random.default_rng(0)
        cotangents = [
            to_device(np.asarray(generator.uniform(0.5, 1.5, output.shape)), output.device)
            for output in outputs_of(*_tensors(arguments))
        ]

        def gradients_of(*values: Any) -> list[Tensor]:
            primals = values[: len(arguments)]
            pairs = zip(outputs_of(*primals), values[len(arguments) :], strict=True)
            tracked = [(output, cotangent) for output, cotangent in pairs if output.requires_grad]
            found = walk([o for o, _ in tracked], [c for _, c in tracked], create_graph=True)
            floats = [value for value in primals if isinstance(value, Tensor)]
            return [found.get(value, wrap(np.zeros_like(value.data), None, 0)) for value in floats]

        _check_jacobian(
            gradients_of, [*arguments, *cotangents], "second-order gradient", eps, atol, rtol
        )
    return True


def _check_jacobian(
    f: Callable[..., list[Tensor]],
    arguments: list[Any],
    what: str,
    eps: float,
    atol: float,
    rtol: float,
) -> None:
    analytic = _analytic_jacobian(f, arguments)
    for position, argument in enumerate(arguments):
        if not _is_float(argument):
            continue
        for index in np.ndindex(argument.shape):
            differences = _central_difference(f, arguments, position, index, eps)
            for number, numeric in enumerate(differences):
                expected = analytic[position][number][(..., *index)]
                wrong = np.argwhere(~np.isclose(numeric, expected, rtol=rtol, atol=atol))
                if wrong.size:
                    at = tuple(int(i) for i in wrong[0])
                    raise GradcheckError(
                        f"The {what} of output {number} at {at} for argument {position} at "
                        f"{index} is {expected[at]:.9g}, finite differences give {numeric[at]:.9g}."
                    )


def _analytic_jacobian(f: Callable[..., list[Tensor]], arguments: list[Any]) -> list[list[Any]]:
    """By argument and output: an array of the output's shape followed by the argument's."""
    tensors = _tensors(arguments)
    outputs = f(*tensors)
    jacobian = [
        [np.zeros(output.shape + np.shape(argument)) for output in outputs]
        for argument in arguments
    ]
    for number, output in enumerate(outputs):
        for index in np.ndindex(output.shape) if output.requires_grad else ():
            one_hot = np.zeros_like(output.data)
            one_hot[index] = 1.0
            gradients = walk([output], [one_hot], retain_graph=True)
            for position, tensor in enumerate(tensors):
                if isinstance(tensor, Tensor) and tensor in gradients:
                    jacobian[position][number][index] = on_host(gradients[tensor])
    return jacobian


def _central_difference(
    f: Callable[..., list[Tensor]],
    arguments: list[Any],
    position: int,
    index: tuple[int, ...],
    eps: float,
) -> list[Any]:
    """For each output the derivative with respect to one element of one argument."""
    sides = []
    for step in (eps, -eps):
        moved = arguments[position].copy()
        moved[index] += step
        shifted = [*arguments[:position], moved, *arguments[position + 1 :]]
        sides.append([output.numpy() for output in f(*_tensors(shifted))])
    return [(above - below) / (2 * eps) for above, below in zip(*sides, strict=True)]


def _tensors(arguments: list[Any]) -> list[Any]:
    return [point_at(a) if _is_float(a) else a for a in arguments]


def _float_outputs(result: Any) -> list[Tensor]:
    tensors = [leaf if isinstance(leaf, Tensor) else Tensor(leaf) for leaf in leaves(result)]
    return [tensor for tensor in tensors if tensor.dtype.kind == "f"]


def _as_float64(value: Any) -> Any:
    """A float64 copy of anything floating-point; the rest as it is."""
    value = plain(value)
    if isinstance(value, np.floating | float):
        value = np.asarray(value)
    return value.astype(np.float64) if _is_float(value) else value


def _is_float(value: Any) -> bool:
    return (isinstance(value, np.ndarray) or is_on_gpu(value)) and value.dtype.kind == "f"
