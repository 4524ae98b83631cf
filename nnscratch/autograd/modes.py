"""What the tape does right now: record, and watch for numbers that are not finite.

The mode is a context variable: each thread and each asynchronous task has its own.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnscratch.autograd.op import Op


class Mode(NamedTuple):
    """What happens to the ops of a program.

    Attributes:
        recording: whether they are recorded.
        anomaly: whether each result is checked for NaN and Inf.
        origins: whether the tape notes the layer and the line of the user's program.
        trace: called after each op on tensors with the op, its arguments, its parameters and its
            result; None outside `traced`.
    """

    recording: bool = True
    anomaly: bool = False
    origins: bool = True
    trace: Callable[[Op, tuple[Any, ...], dict[str, Any], Any], None] | None = None


CURRENT_MODE: ContextVar[Mode] = ContextVar("nnscratch_mode", default=Mode())  # noqa: B039 (immutable)
CURRENT_LAYER: ContextVar[str | None] = ContextVar("nnscratch_layer", default=None)


@contextmanager
def _mode(**changes: Any) -> Iterator[None]:
    token = CURRENT_MODE.set(CURRENT_MODE.get()._replace(**changes))
    try:
        yield
    finally:
        CURRENT_MODE.reset(token)


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording: results do not require gradients. Also a decorator."""
    with _mode(recording=False):
        yield


@contextmanager
def enable_grad() -> Iterator[None]:
    """Record again inside a `no_grad` block. Also a decorator."""
    with _mode(recording=True):
        yield


@contextmanager
def note_origins(noted: bool) -> Iterator[None]:
    """Have the tape note where each op was called, or save that microsecond an op."""
    with _mode(origins=noted):
        yield


@contextmanager
def traced(
    note: Callable[[Op, tuple[Any, ...], dict[str, Any], Any], None],
) -> Iterator[None]:
    """Have `note` called after each op on tensors, recorded or not: see `Mode.trace`."""
    with _mode(trace=note):
        yield


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise at the first NaN or Inf, forward or backward.

    Raises:
        FloatingPointError: names the op, the shapes, the layer and the line of the user's program.
    """
    with _mode(anomaly=True):
        yield
