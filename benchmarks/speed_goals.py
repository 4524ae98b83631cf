"""What the kernels are to reach beside PyTorch, row by row, with both written for the same work.

Ours are what dispatch chooses, as a program gets them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import mlp
import numpy as np
import torch
from torch.nn import functional

from nnscratch_kernels import aligned, auto
from nnscratch_kernels.laboratory import contestants
from nnscratch_kernels.laboratory.bench import calls_a_turn
from nnscratch_kernels.laboratory.cases import Case, make_case, recipes
from nnscratch_kernels.laboratory.paired import repeated

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscratch_kernels.laboratory.paired import Contestant

    Work = Callable[[], Any]

OURS = "nnscratch"
_generator = np.random.default_rng(0)


class Row(NamedTuple):
    """A line of the table.

    Attributes:
        text: what is done.
        at_most: what our time / PyTorch's should be at most.
        contestants: makes them for so many threads, ours first.
    """

    text: str
    at_most: float
    contestants: Callable[[int], dict[str, Contestant]]


def _normal(*shape: int) -> Any:
    drawn = aligned.empty(shape, np.dtype(np.float32))
    return _generator.standard_normal(dtype=np.float32, out=drawn)


def _row(text: str, at_most: float, make: Callable[[], dict[str, Work]]) -> Row:
    """A row of functions without arguments; short ones are called several times in a turn."""

    def contestants_of(threads: int) -> dict[str, Contestant]:
        return {name: repeated(work, calls_a_turn(work)[0]) for name, work in make().items()}

    return Row(text, at_most, contestants_of)


def _case(text: str, at_most: float, name: str, *arguments: Any, count: int = 0) -> Row:
    """A row of one kernel, on given arguments or on so many elements."""

    def make() -> dict[str, Work]:
        case = Case(name, recipes()[name], arguments) if arguments else make_case(name, count)
        theirs = contestants.peer(case, "torch")
        if theirs is None:
            raise ValueError(f"PyTorch has nothing to compare {name} with.")
        return {OURS: case.call(getattr(auto, case.recipe.kernel)), "PyTorch": theirs}

    return _row(text, at_most, make)


def _dense(rows: int, inputs: int, units: int, activation: str) -> Row:
    """A dense layer, forward and backward; PyTorch's kernels without its autograd."""
    forward = "dense" if activation == "relu" else "dense_with_preactivation"

    def make() -> dict[str, Work]:
        x, kernel, bias = _normal(rows, inputs), _normal(inputs, units) / 30, _normal(units)
        y = getattr(auto, forward)(x, kernel, bias, activation)
        saved = y if activation == "relu" else y[1]
        gradient = (True, True, True), _normal(rows, units), saved, x, kernel
        cases = [
            Case("", recipes()[f"{forward} ({activation})"], (x, kernel, bias)),
            Case("", recipes()[f"dense_gradient ({activation})"], gradient),
        ]
        ours = [case.call(getattr(auto, case.recipe.kernel)) for case in cases]
        theirs = [contestants.peer(case, "torch") for case in cases]
        return {OURS: _together(*ours), "PyTorch": _together(*filter(None, theirs))}

    text = f"dense + bias + {activation}, {rows}×{inputs}→{units}, forward and backward"
    return _row(text, 1.0, make)


def _dropout() -> dict[str, Work]:
    count, rate = 1 << 22, 0.1
    x, g = _normal(count), _normal(count)
    x_torch, g_torch = torch.from_numpy(x).clone(), torch.from_numpy(g).clone()

    def ours() -> None:
        auto.seeded_dropout(x, rate, 7)
        auto.seeded_dropout(g, rate, 7)

    def theirs() -> None:
        _, kept = torch.native_dropout(x_torch, rate, True)
        torch.ops.aten.native_dropout_backward(g_torch, kept, 1 / (1 - rate))

    return {OURS: ours, "PyTorch": theirs}


