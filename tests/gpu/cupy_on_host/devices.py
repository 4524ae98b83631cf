"""`cupy.cuda`: one device, whose work is done when a call returns."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any


class CUDARuntimeError(RuntimeError):
    """An error of the CUDA runtime."""


class Device:
    """The device, which is there once."""

    def __init__(self, device: Any = None) -> None:
        self.id = 0 if device is None else int(device)

    def __int__(self) -> int:
        return self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self) -> int:
        return self.id

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"

    def __enter__(self) -> Device:
        self.use()
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def use(self) -> None:
        """Make this the current device."""
        if self.id != 0:
            raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")

    def synchronize(self) -> None:
        """Wait for the device."""

    @property
    def compute_capability(self) -> str:
        return "80"

    @property
    def mem_info(self) -> tuple[int, int]:
        return (1 << 34, 1 << 34)

    @property
    def attributes(self) -> dict[str, int]:
        return {"MultiProcessorCount": 2, "WarpSize": 32, "MaxThreadsPerBlock": 1024}


class Stream:
    """A queue of work, always empty."""

    null: Stream
    ptr = 0

    def __init__(self, null: bool = False, non_blocking: bool = False, ptds: bool = False) -> None:
        pass

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def use(self) -> Stream:
        return self

    def synchronize(self) -> None:
        """Wait for the work of the stream."""

    def record(self, event: Any = None) -> Any:
        """An event of now."""
        event = event or Event()
        event.record(self)
        return event


Stream.null = Stream()


class Event:
    """A moment."""

    def __init__(
        self, block: bool = False, disable_timing: bool = False, interprocess: bool = False
    ) -> None:
        self._time = 0.0
        self.done = True

    def record(self, stream: Any = None) -> None:
        """Note the time."""
        self._time = time.perf_counter()

    def synchronize(self) -> None:
        """Wait for the event."""


def get_elapsed_time(start_event: Event, end_event: Event) -> float:
    """Milliseconds between two events."""
    return 1e3 * (end_event._time - start_event._time)


def get_current_stream(device_id: int = -1) -> Stream:
    """The stream that work goes to."""
    return Stream.null


def is_available() -> bool:
    """Whether there is a device."""
    return True


class MemoryPool:
    """What would keep the device's memory."""

    def used_bytes(self) -> int:
        return 0

    def total_bytes(self) -> int:
        return 0

    def free_all_blocks(self) -> None:
        """Give memory back."""


def _device_properties(device: int) -> dict[str, Any]:
    return {
        "name": b"no GPU: CuPy's stand-in on the host",
        "multiProcessorCount": 2,
        "totalGlobalMem": 1 << 34,
        "warpSize": 32,
        "major": 8,
        "minor": 0,
    }


runtime = SimpleNamespace(
    CUDARuntimeError=CUDARuntimeError,
    getDeviceCount=lambda: 1,
    getDevice=lambda: 0,
    setDevice=lambda device: Device(device).use(),
    getDeviceProperties=_device_properties,
    deviceSynchronize=lambda: None,
    runtimeGetVersion=lambda: 13000,
    driverGetVersion=lambda: 13000,
)
