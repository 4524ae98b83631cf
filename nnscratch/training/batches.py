"""From what a user hands to `fit` to batches of arrays."""

from __future__ import annotations

import mmap
import warnings
from collections.abc import Sized
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch import random
from nnscratch.autograd.trees import leaves, rebuild
from nnscratch.training.arrays import as_array, at_least, pair
from nnscratch_kernels.devices import device_of, is_on_gpu, on_host, to_device

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ClassWeight = dict[int, float]

MAPPED_AT_ONCE = 1 << 21
"""Bytes of a file that Linux may make resident when one of them is read."""

MOST_RESIDENT = 1 << 27
"""Bytes of a file that may be resident while rows are picked from all over it."""


GATHERED_BYTES = 1 << 18
"""Bytes of small batches whose rows are gathered together: what the second-level cache holds."""


class Form(NamedTuple):
    """What a model takes.

    Attributes:
        dtype: what floating-point inputs are converted to.
        several_inputs: whether a list of arrays is one for each input; otherwise they are rows.
        several_outputs: the same for targets and sample weights.
    """

    dtype: np.dtype[Any]
    several_inputs: bool = True
    several_outputs: bool = True


class Batch(NamedTuple):
    """A slice of the data: inputs, and, where given, targets and sample weights.

    Each is an array, or nested arrays for a model of several inputs or outputs.
    """

    x: Any
    y: Any = None
    sample_weight: Any = None