def _convolution() -> dict[str, Work]:
    x, kernel = _normal(32, 32, 32, 64), _normal(3, 3, 64, 64) / 24
    g = _normal(32, 32, 32, 64)

    def ours() -> None:
        auto.conv2d(x, kernel, padding="same")
        auto.conv2d_gradient_x(g, kernel, x.shape, padding="same")
        auto.conv2d_gradient_kernel(g, x, (3, 3), padding="same")

    planes = [torch.from_numpy(array).permute(0, 3, 1, 2) for array in (x, g)]
    taps = torch.from_numpy(kernel).permute(3, 2, 0, 1).contiguous()

    def theirs(layout: Any) -> Work:
        x_torch, g_torch = (array.contiguous(memory_format=layout) for array in planes)
        kernel_torch = taps.contiguous(memory_format=layout)

        def work() -> None:
            functional.conv2d(x_torch, kernel_torch, padding=1)
            geometry = (1, 1), (1, 1), (1, 1), False, (0, 0), 1, [True, True, False]
            torch.ops.aten.convolution_backward(g_torch, x_torch, kernel_torch, None, *geometry)

        return work

    return {
        OURS: ours,
        "PyTorch": theirs(torch.contiguous_format),
        "PyTorch, channels last": theirs(torch.channels_last),
    }


def _mlp(threads: int) -> dict[str, Contestant]:
    fits = {OURS: mlp.Nnscratch(threads).fit}
    fits["PyTorch"] = mlp.Torch(threads).fit
    fits["PyTorch, Adam fused"] = mlp.Torch(threads, fused=True).fit
    return {name: _per_step(fit) for name, fit in fits.items()}


def _per_step(fit: Work) -> Contestant:
    contestant = repeated(fit, 1)
    return lambda: contestant() / mlp.STEPS


def _together(*work: Work) -> Work:
    def run() -> None:
        for each in work:
            each()

    return run


def _labels() -> tuple[Any, Any]:
    return _generator.integers(50257, size=256), _normal(256, 50257)


def _scatter() -> tuple[Any, ...]:
    return _normal(2048, 384), _generator.integers(30522, size=2048), 30522


def rows() -> list[Row]:
    """All rows; what they work on is made now."""
    million = 1_000_000
    tokens, weights = _normal(512, 768), (_normal(768), _normal(768))
    return [
        _case("Adam step, 10M parameters", 0.7, "adam_step", count=10 * million),
        _case("GELU (tanh), 1M", 0.7, "gelu (tanh)", count=million),
        _case("GELU (tanh), 512×3072", 0.7, "gelu (tanh)", _normal(512, 3072)),
        _case(
            "softmax-cross-entropy forward and backward, 256×50257",
            0.3,
            "mean_sparse_softmax_crossentropy_with_gradient",
            *_labels(),
        ),
        _case("layer norm forward, 512×768", 0.8, "layer_normalization", tokens, *weights),
        _case(
            "layer norm backward, 512×768",
            0.8,
            "layer_normalization_gradient",
            _normal(512, 768),
            tokens,
            *weights,
        ),
        *(_case(f"{name}, 1M", 1.1, name, count=million) for name in FUNCTIONS),
        *(_dense(128, 784, 512, activation) for activation in ("relu", "gelu")),
        *(_dense(512, 768, 3072, activation) for activation in ("relu", "gelu")),
        _row("dropout forward and backward, 4M", 0.3, _dropout),
        _case(
            "embedding scatter-add, 2048×384 into 30522×384",
            0.5,
            "embedding_scatter_add",
            *_scatter(),
        ),
        Row("MLP 784-512-512-10, batch 128, Adam, whole step", 0.9, _mlp),
        _row("conv2d 3×3, 64→64, 32×32, batch 32, forward and backward", 1.3, _convolution),
    ]


FUNCTIONS = ("exp", "tanh", "sigmoid", "erf")
