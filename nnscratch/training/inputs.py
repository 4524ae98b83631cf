"""From what a user hands to `fit`, `evaluate` and `predict` to data that fits the model."""

from __future__ import annotations

from typing import Any

from nnscratch.autograd import no_grad
from nnscratch.autograd.trees import leaves, rebuild
from nnscratch.training.arguments import check_class_weight
from nnscratch.training.arrays import pair
from nnscratch.training.batches import ArrayData, Batch, Form, StreamData, brought, is_stream
from nnscratch.training.steps import Steps

Data = ArrayData | StreamData


class Inputs(Steps):
    """A model that knows how its data must look.

    Attributes:
        takes_several: whether a list of arrays means one for each input, not the rows of one.
        gives_several: the same for outputs and their targets.
        takes_names: whether a dictionary of arrays can name the inputs.
    """

    takes_several = True
    gives_several = True
    takes_names = True

    def _data(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int | None,
        class_weight: dict[int, float] | None,
        steps: int | None,
        part: str = "",
    ) -> Data:
        if class_weight is not None:
            check_class_weight(class_weight)
        if not is_stream(x):
            return ArrayData(
                self._given(x),
                y,
                sample_weight,
                form=self._form(),
                batch_size=batch_size,
                class_weight=class_weight,
                part=part,
            )
        if y is not None or sample_weight is not None:
            raise ValueError(
                f"{part}x gives batches itself, so y and sample_weight must come with them: yield "
                f"(x, y) or (x, y, sample_weight)."
            )
        if batch_size is not None:
            raise ValueError(
                f"{part}x gives batches itself, so {part.replace(' ', '_')}batch_size="
                f"{batch_size!r} cannot change how many samples they hold: leave it away, and "
                f"yield batches of that size."
            )
        return StreamData(x, form=self._form(), steps=steps, class_weight=class_weight, part=part)

    def _given(self, x: Any) -> Any:
        """Inputs, if there are some and they are not named where the model has no names."""
        if x is None:
            raise ValueError(f"Model {self.name!r} needs data: pass x.")
        if isinstance(x, dict) and not self.takes_names:
            raise ValueError(
                f"Model {self.name!r} takes one array, got a dictionary of "
                f"{', '.join(map(repr, x)) or 'nothing'}: give one of its arrays."
            )
        return x

    def _form(self) -> Form:
        return Form(self.dtype, self.takes_several, self.gives_several)

    def _validation(
        self, data: Data, held_out: Any, batch_size: int | None, steps: int | None
    ) -> Data:
        if is_stream(held_out):
            return self._data(held_out, None, None, batch_size, None, steps, "validation ")
        if isinstance(data, ArrayData):
            return data.validation(held_out, batch_size)
        x, y, sample_weight = (*pair(held_out), None)[:3]
        return self._data(x, y, sample_weight, batch_size, None, steps, "validation ")

    def _rehearse(self, data: Data | None, part: str = "") -> None:
        """Refuse inputs and targets that do not fit the model, before anything changes.

        One sample goes through the model, and the loss looks at all targets. What comes as a
        stream, stands in a file, or goes through a step of your own is seen batch by batch.
        """
        own = type(self)
        if (
            not isinstance(data, ArrayData)
            or data.y is None
            or self._compiled_loss is None
            or own.train_step is not Steps.train_step
            or own.compute_loss is not Steps.compute_loss
        ):
            return
        x = brought(Batch(data.sample().x), self.device).x
        with no_grad():
            try:
                y_pred = self(rebuild(x, (array[:1] for array in leaves(x))), training=False)
            except ValueError:  # a whole batch, so that the message has the shape that came
                y_pred = self(x, training=False)
        self._compiled_loss.check_targets(f"{part}y", data.y, y_pred)

    def _one_batch(
        self, x: Any, y: Any, sample_weight: Any, class_weight: dict[int, float] | None
    ) -> Batch:
        if class_weight is not None:
            check_class_weight(class_weight)
        form = self._form()
        data = ArrayData(self._given(x), y, sample_weight, form=form, class_weight=class_weight)
        return Batch(data.x, data.y, data.sample_weight)