class ArrayData:
    """Inputs, targets and weights as whole arrays, cut into batches.

    Arrays that stand in a file (`np.memmap`) stay there: each batch is read, checked and converted
    when its turn comes.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        form: Form,
        batch_size: int | None = None,
        class_weight: ClassWeight | None = None,
        part: str = "",
    ) -> None:
        """Check the data and convert it once.

        Args:
            x: inputs, samples first: an array, a frame, a list of numbers, a tensor; for several
                inputs a list, tuple or dictionary of arrays.
            y: targets, as many; nested for several outputs.
            sample_weight: weights, shape (samples,).
            form: what the model takes.
            batch_size: samples in a batch, by default 32.
            class_weight: for each class (integer target, or place of the 1) a weight.
            part: what error messages put before "x", such as "validation ".

        Raises:
            ValueError: no samples, lengths that differ, NaN or infinite numbers.
            TypeError: text or objects where numbers are needed.
        """
        self.form = form
        self.x, self.y, self.sample_weight = _converted(
            Batch(x, y, sample_weight), form, part, in_file=True
        )
        self.batch_size = at_least(1, "batch_size", 32 if batch_size is None else batch_size)
        self.samples = len(leaves(self.x)[0])
        if self.samples == 0:
            raise ValueError(
                f"{part}x holds no samples (shape {leaves(self.x)[0].shape}): give at least one "
                f"row."
            )
        for name, values in (("x", self.x), ("y", self.y), ("sample_weight", self.sample_weight)):
            arrays = _fields(values)
            for i, array in enumerate(arrays):
                if len(array) != self.samples:
                    which = f"{name}[{i}]" if len(arrays) > 1 else name
                    raise ValueError(
                        f"{part}x has {self.samples} samples but {part}{which} has {len(array)}: "
                        f"give one {name} for each row of x."
                    )
        self.class_weight = class_weight
        self._in_file = any(
            isinstance(a, np.memmap)
            for field in (self.x, self.y, self.sample_weight)
            for a in leaves(field)
        )
        if class_weight is not None and not self._in_file:
            self.sample_weight = class_weights(self.y, self.sample_weight, class_weight)

    def __len__(self) -> int:
        """Number of batches; the last one may be smaller."""
        return -(-self.samples // self.batch_size)

    def batches(self, shuffle: bool = False, skip: int = 0) -> Iterator[Batch]:
        """One pass over the data, after the first `skip` batches, which are not read.

        `shuffle` draws a new order from the global generator, now and not at the first batch.
        """
        order = random.generator().permutation(self.samples) if shuffle else None
        return self._cut(order, skip)

    def sample(self) -> Batch:
        """The first batch in the data's own order, to see the shapes."""
        return next(self._cut(None, 0))

    def _cut(self, order: Any, skip: int) -> Iterator[Batch]:
        data = Batch(self.x, self.y, self.sample_weight)
        size = self.batch_size
        gathered = size * (1 if self._in_file else self._batches_at_once())
        for first in range(skip * size, self.samples, gathered):
            last = min(first + gathered, self.samples)
            some = _rows(data, slice(first, last) if order is None else order[first:last])
            if gathered == size:
                yield self._read(some) if self._in_file else some
                continue
            for start in range(0, last - first, size):
                yield _rows(some, slice(start, start + size))

    def _batches_at_once(self) -> int:
        """How many batches' rows are put in a new order by one call of NumPy."""
        fields = (self.x, self.y, self.sample_weight)
        total: int = sum(array.nbytes for field in fields for array in _fields(field))
        return max(1, GATHERED_BYTES * self.samples // max(1, total * self.batch_size))

    def validation(self, held_out: Any, batch_size: int | None = None) -> ArrayData:
        """Held-out data of the same kind, from `(x, y)` or `(x, y, sample_weight)`.

        Raises:
            TypeError: not such a tuple or list.
            ValueError: samples of another shape than those to train on.
        """
        data = ArrayData(
            *pair(held_out),
            form=self.form,
            batch_size=batch_size or self.batch_size,
            part="validation ",
        )
        for name, own, other in (("x", self.x, data.x), ("y", self.y, data.y)):
            pairs = zip(_fields(own), _fields(other), strict=False)
            for mine, theirs in pairs:
                if _sample(mine) != _sample(theirs):
                    raise ValueError(
                        f"{name} has shape {mine.shape} but validation {name} has {theirs.shape}: "
                        f"only the number of samples may differ."
                    )
        return data

    def split(self, fraction: float, batch_size: int | None = None) -> tuple[ArrayData, ArrayData]:
        """The first rows, and the last `fraction` of them, as in Keras.

        Raises:
            ValueError: a fraction outside (0, 1), or one that leaves a side empty.
        """
        at = int(np.floor(self.samples * (1.0 - fraction))) if 0.0 < fraction < 1.0 else 0
        if at in (0, self.samples):
            raise ValueError(
                f"validation_split={fraction} leaves one side of {self.samples} samples empty: "
                f"choose a fraction between 0 and 1, or pass validation_data."
            )
        fields = (self.x, self.y, self.sample_weight)
        first, last = (
            ArrayData(
                *(None if values is None else _take(values, rows) for values in fields),
                form=self.form,
                batch_size=size,
            )
            for rows, size in (
                (slice(None, at), self.batch_size),
                (slice(at, None), batch_size or self.batch_size),
            )
        )
        return first, last

    def _read(self, batch: Batch) -> Batch:
        """A batch of what stands in a file: checked, converted, and the file's pages let go."""
        read = convert(batch, self.form, self.class_weight)
        for field in (self.x, self.y, self.sample_weight):
            for array in _fields(field):
                if isinstance(array, np.memmap):
                    _let_go(array)
        return read


class StreamData:
    """Batches that somebody else makes: a generator, an iterator, or something to iterate over.

    What can be iterated over again starts anew for each epoch. A generator goes on where it
    stopped, so several epochs need `steps`.
    """

    def __init__(
        self,
        source: Iterable[Any],
        *,
        form: Form,
        steps: int | None = None,
        class_weight: ClassWeight | None = None,
        part: str = "",
    ) -> None:
        """Take batches `x`, `(x, y)` or `(x, y, sample_weight)` from `source`, `steps` an epoch."""
        self.source = source
        self.form = form
        self.steps = steps
        self.class_weight = class_weight
        self.part = part
        self._once = iter(source) if hasattr(source, "__next__") else None

    def __len__(self) -> int:
        """Number of batches in an epoch, 0 if nobody can know."""
        if self.steps is not None:
            return self.steps
        return len(self.source) if isinstance(self.source, Sized) else 0

    def batches(self, shuffle: bool = False, skip: int = 0) -> Iterator[Batch]:
        """One epoch, after its first `skip` batches, which the source has to give now.

        The order is the source's own; `shuffle` does not touch it.

        Raises:
            ValueError: the source has nothing (left).
        """
        items = self._items()
        self._drop(items, skip)
        return self._converted(items, skip)

    def drop_passes(self, passes: int) -> None:
        """Let the source give whole epochs that nobody needs any more."""
        for _ in range(passes):
            self._drop(self._items(), self.steps)

    def sample(self) -> Batch:
        """The last batch that was dropped, to see the shapes."""
        return self._batch(self._dropped)

    def _drop(self, items: Iterator[Any], count: int | None) -> None:
        for item in islice(items, count):
            self._dropped = item

    def _items(self) -> Iterator[Any]:
        return self._once if self._once is not None else iter(self.source)

    def _batch(self, item: Any) -> Batch:
        fields = item if isinstance(item, tuple | list) else (item,)  # a list too, as in Keras
        if not 1 <= len(fields) <= 3:
            raise ValueError(
                f"The {self.part}data gives batches of {len(fields)} parts: give x, (x, y) or "
                f"(x, y, sample_weight)."
            )
        return convert(Batch(*fields), self.form, self.class_weight, self.part)

    def _converted(self, items: Iterator[Any], count: int) -> Iterator[Batch]:
        while self.steps is None or count < self.steps:
            try:
                item = next(items)
            except StopIteration:
                break
            yield self._batch(item)
            count += 1
        if count == 0:
            raise ValueError(
                f"The {self.part}data ran out before the first batch of an epoch: give "
                f"steps_per_epoch with an endless generator, or something that can be iterated "
                f"over again."
            )
        if self.steps is not None and count < self.steps:
            warnings.warn(
                f"The {self.part}data ran out after {count} of {self.steps} steps: the epoch ends "
                f"here.",
                stacklevel=2,
            )


def is_stream(x: Any) -> bool:
    """Whether `x` gives batches itself, instead of being the data."""
    array_like = hasattr(x, "__array__") or hasattr(x, "shape")
    return (
        hasattr(x, "__iter__") and not array_like and not isinstance(x, list | tuple | dict | str)
    )


def convert(
    batch: Batch, form: Form, class_weight: ClassWeight | None = None, part: str = ""
) -> Batch:
    """A batch with its numbers checked and in the model's dtype, and class weights applied."""
    x, y, weight = _converted(batch, form, part, in_file=False)
    if class_weight is not None:
        weight = class_weights(y, weight, class_weight)
    return Batch(x, y, weight)


def class_weights(y: Any, sample_weight: Any, class_weight: ClassWeight) -> Any:
    """Weights of the samples by their class, times those that were given.

    Raises:
        ValueError: several outputs, or a class without a weight.
    """
    if y is None or len(leaves(y)) != 1:
        raise ValueError("class_weight needs the targets of one output; use sample_weight instead.")
    targets = on_host(leaves(y)[0])
    if targets.ndim > 1 and targets.shape[-1] > 1:
        targets = np.argmax(targets, axis=-1)
    classes = np.reshape(targets, len(targets)).astype(int)
    if missing := sorted(set(classes.tolist()) - class_weight.keys()):
        raise ValueError(
            f"class_weight has no weight for class {missing[0]}: it has {sorted(class_weight)}."
        )
    found, places = np.unique(classes, return_inverse=True)
    weights = np.array([class_weight[one] for one in found.tolist()], dtype=np.float64)[places]
    return weights if sample_weight is None else weights * on_host(sample_weight)


def brought(batch: Batch, device: str) -> Batch:
    """A batch with all its arrays on a device; what is there already is not copied."""
    if all(device_of(array) == device for field in batch for array in _fields(field)):
        return batch
    return Batch(*(_brought(field, device) for field in batch))


def _brought(values: Any, device: str) -> Any:
    if values is None:
        return None
    return rebuild(values, (to_device(array, device) for array in leaves(values)))


def _converted(batch: Batch, form: Form, part: str, in_file: bool) -> Batch:
    """All fields as arrays; with `in_file` those that stand in a file are left there."""
    inputs, outputs = form.several_inputs, form.several_outputs
    return Batch(
        _as_arrays(f"{part}x", batch.x, inputs, form.dtype, in_file),
        _as_arrays(f"{part}y", batch.y, outputs, None, in_file),
        _as_arrays(f"{part}sample_weight", batch.sample_weight, outputs, None, in_file),
    )


def _as_arrays(
    name: str, values: Any, several: bool, dtype: np.dtype[Any] | None, in_file: bool
) -> Any:
    if values is None or (in_file and isinstance(values, np.memmap)):
        return values
    if isinstance(values, dict):
        return {
            key: _as_arrays(f"{name}[{key!r}]", value, several, dtype, in_file)
            for key, value in values.items()
        }
    if several and _is_list_of_arrays(values):
        return type(values)(
            _as_arrays(f"{name}[{i}]", value, several, dtype, in_file)
            for i, value in enumerate(values)
        )
    return as_array(name, values, dtype)


def _is_list_of_arrays(values: Any) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) > 0
        and all(np.ndim(value) > 0 and hasattr(value, "shape") for value in leaves(values))
    )


