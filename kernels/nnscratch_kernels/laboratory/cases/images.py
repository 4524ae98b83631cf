"""Cases of convolution and pooling: 3×3 kernels on images of up to 32×32 with 64 channels.

PyTorch gets its images in its own order of axes, (batch, channels, height, width).
"""

from __future__ import annotations

from typing import Any

from nnscratch_kernels import numpy_kernels
from nnscratch_kernels.laboratory.cases.declaring import Draw, Prepared, Recipe

SAME = {"padding": "same"}


def _convolution(draw: Draw) -> tuple[Any, ...]:
    images = draw.images()
    channels = images[-1]
    return draw.normal(*images), draw.normal(3, 3, channels, channels, scale=0.1)


def _gradient_x(draw: Draw) -> tuple[Any, ...]:
    x, kernel = _convolution(draw)
    return draw.normal(*x.shape), kernel, x.shape


def _gradient_kernel(draw: Draw) -> tuple[Any, ...]:
    x, _ = _convolution(draw)
    return draw.normal(*x.shape), x, (3, 3)


def _operations(x: Any, channels: int) -> float:
    return float(2 * 9 * x.size * channels)


def _planes(images: Any) -> Any:
    """Images in PyTorch's order."""
    return images.permute(0, 3, 1, 2).contiguous()


def _taps(kernel: Any) -> Any:
    """A kernel in PyTorch's order."""
    return kernel.permute(3, 2, 0, 1).contiguous()


def _torch_conv2d(torch: Any, x: Any, kernel: Any) -> Any:
    x, kernel = _planes(x), _taps(kernel)
    return lambda: torch.nn.functional.conv2d(x, kernel, padding=1).permute(0, 2, 3, 1)


def _torch_backward(torch: Any, g: Any, x: Any, kernel: Any, wanted: list[bool]) -> Any:
    return torch.ops.aten.convolution_backward(
        g, x, kernel, None, (1, 1), (1, 1), (1, 1), False, (0, 0), 1, wanted
    )


def _torch_gradient_x(torch: Any, g: Any, kernel: Any, shape: Any) -> Any:
    g, kernel, x = _planes(g), _taps(kernel), torch.zeros_like(_planes(g))
    wanted = [True, False, False]
    return lambda: _torch_backward(torch, g, x, kernel, wanted)[0].permute(0, 2, 3, 1)


def _torch_gradient_kernel(torch: Any, g: Any, x: Any, size: Any) -> Any:
    g, x = _planes(g), _planes(x)
    kernel = x.new_zeros(g.shape[1], x.shape[1], *size)
    wanted = [False, True, False]
    return lambda: _torch_backward(torch, g, x, kernel, wanted)[1].permute(2, 3, 1, 0)


def _torch_pool(name: str) -> Any:
    def make(torch: Any, x: Any, *_: Any) -> Any:
        x = _planes(x)
        pool = getattr(torch.nn.functional, name)
        return lambda: pool(x, 2).permute(0, 2, 3, 1)

    return Prepared(make)


def _pooled(draw: Draw) -> tuple[int, int, int, int]:
    """The shape of images with at least 2×2 elements."""
    batch, height, width, channels = draw.images()
    return batch, max(2, height), max(2, width), channels


def _max_pool_gradient(draw: Draw) -> tuple[Any, ...]:
    x = draw.normal(*_pooled(draw))
    return draw.normal(*numpy_kernels.max_pool2d(x).shape), x


def _average_pool_gradient(draw: Draw) -> tuple[Any, ...]:
    shape = _pooled(draw)
    return draw.normal(shape[0], shape[1] // 2, shape[2] // 2, shape[3]), shape


def _torch_max_pool_gradient(torch: Any, g: Any, x: Any) -> Any:
    """The kernel of its autograd, to which the forward pass has left the places."""
    g, x = _planes(g), _planes(x)
    _, places = torch.nn.functional.max_pool2d(x, 2, return_indices=True)
    backward = torch.ops.aten.max_pool2d_with_indices_backward
    shape = ((2, 2), (2, 2), (0, 0), (1, 1), False)
    return lambda: backward(g, x, *shape, places).permute(0, 2, 3, 1)


def _torch_average_pool_gradient(torch: Any, g: Any, shape: Any) -> Any:
    g = _planes(g)
    x = g.new_zeros(shape[0], shape[3], shape[1], shape[2])
    backward = torch.ops.aten.avg_pool2d_backward
    window = ((2, 2), (2, 2), (0, 0), False, True, None)
    return lambda: backward(g, x, *window).permute(0, 2, 3, 1)


def _ninth(draw: Draw) -> Any:
    """Images with a ninth of the elements, so that their windows have as many as are wanted."""
    return draw.normal(*Draw(max(1, draw.count // 9), draw.dtype).images())


def _columns(draw: Draw) -> tuple[Any, ...]:
    x = _ninth(draw)
    return numpy_kernels.im2col(x, (3, 3), padding="same"), x.shape, (3, 3)


RECIPES = {
    "conv2d": Recipe(
        "conv2d",
        _convolution,
        lambda x, kernel: _operations(x, kernel.shape[-1]),
        SAME,
        torch=Prepared(_torch_conv2d),
        jax=lambda jax, x, kernel: jax.lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        ),
    ),
    "conv2d_gradient_x": Recipe(
        "conv2d_gradient_x",
        _gradient_x,
        lambda g, kernel, shape: _operations(g, shape[-1]),
        SAME,
        torch=Prepared(_torch_gradient_x),
    ),
    "conv2d_gradient_kernel": Recipe(
        "conv2d_gradient_kernel",
        _gradient_kernel,
        lambda g, x, size: _operations(x, g.shape[-1]),
        SAME,
        torch=Prepared(_torch_gradient_kernel),
    ),
    "im2col": Recipe(
        "im2col",
        lambda draw: (_ninth(draw), (3, 3)),
        lambda x, size: 0,
        SAME,
    ),
    "col2im": Recipe("col2im", _columns, lambda columns, *_: columns.size, SAME),
    "max_pool2d": Recipe(
        "max_pool2d",
        lambda draw: (draw.normal(*_pooled(draw)),),
        lambda x: x.size,
        torch=_torch_pool("max_pool2d"),
    ),
    "max_pool2d_gradient": Recipe(
        "max_pool2d_gradient",
        _max_pool_gradient,
        lambda g, x: x.size,
        torch=Prepared(_torch_max_pool_gradient),
    ),
    "average_pool2d": Recipe(
        "average_pool2d",
        lambda draw: (draw.normal(*_pooled(draw)),),
        lambda x: x.size,
        torch=_torch_pool("avg_pool2d"),
    ),
    "average_pool2d_gradient": Recipe(
        "average_pool2d_gradient",
        _average_pool_gradient,
        lambda g, shape: g.size,
        torch=Prepared(_torch_average_pool_gradient),
    ),
}
