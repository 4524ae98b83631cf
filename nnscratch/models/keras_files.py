"""Weights of models that were trained in Keras 3: `.weights.h5` and `.keras` files.

Only numbers are read, nothing in a file is run. Keras writes each layer into a group called after
its class and its place among the layers of that class, `layers/dense_1/vars/0`, so that the layers
of the two models are matched by structure, not by name (keras/src/saving/saving_lib.py 3.15.1).
"""

from __future__ import annotations

import io
import os
from collections import Counter
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from nnscratch.autograd.trees import leaves
from nnscratch.layers import Layer, Normalization
from nnscratch.models.functional import Functional
from nnscratch.models.model import Model
from nnscratch.models.sequential import Sequential
from nnscratch.naming import snake_case
from nnscratch.saving.weights import check_has_weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nnscratch.autograd import Parameter
    from nnscratch.layers.symbolic import LayerCall

WEIGHTS_MEMBER = "model.weights.h5"

_OF_TRAINING = ("optimizer", "metrics", "loss_tracker", "_")
"""How the names of groups at the top begin that belong to `compile`, not to the layers."""


def load_keras_weights(model: Layer, filepath: str | os.PathLike[str]) -> None:
    """Overwrite the weights of a model with those of the same model in Keras 3.

    Build the model with the same layers in the same structure; names do not matter. It needs h5py:
    `pip install 'nnscratch[keras-files]'`.

    Args:
        model: a built model.
        filepath: a file of Keras's `save_weights` (.weights.h5) or `save` (.keras).

    Raises:
        ValueError: a damaged or foreign file, or one of another architecture: the message names the
            layer and both shapes, and the model is as it was.
        OSError: no such file.
    """
    try:
        import h5py
    except ImportError:
        raise ImportError(
            "Files of Keras need h5py: pip install 'nnscratch[keras-files]'."
        ) from None
    check_has_weights(model, "load_keras_weights")
    source = _source(filepath)
    try:
        with h5py.File(source, "r") as file:
            arrays = _read(model, _Reader(file))
    except MismatchError as error:
        raise _error(filepath, str(error)) from None
    except Exception as error:  # h5py has many, and all are the file's fault
        raise _error(filepath, f"it is not a whole HDF5 file ({error})") from error
    for weight, array in arrays:
        weight.assign(array)


class MismatchError(ValueError):
    """What a file says does not fit, or is not allowed."""


def _error(filepath: str | os.PathLike[str], what: str) -> ValueError:
    return ValueError(f"{os.fspath(filepath)} cannot be loaded: {what.rstrip('.')}.")


# --- the file -------------------------------------------------------------------------------------


def _source(filepath: str | os.PathLike[str]) -> Any:
    """What h5py opens: the file itself, or the weights out of a `.keras` archive."""
    import zipfile  # slow to import, and needed for few files alone

    if not zipfile.is_zipfile(filepath):
        with open(filepath, "rb"):  # so that a missing file is told of as such
            return os.fspath(filepath)
    size = os.path.getsize(filepath)
    try:
        with zipfile.ZipFile(filepath) as archive:
            for name in archive.namelist():
                if _escapes(name):
                    raise _error(filepath, f"its member {name!r:.80} points out of the archive")
            member = archive.getinfo(WEIGHTS_MEMBER)
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > size:
                raise _error(filepath, "its weights are compressed, which Keras does not do")
            return io.BytesIO(archive.read(member))
    except KeyError:
        raise _error(filepath, f"it has no {WEIGHTS_MEMBER}, so it is not a .keras file") from None
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise _error(filepath, f"it is not a whole .keras file ({error})") from None


def _escapes(name: str) -> bool:
    """Whether a member's name would lead out of the folder that an archive is unpacked in."""
    return any(
        path.is_absolute() or path.drive or ".." in path.parts
        for path in (PurePosixPath(name), PureWindowsPath(name))
    )


class _Reader:
    """Reads groups and datasets of an HDF5 file that lie in the file itself.

    Links to elsewhere are refused, so that a file cannot bring the contents of another one.
    """

    def __init__(self, file: Any) -> None:
        import h5py

        self._h5py = h5py
        self.file = file
        self.used: set[str] = set()

    def variables(self, path: str) -> list[Any]:
        """The datasets of a layer's own variables, in order."""
        group = self._find(f"{path}/vars")
        if group is None:
            return []
        found = [self._dataset(group, str(number)) for number in range(len(group))]
        self.used.add(f"{path}/vars".strip("/"))
        return found

    def unused(self) -> list[str]:
        """Groups of variables that no layer has asked for, those of training excepted."""
        groups: list[str] = []

        def note(name: str, item: Any) -> None:
            parts = name.split("/")
            if parts[-1] == "vars" and isinstance(item, self._h5py.Group) and len(item):
                groups.append(name)

        self.file.visititems(note)
        return [
            name
            for name in groups
            if name not in self.used
            and not name.startswith(_OF_TRAINING)
            and "seed_generator" not in name.split("/")
        ]

    def _find(self, path: str) -> Any | None:
        found = self.file
        for part in path.strip("/").split("/"):
            if part not in found:
                return None
            self._check_link(found, part)
            found = found[part]
            if not isinstance(found, self._h5py.Group):
                raise MismatchError(f"{path!r} is not a group")
        return found

    def _dataset(self, group: Any, name: str) -> Any:
        if name not in group:
            raise MismatchError(f"{group.name!r} lacks its variable {name}")
        self._check_link(group, name)
        dataset = group[name]
        if not isinstance(dataset, self._h5py.Dataset):
            raise MismatchError(f"{group.name}/{name} is not an array")
        if dataset.external or dataset.is_virtual:
            raise MismatchError(f"{group.name}/{name} lies outside the file")
        return dataset

    def _check_link(self, group: Any, name: str) -> None:
        if not isinstance(group.get(name, getlink=True), self._h5py.HardLink):
            raise MismatchError(f"{group.name}/{name} is a link to elsewhere")


