"""Model: a layer that can be trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.autograd import enable_grad
from nnscratch.autograd.modes import note_origins
from nnscratch.configuration import serialize
from nnscratch.layers import Layer
from nnscratch.layers.layer import COLLECTED_LOSSES
from nnscratch.models.saving import refuse_to_overwrite, save_model
from nnscratch.models.summary import print_summary
from nnscratch.saving import weights as weight_files
from nnscratch.training import Trainer

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    from nnscratch.explainer import Explanation


class Model(Trainer):
    """A layer that can be compiled, trained and evaluated.

    Three ways to make one, as in Keras: `Sequential([...])`; `Model(inputs, outputs)` from layers
    called on `Input(shape)`; or a subclass that sets layers in `__init__` and computes in `call`.

    Attributes:
        has_architecture: whether a file can hold how it computes, which needs no code of its own.
    """

    has_architecture = False

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

    # --- seeing it ----------------------------------------------------------------------------

    def explain(
        self,
        x: Any,
        y: Any,
        path: str | Path = "backprop.html",
        title: str | None = None,
    ) -> Explanation:
        """Write a page that shows the backward pass of the loss on these samples.

        The model computes as in `evaluate`, without dropout, and stays as it is. `ns.record` shows
        the steps of a training.

        Args:
            x: inputs, as in `train_on_batch`; a few samples show more than many.
            y: targets.
            path: the file to write; what was there is replaced.
            title: what the page is called, by default after the model.

        Returns:
            Where the page is; in a notebook it shows itself.

        Raises:
            RuntimeError: not compiled, or nothing in it can have a gradient.
            ValueError: inputs or targets that do not fit.
            OSError: the file cannot be written.
        """
        from nnscratch.explainer import explain_batch  # which is not needed to train

        self._compiled_optimizer()
        batch = self._at_home(self._one_batch(x, y, None, None))
        token = COLLECTED_LOSSES.set([])
        try:
            with enable_grad(), note_origins(True):
                y_pred = self._recorded(batch.x, training=False)
                loss = self.compute_loss(batch.x, batch.y, y_pred)
        finally:
            COLLECTED_LOSSES.reset(token)
        return explain_batch(self, batch, loss, path, title)

    # --- files --------------------------------------------------------------------------------

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the model into one safetensors file that `ns.load_model` makes it from again.

        The file holds the architecture, the weights, which of them are frozen, what `compile` was
        told and the optimizer's state. It appears whole or not at all.

        Args:
            filepath: where to, such as "model.safetensors".
            overwrite: whether a file that is there may be replaced.

        Raises:
            TypeError: a model of your own class: use `save_weights`.
            ValueError: its weights do not exist yet.
            FileExistsError: it is there already, and `overwrite` is False.
        """
        refuse_to_overwrite(filepath, overwrite)
        save_model(self, filepath)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the weights alone into a safetensors file, whole or not at all.

        Raises:
            ValueError: they do not exist yet.
            FileExistsError: the file is there already, and `overwrite` is False.
        """
        refuse_to_overwrite(filepath, overwrite)
        weight_files.save_weights(self, filepath)

    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Overwrite the weights with those in a file of `save_weights` or `save`, in order.

        Raises:
            ValueError: a damaged file, or weights of another architecture: the message names the
                layer and both shapes, and the model is as it was.
            OSError: no such file.
        """
        weight_files.load_weights(self, filepath)

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile` was told, as JSON can hold it; None before."""
        if self.optimizer is None:
            return None
        loss = self._compiled_loss
        return {
            "optimizer": serialize(self.optimizer),
            "loss": None if loss is None else serialize(loss.specification),
            "loss_weights": None if loss is None else serialize(loss.weights),
            "metrics": serialize(self._metrics.specification),
            "weighted_metrics": serialize(self._weighted_metrics.specification),
        }
