"""Is each rule right? Finite differences, and PyTorch where it is installed, on the tape's numbers.

Both look at one op alone: the gradient that reached it goes in, and what its rule sends to each
argument is compared, all in float64 and by the reference kernels.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch.autograd.backward import fit
from nnscratch.explainer.plain_numpy import HINTS
from nnscratch.explainer.replay import arguments, cotangents, one_or_all, op_of, parameters
from nnscratch_kernels.dispatch import backend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nnscratch.autograd.op import Op
    from nnscratch.explainer.recording import Entry

STEPS = ((1e-6, 1.0), (1e-4, 1.0), (1e-6, 0.0))
"""Finite differences that are tried in turn: h, and the size that numbers count as at least.

Near 0 a fixed step may be too long (for a logarithm), or one in proportion too short.
"""

TOLERANCE = 1e-5
"""Largest relative deviation that still counts as agreement, for both checks."""

ROUNDING = 64 * float(np.finfo(np.float64).eps)
"""By how much a result may be off, relative to its size."""

NOT_SMOOTH = 1e-2
"""Relative change of the slope within a step from which on a place counts as a corner."""

MOST_NUMBERS = 1 << 20
"""Ops on more numbers than these are not checked: a page should not take minutes."""


class Check(NamedTuple):
    """Whether a rule agrees with something that knows nothing of it.

    Attributes:
        ok: whether it does.
        error: relative deviation.
        text: the same in words.
    """

    ok: bool
    error: float
    text: str


class _Prepared(NamedTuple):
    """An op in float64: its arguments, the cotangents of its results, what its rule sends."""

    op: Op
    wanted: list[bool]
    arrays: list[Any]
    params: dict[str, Any]
    cotangents: list[Any]
    sent: list[Any]

    def forward(self, arrays: Sequence[Any]) -> list[Any]:
        result = self.op.forward(*arrays, **self.params)
        return list(result) if isinstance(result, tuple) else [result]

    def send(self, cotangents: list[Any], outputs: list[Any]) -> list[Any]:
        """What the rule gives for each argument, in the argument's shape; None where nothing is."""
        gradients = self.op.gradients(
            self.wanted, one_or_all(cotangents), one_or_all(outputs), self.arrays, self.params
        )
        return [
            fit(gradient, array) if want and gradient is not None else None
            for gradient, array, want in zip(gradients, self.arrays, self.wanted, strict=True)
        ]


def finite_differences(entry: Entry) -> Check | None:
    """The rule against (f(x + hv) - f(x - hv)) / 2h, for each argument along a random direction v.

    At a corner (of relu at 0, of the largest of equal numbers) the two sides have different slopes,
    and no rule can agree with both: results at a corner are left out.

    Returns:
        The worst argument's; None where there is nothing to check: no gradient, too many numbers,
        or corners only.
    """
    with backend("numpy"), np.errstate(all="ignore"):
        prepared = _in_float64(entry)
        if prepared is None:
            return None
        checks = [
            _of_argument(prepared, place)
            for place, gradient in enumerate(prepared.sent)
            if gradient is not None
        ]
    found = [check for check in checks if check is not None]
    return max(found, key=lambda check: check.error, default=None)


def _of_argument(prepared: _Prepared, place: int) -> Check | None:
    """The best that one of the ways to take a finite difference says of one argument's gradient."""
    found: list[Check] = []
    for h, least in STEPS:
        check = _along_a_line(prepared, place, h, least)
        if check is not None:
            found.append(check)
            if check.ok:
                break
    return min(found, key=lambda check: check.error, default=None)


def _along_a_line(prepared: _Prepared, place: int, h: float, least: float) -> Check | None:
    array = prepared.arrays[place]
    generator = np.random.default_rng(place)
    direction = generator.standard_normal(np.shape(array)) * np.maximum(np.abs(array), least)
    if not np.any(direction):
        return None

    def at(distance: float) -> list[Any]:
        moved = list(prepared.arrays)
        moved[place] = np.asarray(array + distance * direction)
        return prepared.forward(moved)

    try:
        middle, ahead, behind, near = at(0.0), at(h), at(-h), at(h / 2)
    except (ValueError, ArithmeticError):  # outside of where the function is defined
        return None
    smooth = [_is_smooth(*values) for values in zip(behind, middle, near, ahead, strict=True)]
    seeds = [np.where(s, g, 0) for s, g in zip(smooth, prepared.cotangents, strict=True)]
    if not any(np.any(seed) for seed in seeds):
        return None
    numeric = noise = 0.0
    for seed, after, before in zip(seeds, ahead, behind, strict=True):
        taken = seed != 0
        numeric += float(np.sum(seed[taken] * (after - before)[taken])) / (2 * h)
        largest = np.maximum(np.abs(after), np.abs(before))[taken]
        noise += ROUNDING * float(np.sum(np.abs(seed[taken]) * largest)) / h
    part = prepared.send(seeds, middle)[place] * direction
    analytic, size = float(np.sum(part)), max(abs(numeric), float(np.sum(np.abs(part))))
    if not np.isfinite([numeric, analytic, noise]).all() or 0 < size < noise:
        return None
    return _compared("finite differences", abs(numeric - analytic), size, noise)