def _rows(batch: Batch, rows: Any) -> Batch:
    """The same rows of every field."""
    x, y, sample_weight = batch
    return Batch(
        _take(x, rows),
        None if y is None else _take(y, rows),
        None if sample_weight is None else _take(sample_weight, rows),
    )


def _take(values: Any, rows: Any) -> Any:
    """The same rows of every array."""
    if isinstance(values, np.memmap) and not isinstance(rows, slice):
        return _read_rows(values, rows)
    if isinstance(values, np.ndarray):
        return values[rows] if isinstance(rows, slice) else values.take(rows, axis=0)
    if is_on_gpu(values):
        return values[rows if isinstance(rows, slice) else to_device(rows, device_of(values))]
    return rebuild(values, (_take(array, rows) for array in leaves(values)))


def _read_rows(array: Any, rows: Any) -> Any:
    """Rows from all over a file, a few at a time: each may make 2 MiB of the file resident."""
    count = max(1, MOST_RESIDENT // (MAPPED_AT_ONCE + array[:1].nbytes))
    read = np.empty((len(rows), *array.shape[1:]), array.dtype)
    for start in range(0, len(rows), count):
        part = slice(start, start + count)
        array.take(rows[part], axis=0, out=read[part], mode="clip")  # "raise" would copy `out`
        _let_go(array)
    return read


def _let_go(array: Any) -> None:
    """Let the system take back the pages of a file, unless they hold changes of our own."""
    pages = array._mmap  # not `base`, which for a slice is the array that it was cut from
    if pages is not None and array.mode != "c" and hasattr(pages, "madvise"):  # not on Windows
        pages.madvise(mmap.MADV_DONTNEED)


def _fields(values: Any) -> list[Any]:
    return [] if values is None else leaves(values)


def _sample(array: Any) -> tuple[int, ...]:
    """Shape of one sample; (1,) is the same as ()."""
    return tuple(array.shape[1:-1] if array.shape[1:][-1:] == (1,) else array.shape[1:])
