"""A file of named arrays and text: safetensors, written whole or not at all, read without trust.

The format (huggingface/safetensors, "Format"): eight bytes with the length of a header, little end
first; the header, a JSON object that gives for each name a dtype, a shape and the offsets of its
bytes, and under `__metadata__` strings by name; then the bytes of all arrays, end to end.

Our files carry a SHA-256 digest of everything in them among the metadata. It is not a signature: it
tells a damaged file, not a forged one, so that sizes and names are checked all the same.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch.saving.strict_json import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

MAGIC = "nnscratch"
VERSION = "1"

DTYPES = {
    "BOOL": np.dtype(np.bool_),
    "U8": np.dtype(np.uint8),
    "I8": np.dtype(np.int8),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "F16": np.dtype("<f2"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "F32": np.dtype("<f4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
}
CODES = {dtype: code for code, dtype in DTYPES.items()}

MOST_HEADER_BYTES = 4 << 20
"""Longest header that is read or written: a few ten thousand arrays."""

_LENGTH = struct.Struct("<Q")
_CHUNK = 1 << 20  # bytes that are hashed or copied at once
_NO_DIGEST = "0" * 64  # stands in the digest's place while the digest is computed
_MOST_AXES = 64  # NumPy's own limit


# --- writing --------------------------------------------------------------------------------------


def write(
    path: str | os.PathLike[str], arrays: Mapping[str, Any], metadata: Mapping[str, str]
) -> None:
    """Write a file that either appears whole under its name or not at all.

    It is written beside its place and flushed to the disk, then renamed: after a crash at any
    moment there is the old file or the new one.

    Args:
        path: where to; a file that is there is replaced.
        arrays: by name, in the order in which they are to stand in the file.
        metadata: strings by name.

    Raises:
        TypeError: an array of a dtype that the format does not have.
        ValueError: so many names, or so much text, that reading would refuse the file.
        OSError: the disk is full, the folder does not exist, or it may not be written to.
    """
    target = Path(os.path.realpath(path))
    header = _header(arrays, {"format": MAGIC, "version": VERSION} | dict(metadata))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            digest = hashlib.sha256()
            parts: list[Any] = [_LENGTH.pack(len(header)), header, *arrays.values()]
            for part in map(_bytes_of, parts):
                digest.update(part)
                file.write(part)
            file.seek(_LENGTH.size + header.index(_NO_DIGEST.encode()))
            file.write(digest.hexdigest().encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise
    _flush_folder(target.parent)


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove what processes left behind that were killed while they wrote the file at `path`."""
    target = Path(os.path.realpath(path))
    for leftover in target.parent.glob(f".{target.name}.*.tmp"):
        leftover.unlink(missing_ok=True)


