"""LambdaCallback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.callbacks.callback import Callback

if TYPE_CHECKING:
    from collections.abc import Callable


class LambdaCallback(Callback):
    """A callback made of functions, as `keras.callbacks.LambdaCallback`.

        LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))

    A function is called with what the method of its name would get.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **functions: Callable[..., Any],
    ) -> None:
        """Give functions for the methods of `Callback`, with their arguments.

        Args:
            on_epoch_begin: a function of `(epoch, logs)`.
            on_epoch_end: a function of `(epoch, logs)`.
            on_train_begin: a function of `(logs)`.
            on_train_end: a function of `(logs)`.
            on_train_batch_begin: a function of `(batch, logs)`.
            on_train_batch_end: a function of `(batch, logs)`.
            functions: likewise for the other methods, such as `on_test_begin`.

        Raises:
            TypeError: a method that callbacks do not have.
        """
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **functions,
        }
        for name, function in given.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise TypeError(f"LambdaCallback has no {name!r}: callbacks have no such method.")
            if function is not None:
                setattr(self, name, function)
