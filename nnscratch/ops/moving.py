"""From one device to another: what `tensor.to(device)` records."""

from __future__ import annotations

from typing import Any

from nnscratch.autograd import call, op
from nnscratch.autograd.placement import plain
from nnscratch_kernels import devices


def _back(g: Any, y: Any, a: Any, device: str) -> Any:
    return to_device(g, devices.device_of(plain(a)))


@op(
    "to_device",
    formula=r"y = a \text{ on a device}",
    derivative=r"\bar a = \bar y \text{ on the device of } a",
    vjps=(_back,),
    samples=lambda s: [call(s.normal(2, 3), "cpu"), call(s.normal(), device="cpu")],
    torch=lambda torch, a, device: a.to(device),
)
def to_device(a: Any, device: str) -> Any:
    """The same numbers on a device; `tensor.to(device)` calls this.

    Args:
        a: array of any shape.
        device: its full name, "cpu" or "gpu:0".
    """
    return devices.to_device(a, device)