def _is_smooth(behind: Any, middle: Any, near: Any, ahead: Any) -> Any:
    """Where a function has one slope: at both sides of a place, and along the way."""
    step, half, back = ahead - middle, near - middle, middle - behind
    scale = np.abs(step) + np.abs(back) + np.abs(half)
    rounding = 4 * ROUNDING * (np.abs(ahead) + np.abs(behind))
    same = np.abs(step - back) <= NOT_SMOOTH * scale + rounding
    steady = np.abs(step - 2 * half) <= NOT_SMOOTH * scale + rounding
    return same & steady & np.isfinite(step + back + half)


def pytorch(entry: Entry) -> Check | None:
    """The rule against PyTorch's for the same function.

    Returns:
        None where PyTorch is not installed or has no such function, or there is nothing to check.
    """
    counterpart = op_of(entry).op.torch
    torch = None if counterpart is None else load_torch()
    if torch is None or counterpart is None:
        return None
    with backend("numpy"), np.errstate(all="ignore"):
        prepared = _in_float64(entry)
    if prepared is None:
        return None
    theirs = _torch_gradients(torch, counterpart, prepared)
    if theirs is None:
        return None
    ours = [gradient for gradient in prepared.sent if gradient is not None]
    difference = largest = 0.0
    for own, other in zip(ours, theirs, strict=True):
        difference = max(difference, float(np.abs(own - other).max(initial=0.0)))
        largest = max(largest, float(np.abs(own).max(initial=0.0)))
        largest = max(largest, float(np.abs(other).max(initial=0.0)))
    return _compared("PyTorch", difference, largest) if np.isfinite(largest) else None


def load_torch() -> Any:
    """PyTorch, imported now; None where it is not installed."""
    return import_module("torch") if find_spec("torch") is not None else None


def _torch_gradients(
    torch: Any, counterpart: str | Callable[..., Any], prepared: _Prepared
) -> list[Any] | None:
    """PyTorch's gradients of the same arguments; None where its function does not take them."""
    tensors = [_to_torch(torch, array) for array in prepared.arrays]
    wanted = [t for t, g in zip(tensors, prepared.sent, strict=True) if g is not None]
    for tensor in wanted:
        tensor.requires_grad_(True)
    function = _torch_function(torch, counterpart)
    defaults = prepared.op.defaults
    given = {
        name: _to_torch(torch, value)
        for name, value in prepared.params.items()
        if name not in HINTS and not (name in defaults and value is defaults[name])
    }
    try:
        result = function(*tensors, **given)
        results = list(result) if isinstance(result, (tuple, list)) else [result]
        pairs = [
            (one, _to_torch(torch, g).reshape(one.shape))
            for one, g in zip(results, prepared.cotangents, strict=False)
            if one.requires_grad
        ]
        found = torch.autograd.grad(
            [one for one, _ in pairs], wanted, [g for _, g in pairs], allow_unused=True
        )
    except (TypeError, RuntimeError, ValueError):  # it lacks an option, or this mixture of dtypes
        return None
    return [
        np.zeros(tuple(tensor.shape)) if gradient is None else gradient.numpy()
        for gradient, tensor in zip(found, wanted, strict=True)
    ]


def _in_float64(entry: Entry) -> _Prepared | None:
    """An op as it ran, in float64; None if there is nothing that its rule could be right about."""
    node = op_of(entry)
    if not any(np.any(g) for g in entry.gradients if g is not None) or not any(node.wanted):
        return None
    if sum(np.size(edge.source.outputs[edge.output]) for edge in entry.inputs) > MOST_NUMBERS:
        return None
    arrays = [_double(array) for array in arguments(entry)]
    params = {
        name: None if name in HINTS else _in_double_precision(name, value)
        for name, value in parameters(entry).items()
    }
    prepared = _Prepared(node.op, node.wanted, arrays, params, [], [])
    outputs = [np.asarray(output) for output in prepared.forward(arrays)]
    seeds = cotangents(entry, outputs)
    sent = prepared.send(seeds, outputs)
    if not _finite(seeds) or not _finite(sent):
        return None
    return prepared._replace(cotangents=seeds, sent=sent)


def _finite(arrays: Iterable[Any]) -> bool:
    return all(np.isfinite(array).all() for array in arrays if array is not None)


def _in_double_precision(name: str, value: Any) -> Any:
    """A parameter of an op that runs in float64: a dtype that it asks for is no narrower."""
    if name == "dtype" and np.dtype(value).kind == "f":
        return np.float64
    return _double(value)


def _double(value: Any) -> Any:
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    return np.asarray(value, np.float64) if kind == "f" else value


def _compared(whose: str, difference: float, size: float, noise: float = 0.0) -> Check:
    """Whether a difference is small beside the gradient, or no more than rounding."""
    ok = difference <= TOLERANCE * size + noise
    error = difference / size if size else difference
    verdict = "agree" if ok else "do NOT agree"
    return Check(ok, error, f"The rule and {whose} {verdict}: relative deviation {error:.1e}.")


def _to_torch(torch: Any, value: Any) -> Any:
    return (
        torch.from_numpy(np.array(value)) if isinstance(value, np.ndarray | np.generic) else value
    )


def _torch_function(torch: Any, name: str | Callable[..., Any]) -> Callable[..., Any]:
    """PyTorch's function of the same arguments, as the op's declaration names it."""
    if callable(name):
        return lambda *args, **params: name(torch, *args, **params)
    function: Any = torch
    for part in name.split("."):
        function = getattr(function, part)
    return function  # type: ignore[no-any-return] # a function of a module without types
