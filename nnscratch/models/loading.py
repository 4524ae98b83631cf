"""Making a saved model again. The file may name nnscratch's own classes, and those it is given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.configuration import class_name, deserialize
from nnscratch.layers.layer import INITIAL_VALUES
from nnscratch.layers.symbolic import are_lengths
from nnscratch.models.functional import Functional
from nnscratch.models.model import Model
from nnscratch.models.saving import OPTIMIZER, STATE
from nnscratch.models.sequential import Sequential
from nnscratch.naming import reserve_name
from nnscratch.saving import strict_json, trees
from nnscratch.saving.layer_state import all_layers, set_layer_state
from nnscratch.saving.registry import known_objects
from nnscratch.saving.tensor_file import TensorFile
from nnscratch.saving.weights import check_weights, read_weights

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    Table = dict[str, Callable[..., Any]]


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Callable[..., Any]] | None = None,
    compile: bool = True,
) -> Any:
    """Make the model in a file that `Model.save` has written, with its weights and optimizer.

    Nothing in the file is run: it names classes and functions of nnscratch, or of `custom_objects`.

    Args:
        filepath: where the file is.
        custom_objects: your own layers, losses, metrics and functions, by their names.
        compile: whether to compile the model as it was, with the optimizer where it stood.

    Returns:
        Model: a `Sequential`, a `Functional`, or your subclass of one of them.

    Raises:
        ValueError: a file that is damaged, foreign, of weights alone, or that names something
            which is neither nnscratch's nor in `custom_objects`.
        OSError: no such file.
    """
    known = known_objects() | _MODELS | dict(custom_objects or {})
    with TensorFile(filepath) as file:
        if file.metadata.get("content") != "model":
            raise file.error("it holds no model; make the model and call model.load_weights(path)")
        model = _make(file, known)
        check_weights(model, file)
        read_weights(model, file)
        with file.blamed("it does not say how its layers stood"):
            set_layer_state(model, _layer_state(file))
        if compile and "compile" in file.metadata:
            with file.blamed("it does not say how its model was compiled"):
                _compile(model, file, known)
    for layer in all_layers(model):
        reserve_name(layer.name)
    return model


def _make(file: TensorFile, known: Table) -> Model:
    """The model, with weights that are still zero and take no more memory than the file has."""
    token = INITIAL_VALUES.set(_Zeros(file.data_size))
    try:
        with file.blamed("it does not describe a model that can be made"):
            model = deserialize(strict_json.parse(file.metadata["architecture"]), known)
    finally:
        INITIAL_VALUES.reset(token)
    if not isinstance(model, Model):
        raise file.error("its architecture is not that of a model")
    return model


def _layer_state(file: TensorFile) -> Any:
    return trees.join(file.metadata["layers"], lambda name: file.read(f"{STATE}{name}"))


def _compile(model: Model, file: TensorFile, known: Table) -> None:
    """Compile the model as it was, and put the optimizer where it stood."""
    config = strict_json.parse(file.metadata["compile"])
    model.compile(**{name: deserialize(value, known) for name, value in config.items()})
    if model.optimizer is not None:  # the type checker does not see what compile did
        model.optimizer.set_state(model.weights, _Arrays(file, OPTIMIZER))


class _Zeros:
    """Makes new weights of zeros, up to as many bytes as a file holds."""

    def __init__(self, size: int) -> None:
        self.left = size

    def __call__(self, shape: tuple[int, ...], dtype: Any) -> Any:
        dtype = np.dtype(dtype)
        possible = dtype.kind in "biuf" and None not in shape and are_lengths(shape)
        self.left -= math.prod(shape) * dtype.itemsize if possible else 0
        if not possible or self.left < 0:
            raise ValueError(
                f"its architecture has a weight of shape {shape!s:.80} and dtype {dtype!s:.80}, "
                f"which is more than the arrays that it holds"
            )
        return np.zeros(shape, dtype)


class _Arrays(Mapping[str, Any]):
    """The arrays of a file whose names start with a prefix, each read when it is asked for."""

    def __init__(self, file: TensorFile, prefix: str) -> None:
        self.file = file
        self.prefix = prefix
        self.names = file.named(prefix)

    def __getitem__(self, name: str) -> Any:
        if name not in self.names:
            raise KeyError(name)
        return self.file.read(f"{self.prefix}{name}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


_MODELS: Table = {class_name(model): model for model in (Functional, Sequential)}