def _header(arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> bytes:
    """The header, with a placeholder for the digest, and spaces up to a multiple of eight bytes."""
    entries: dict[str, Any] = {"__metadata__": {"digest": _NO_DIGEST} | dict(metadata)}
    end = 0
    for name, array in arrays.items():
        dtype = array.dtype.newbyteorder("<")
        if dtype not in CODES:
            raise TypeError(
                f"Array {name!r} has dtype {array.dtype}, which safetensors files do not have: "
                f"convert it to one of {', '.join(map(str, CODES))}."
            )
        start, end = end, end + array.nbytes
        entries[name] = {
            "dtype": CODES[dtype],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
    header = json.dumps(entries, separators=(",", ":"), allow_nan=False).encode("ascii")
    header += b" " * (-len(header) % 8)
    if (too_much := _too_much(header)) is not None:
        raise ValueError(f"Nothing was saved: {too_much}.")
    return header


def _bytes_of(array: Any) -> Any:
    """Bytes as they are; those of an array in C order, little end first, if possible uncopied."""
    if isinstance(array, bytes):
        return array
    flat = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(-1)
    return flat.view(np.uint8).data


def _flush_folder(folder: Path) -> None:
    """Have the disk remember a renaming."""
    if hasattr(os, "O_DIRECTORY"):  # not on Windows, which has no such call
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# --- reading --------------------------------------------------------------------------------------


class FileError(ValueError):
    """A file that is damaged, foreign, or of something else."""


class Entry(NamedTuple):
    """Where an array stands in a file.

    Attributes:
        dtype: its dtype.
        shape: its shape.
        start: its first byte, counted from the start of the file.
        size: how many bytes it has.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    size: int


class TensorFile:
    """A file that `write` has written, opened and found undamaged.

    Arrays are read when they are asked for, straight to where they belong. It is a context manager
    that closes the file.

    Attributes:
        name: the file's name, for messages.
        size: bytes in the file.
        metadata: the strings.
        entries: for each array where it stands, in the file's order.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open a file and check all of it.

        Raises:
            ValueError: a file that is damaged, cut short, or not one of ours.
            OSError: no such file, or it may not be read.
        """
        self.name = os.fspath(path)
        self._file = open(path, "rb")  # noqa: SIM115 # stays open; __exit__ closes it
        try:
            self.size = os.fstat(self._file.fileno()).st_size
            header = self._read_header()
            self.metadata, self.entries = self._parse(header)
            self._check_digest(header)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the file."""
        self._file.close()

    @property
    def data_size(self) -> int:
        """Bytes of all arrays together."""
        return sum(entry.size for entry in self.entries.values())

    def named(self, prefix: str) -> dict[str, Entry]:
        """The entries whose names start with `prefix`, by the rest of the name."""
        return {
            name.removeprefix(prefix): entry
            for name, entry in self.entries.items()
            if name.startswith(prefix)
        }

    def read(self, name: str) -> Any:
        """One array."""
        entry = self.entries[name]
        array = np.empty(entry.shape, entry.dtype)
        self.read_into(name, array)
        return array

    def read_into(self, name: str, array: Any) -> None:
        """Overwrite `array`, which has the shape and dtype of the one called `name`."""
        entry = self.entries[name]
        if not array.flags.c_contiguous:
            array[...] = self.read(name)
            return
        self._file.seek(entry.start)
        space = array.reshape(-1).view(np.uint8).data
        if self._file.readinto(space) != entry.size:
            raise self.error("it was changed while it was being read")

    def error(self, what: str) -> FileError:
        """An error that says what is wrong with the file."""
        return FileError(f"{self.name} cannot be loaded: {what}.")

    @contextmanager
    def blamed(self, what: str) -> Iterator[None]:
        """Tell whatever goes wrong in the block as the file's fault, which it is.

        Raises:
            ValueError: something went wrong; the message says `what`, and the reason.
        """
        try:
            yield
        except FileError:
            raise
        except Exception as error:
            reason = (str(error) or type(error).__name__).rstrip(".")
            raise self.error(f"{what} ({reason})") from error

    # --- checks -------------------------------------------------------------------------------

    def _read_header(self) -> bytes:
        start = self._file.read(_LENGTH.size)
        if start[:4] == b"PK\x03\x04" or start == b"\x89HDF\r\n\x1a\n":
            raise self.error(
                "it is a zip or HDF5 file such as Keras writes; for the weights of a Keras model "
                "use ns.load_keras_weights(model, path)"
            )
        if len(start) < _LENGTH.size:
            raise self.error(f"it has {self.size} bytes, too few for a safetensors file")
        (length,) = _LENGTH.unpack(start)
        if length > self.size - _LENGTH.size:
            raise self.error(
                f"its header should have {length} bytes but the file has {self.size}: it is "
                f"damaged, cut short, or not a safetensors file"
            )
        if length > MOST_HEADER_BYTES:
            raise self.error(_too_long(length))
        header = self._file.read(length)
        if (too_much := _too_much(header)) is not None:
            raise self.error(too_much)
        return header

    def _parse(self, header: bytes) -> tuple[dict[str, str], dict[str, Entry]]:
        """Metadata and entries; what is not as `write` would have written it is refused."""
        try:
            contents = parse(header.decode("ascii"))
        except ValueError as error:
            raise self.error(
                f"its header is not the JSON of a safetensors file ({error})"
            ) from None
        metadata = contents.pop("__metadata__", None) if isinstance(contents, dict) else None
        if not isinstance(metadata, dict) or metadata.get("format") != MAGIC:
            raise self.error("it was not written by nnscratch, or it is damaged")
        if metadata.get("version") != VERSION:
            raise self.error(
                f"it has format version {metadata.get('version')!r} and this nnscratch reads "
                f"version {VERSION!r}: use the nnscratch that wrote it"
            )
        if not all(isinstance(value, str) for value in metadata.values()):
            raise self.error("its metadata holds something else than text")
        data_start = _LENGTH.size + len(header)
        entries: dict[str, Entry] = {}
        end = 0
        for name, given in contents.items():
            entry = self._entry(name, given, end)
            entries[name] = entry._replace(start=data_start + end)
            end += entry.size
        if data_start + end != self.size:
            raise self.error(
                f"its arrays should have {end} bytes and it has {self.size - data_start} of them: "
                f"it is damaged or cut short"
            )
        return metadata, entries

    def _entry(self, name: str, given: Any, start: int) -> Entry:
        """One array's place; it begins where the one before it ends."""
        if not isinstance(given, dict) or given.keys() != {"dtype", "shape", "data_offsets"}:
            raise self.error(f"its header does not say where array {name!r:.80} is")
        code, shape = given["dtype"], given["shape"]
        dtype = DTYPES.get(code) if isinstance(code, str) else None
        if dtype is None:
            raise self.error(f"array {name!r:.80} has the unknown dtype {code!r:.40}")
        if not _is_shape(shape, dtype):
            raise self.error(f"array {name!r:.80} has the impossible shape {shape!r:.40}")
        size = math.prod(shape) * dtype.itemsize
        if given["data_offsets"] != [start, start + size]:
            raise self.error(
                f"array {name!r:.80} should have bytes {start} to {start + size} and has "
                f"{given['data_offsets']!r:.60}"
            )
        return Entry(dtype, tuple(shape), start, size)

    def _check_digest(self, header: bytes) -> None:
        """Compare the digest with that of the whole file, in which zeros stand for the digest."""
        given = self.metadata.get("digest", "")
        found = header.find(given.encode()) if len(given) == len(_NO_DIGEST) else -1
        if found < 0:
            raise self.error("it has no digest, so nobody can tell whether it is whole")
        blank = header[:found] + _NO_DIGEST.encode() + header[found + len(given) :]
        digest = hashlib.sha256()
        for part in (_LENGTH.pack(len(header)), blank, *self._chunks()):
            digest.update(part)
        if digest.hexdigest() != given:
            raise self.error("it is damaged: its contents do not have the digest that it gives")

    def _chunks(self) -> Iterator[bytes]:
        """What follows the header, piece by piece."""
        while chunk := self._file.read(_CHUNK):
            yield chunk


def _is_shape(shape: Any, dtype: np.dtype[Any]) -> bool:
    """Whether NumPy could have an array of this shape, were there memory enough."""
    if not isinstance(shape, list) or len(shape) > _MOST_AXES:
        return False
    if not all(type(length) is int and length >= 0 for length in shape):
        return False
    return math.prod(length or 1 for length in shape) * dtype.itemsize <= np.iinfo(np.intp).max


def _too_long(length: int) -> str:
    return f"the header has {length} bytes, more than the {MOST_HEADER_BYTES} that are allowed"


_STRUCTURE_COST = 128
"""More than the bytes that Python takes for what each comma, colon or bracket of JSON announces."""

_MOST_STRUCTURE = 24 << 20


def _too_much(header: bytes) -> str | None:
    """Why reading this header would take too much memory; None if it would not."""
    if len(header) > MOST_HEADER_BYTES:
        return _too_long(len(header))
    signs = sum(header.count(sign) for sign in (b",", b":", b"[", b"{"))
    if signs * _STRUCTURE_COST > _MOST_STRUCTURE:
        return (
            f"the header has {signs} entries, more than the {_MOST_STRUCTURE // _STRUCTURE_COST} "
            f"that are allowed"
        )
    return None
