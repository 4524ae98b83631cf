"""Writing a whole model: architecture, weights, what `compile` was told, the optimizer's state."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from nnscratch.configuration import serialize
from nnscratch.saving import strict_json, trees
from nnscratch.saving.layer_state import get_layer_state
from nnscratch.saving.tensor_file import write
from nnscratch.saving.weights import weight_arrays

if TYPE_CHECKING:
    from nnscratch.layers import Layer
    from nnscratch.models.model import Model

OPTIMIZER = "optimizer/"
STATE = "layers/"


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model into one file, whole or not at all.

    Raises:
        TypeError: a model of the user's own class, or an argument that no file can hold.
        ValueError: its weights do not exist yet, or a layer stands in two models within it.
    """
    if not model.has_architecture:
        raise TypeError(
            f"Model {model.name!r} computes in the code of {type(model).__name__}, which no file "
            f"can hold: use save_weights, and load_weights into a {type(model).__name__}."
        )
    _check_each_once(model, {})
    arrays = weight_arrays(model)
    state, state_arrays = trees.split(get_layer_state(model))
    metadata = {
        "content": "model",
        "architecture": strict_json.render(serialize(model)),
        "layers": state,
    }
    arrays |= {f"{STATE}{name}": array for name, array in state_arrays.items()}
    if model.optimizer is not None:
        metadata["compile"] = strict_json.render(model.get_compile_config())
        optimizer_state = model.optimizer.get_state(model.weights)
        arrays |= {f"{OPTIMIZER}{name}": array for name, array in optimizer_state.items()}
    write(path, arrays, metadata)


def refuse_to_overwrite(path: str | os.PathLike[str], overwrite: bool) -> None:
    """Raise if there is a file that must stay.

    Raises:
        FileExistsError: it is there, and `overwrite` is False.
    """
    if not overwrite and os.path.exists(path):
        raise FileExistsError(
            f"{os.fspath(path)} is there already: give another name, or overwrite=True."
        )


def _check_each_once(model: Model, owners: dict[Layer, Model]) -> None:
    """Refuse a layer that several models within the model share: the file would have it twice."""
    for layer in model.layers:
        if layer in owners:
            raise ValueError(
                f"Layer {layer.name!r} stands in model {owners[layer].name!r} and in "
                f"{model.name!r}, and a file would make two of it: use save_weights."
            )
        owners[layer] = model
        if getattr(layer, "has_architecture", False):
            inner: Any = layer
            _check_each_once(inner, owners)
