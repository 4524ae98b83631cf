"""The weights of a model in a file: their names, and the checks before they are overwritten."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from nnscratch.saving.tensor_file import TensorFile, write
from nnscratch_kernels.devices import is_on_gpu

if TYPE_CHECKING:
    import os

    from nnscratch.autograd import Parameter
    from nnscratch.layers import Layer
    from nnscratch.saving.tensor_file import Entry

PREFIX = "weights/"


def save_weights(model: Layer, path: str | os.PathLike[str]) -> None:
    """Write the weights of a layer or model, and nothing else.

    Raises:
        ValueError: there are none yet.
    """
    write(path, weight_arrays(model), {"content": "weights"})


def load_weights(model: Layer, path: str | os.PathLike[str]) -> None:
    """Overwrite the weights of a layer or model with those in a file, in order.

    Raises:
        ValueError: a damaged file, or weights of another architecture; the model is unchanged.
    """
    check_has_weights(model, "load_weights")
    with TensorFile(path) as file:
        check_weights(model, file)
        read_weights(model, file)


def weight_arrays(model: Layer) -> dict[str, Any]:
    """The weights' arrays by the names that they have in a file, in order.

    Raises:
        ValueError: there are none yet.
    """
    check_has_weights(model, "saving")
    return {
        f"{PREFIX}{name}": weight.numpy()
        for name, weight in zip(weight_names(model), model.weights, strict=True)
    }


def weight_names(model: Layer) -> list[str]:
    """For each weight the names of the layers that lead to it, and its own: "dense/kernel"."""
    paths: dict[Parameter, str] = {}
    _name_weights(model, "", paths)
    names: list[str] = []
    taken: dict[str, int] = {}
    for weight in model.weights:
        name = paths[weight]
        count = taken[name] = taken.get(name, 0) + 1
        names.append(name if count == 1 else f"{name}#{count}")
    return names


def check_has_weights(model: Layer, purpose: str) -> None:
    """Refuse a model whose weights do not exist yet.

    Raises:
        ValueError: it is not built.
    """
    if not model.built and not model.weights:
        raise ValueError(
            f"Model {model.name!r} has no weights yet: give its first layer input_shape, or call "
            f"it once on a batch, before {purpose}."
        )


def check_weights(model: Layer, file: TensorFile) -> None:
    """Compare what a file holds with what a model has.

    Raises:
        ValueError: another number of weights, another shape or dtype; the message names the layer.
    """
    own = zip(weight_names(model), model.weights, strict=True)
    for mine, other in zip_longest(own, file.named(PREFIX).items()):
        if mine is None or other is None or not _same(mine[1], other[1]):
            raise file.error(
                f"it is of another architecture: where model {model.name!r} has {_describe(mine)}, "
                f"the file has {_describe(other)}"
            )


def read_weights(model: Layer, file: TensorFile) -> None:
    """Overwrite the weights with those of a file that was checked, without a copy of them all."""
    for weight, name in zip(model.weights, file.named(PREFIX), strict=True):
        if is_on_gpu(weight.data):
            weight.assign(file.read(f"{PREFIX}{name}"))
        else:
            file.read_into(f"{PREFIX}{name}", weight.data)


def _name_weights(layer: Layer, path: str, paths: dict[Parameter, str]) -> None:
    """Note the path of each weight in `layer`; the innermost layer that has it names it."""
    for sublayer in layer.sublayers:
        _name_weights(sublayer, f"{path}{sublayer.name}/", paths)
    for weight in layer.weights:
        paths.setdefault(weight, f"{path}{weight.name}")


def _same(weight: Parameter, entry: Entry) -> bool:
    return bool(weight.shape == entry.shape and weight.dtype == entry.dtype)


def _describe(named: tuple[str, Any] | None) -> str:
    """The layer, name, shape and dtype of a weight."""
    if named is None:
        return "no further weight"
    layer, _, weight = named[0].rpartition("/")
    of = f"of layer {layer!r:.80} " if layer else ""
    return f"{weight!r:.80} {of}with shape {named[1].shape} and dtype {named[1].dtype}"