# --- matching -------------------------------------------------------------------------------------


def _read(model: Layer, reader: _Reader) -> list[tuple[Parameter, Any]]:
    """For each weight its array, after checking that everything fits."""
    pairs = []
    for layer, path in _groups(model, "", set()):
        own = _own_weights(layer)
        found = reader.variables(path)
        if isinstance(layer, Normalization):
            found = found[: len(own)]  # Keras also keeps how many samples it has seen
        if len(found) != len(own):
            raise MismatchError(
                f"layer {layer.name!r} has {len(own)} weights and {path or 'the model'!r} in the "
                f"file has {len(found)}"
            )
        for weight, dataset in zip(own, found, strict=True):
            if dataset.shape != weight.shape or dataset.dtype.kind != "f":
                raise MismatchError(
                    f"weight {weight.name!r} of layer {layer.name!r} has shape {weight.shape} and "
                    f"{dataset.name!r} in the file has shape {dataset.shape} and dtype "
                    f"{dataset.dtype}"
                )
            pairs.append((weight, dataset))
    if unused := reader.unused():
        raise MismatchError(
            f"it has weights at {unused[0]!r} that model {model.name!r} has no layer for"
        )
    return [(weight, dataset[()]) for weight, dataset in pairs]


def _groups(layer: Layer, path: str, seen: set[Layer]) -> Iterator[tuple[Layer, str]]:
    """Each layer with the group that Keras keeps its variables in; a shared layer once.

    Keras goes through attributes by name, private ones last, and through lists in order.
    """
    if layer in seen:
        return
    seen.add(layer)
    yield layer, path
    if isinstance(layer, Sequential | Functional):
        yield from _numbered(_in_keras_order(layer), f"{path}/layers", seen)
        return
    attributes = {name: value for name, value in vars(layer).items() if name != "_arguments"}
    if isinstance(layer, Model):
        attributes["layers"] = layer.layers  # a property that Keras goes through like the others
    for name in sorted(attributes, key=lambda name: f"~{name}" if name[0] == "_" else name):
        value = attributes[name]
        if isinstance(value, Layer):
            yield from _groups(value, f"{path}/{name}", seen)
        elif isinstance(value, list | tuple | dict):
            inner = [part for part in leaves(value) if isinstance(part, Layer)]
            yield from _numbered(inner, f"{path}/{name}", seen)


def _numbered(layers: Iterable[Layer], path: str, seen: set[Layer]) -> Iterator[tuple[Layer, str]]:
    """Layers in a list: `dense`, `dense_1`, … by their classes."""
    counts: Counter[str] = Counter()
    for layer in layers:
        name = snake_case(type(layer).__name__)
        number = counts[name]
        counts[name] += 1
        yield from _groups(layer, f"{path}/{name}_{number}" if number else f"{path}/{name}", seen)


def _own_weights(layer: Layer) -> list[Parameter]:
    """The weights that are no sub-layer's, as Keras orders them: the trained ones first."""
    inner = {weight for sublayer in layer.sublayers for weight in sublayer.weights}
    own = [weight for weight in layer.weights if weight not in inner]
    never_trained = set(layer._never_trained)
    return sorted(own, key=lambda weight: weight in never_trained)


def _in_keras_order(model: Sequential | Functional) -> list[Layer]:
    """The layers as Keras lists them.

    Those of a functional model come by depth, the number of calls between a layer and the outputs,
    deepest first; those of one depth in the order in which a walk from the outputs meets them
    (`map_graph` in keras/src/ops/function.py).
    """
    if isinstance(model, Sequential):
        return model.layers
    calls = model.calls
    made_by = {symbol: call for call in calls for symbol in call.outputs}

    def sources(call: LayerCall) -> list[LayerCall]:
        return [made_by[symbol] for symbol in leaves(call.inputs) if symbol in made_by]

    finished, met = _walk([made_by[s] for s in leaves(model.outputs) if s in made_by], sources)
    call_depths: dict[LayerCall, int] = {}
    layer_depths: dict[Layer, int] = {}
    for call in reversed(finished):
        depth = max(call_depths.get(call, 0), layer_depths.get(call.layer, 0))
        call_depths[call] = layer_depths[call.layer] = depth
        for source in sources(call):
            call_depths[source] = max(call_depths.get(source, 0), depth + 1)
    return sorted(layer_depths, key=lambda layer: (-layer_depths[layer], met[layer]))


def _walk(starts: list[LayerCall], sources: Any) -> tuple[list[LayerCall], dict[Layer, int]]:
    """Calls in the order in which a depth-first walk leaves them; layers in that of meeting."""
    finished: dict[LayerCall, None] = {}
    met: dict[Layer, int] = {}
    for start in starts:
        if start in finished:
            continue
        stack = [(start, iter(sources(start)))]
        met.setdefault(start.layer, len(met))
        while stack:
            call, left = stack[-1]
            following = next((one for one in left if one not in finished), None)
            if following is None:
                finished[call] = None
                stack.pop()
            else:
                met.setdefault(following.layer, len(met))
                stack.append((following, iter(sources(following))))
    return list(finished), met
