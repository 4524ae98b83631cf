"""Model: a layer that can be trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.layers import Layer
from nnscratch.models.summary import print_summary
from nnscratch.training import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self


class Model(Trainer):
    """A layer that can be compiled, trained and evaluated.

    Three ways to make one, as in Keras: `Sequential([...])`; `Model(inputs, outputs)` from layers
    called on `Input(shape)`; or a subclass that sets layers in `__init__` and computes in `call`.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """`Model(inputs, outputs)` is a `Functional`."""
        if cls is Model and (args or {"inputs", "outputs"} & kwargs.keys()):
            from nnscratch.models.functional import Functional  # a Functional is a Model

            made: Any = super().__new__(Functional, *args, **kwargs)
            return made  # type: ignore[no-any-return] # Python then calls Functional.__init__
        return super().__new__(cls, *args, **kwargs)

    @property
    def layers(self) -> list[Layer]:
        """The layers that it consists of."""
        return self.sublayers

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Print the layers, their output shapes and parameters as a table.

        Args:
            print_fn: where the text goes, by default to standard output.
        """
        print_summary(self, print_fn)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or its place.

        Raises:
            ValueError: there is none; the message lists the names.
        """
        names = [layer.name for layer in self.layers]
        if index is not None and -len(names) <= index < len(names):
            return self.layers[index]
        if name in names:
            return self.layers[names.index(name)]
        wanted = repr(name) if index is None else f"number {index}"
        raise ValueError(
            f"Model {self.name!r} has no layer {wanted}: it has {', '.join(names) or 'none yet'}."
        )
