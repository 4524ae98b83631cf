"""Files of arrays: written whole, read back to the last bit, and refused when anything is wrong."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from nnscratch.saving import tensor_file
from nnscratch.saving.tensor_file import DTYPES, TensorFile, remove_leftovers, write

ARRAYS = {
    "matrix": np.arange(6, dtype=np.float32).reshape(2, 3),
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "strided": np.arange(20, dtype=np.int32)[::3],
    "reversed": np.arange(5, dtype=np.int64)[::-1],
    "nothing": np.zeros((0, 3), np.float32),
    "number": np.array(2.5),
    "big end first": np.arange(3, dtype=">f8"),
    "not numbers": np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324]),
} | {code: np.array([0, 1, 1]).astype(dtype) for code, dtype in DTYPES.items()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "arrays.safetensors"


def test_arrays_come_back_to_the_last_bit(path):
    write(path, ARRAYS, {"note": "häuser & 数"})
    with TensorFile(path) as file:
        assert list(file.entries) == list(ARRAYS)
        assert file.metadata["note"] == "häuser & 数"
        for name, array in ARRAYS.items():
            read = file.read(name)
            assert read.dtype == array.dtype.newbyteorder("<")
            assert read.shape == array.shape
            assert read.tobytes() == np.ascontiguousarray(array, read.dtype).tobytes()


def test_an_array_is_read_to_where_it_belongs_also_when_that_is_not_contiguous(path):
    write(path, {"a": np.arange(6.0).reshape(2, 3)}, {})
    whole = np.zeros((4, 3))
    with TensorFile(path) as file:
        file.read_into("a", whole[::2])
    np.testing.assert_array_equal(whole, [[0, 1, 2], [0, 0, 0], [3, 4, 5], [0, 0, 0]])


def test_another_reader_of_safetensors_reads_the_same(path):
    write(path, ARRAYS, {"note": "x"})
    theirs = safetensors.numpy.load_file(path)
    assert theirs.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(theirs[name], array)
    with safetensors.safe_open(path, "numpy") as file:
        assert file.metadata()["note"] == "x"


def test_the_same_arrays_give_the_same_file(path):
    write(path, ARRAYS, {"note": "x"})
    first = path.read_bytes()
    write(path, ARRAYS, {"note": "x"})
    assert path.read_bytes() == first


@pytest.mark.parametrize("array", [np.array(["text"]), np.array([None]), np.array([1j])])
def test_an_array_that_no_file_can_hold_is_refused_by_name(path, array):
    with pytest.raises(TypeError, match="Array 'odd' has dtype"):
        write(path, {"odd": array}, {})
    assert not path.exists()


# --- whole or not at all --------------------------------------------------------------------------


def test_a_write_that_fails_halfway_leaves_the_old_file_and_nothing_else(path):
    write(path, {"a": np.zeros(3)}, {})
    before = path.read_bytes()
    program = """
import resource, sys
import numpy as np
from nnscratch.saving.tensor_file import write
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write(sys.argv[1], {"a": np.ones(1_000_000)}, {})
except OSError as error:
    print(type(error).__name__, error.errno)
"""
    run = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["OSError", str(errno.EFBIG)]
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_file_and_folder_are_flushed_to_the_disk_around_the_renaming(path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(handle):
        calls.append(os.readlink(f"/proc/self/fd/{handle}"))
        fsync(handle)

    def noted_replace(source, target):
        calls.append("replace")
        replace(source, target)

    monkeypatch.setattr(tensor_file.os, "fsync", noted_fsync)
    monkeypatch.setattr(tensor_file.os, "replace", noted_replace)
    write(path, {"a": np.zeros(3)}, {})
    temporary = str(path.with_name(f".{path.name}.{os.getpid()}.tmp"))
    assert calls == [temporary, "replace", str(path.parent)]


def test_a_link_stays_a_link(path, tmp_path):
    link = tmp_path / "latest.safetensors"
    link.symlink_to(path)
    write(link, {"a": np.zeros(3)}, {})
    assert link.is_symlink()
    assert path.exists()


def test_leftovers_of_killed_writers_are_removed_and_nothing_else(path):
    write(path, {"a": np.zeros(3)}, {})
    path.with_name(f".{path.name}.123.tmp").write_bytes(b"half")
    other = path.with_name(".other.safetensors.123.tmp")
    other.write_bytes(b"half")
    remove_leftovers(path)
    assert set(path.parent.iterdir()) == {path, other}


# --- what is refused ------------------------------------------------------------------------------


def refused(path: Path, contents: bytes) -> str:
    """The message with which a file of these contents is refused."""
    path.write_bytes(contents)
    with pytest.raises(ValueError, match="cannot be loaded") as caught:
        TensorFile(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.endswith(".")
    assert "\n" not in message
    return message


@pytest.fixture
def contents(path) -> bytes:
    write(path, {"a": np.arange(4, dtype=np.float32), "b": np.zeros((2, 2))}, {"note": "x"})
    return path.read_bytes()


def test_every_flipped_bit_is_noticed(path, contents):
    for bit in range(8 * len(contents)):
        damaged = bytearray(contents)
        damaged[bit // 8] ^= 1 << bit % 8
        refused(path, bytes(damaged))


def test_every_cut_is_noticed(path, contents):
    for length in range(len(contents)):
        refused(path, contents[:length])


def test_what_stands_after_the_end_is_noticed(path, contents):
    assert "should have 48 bytes and it has 49" in refused(path, contents + b"x")


@pytest.mark.parametrize("length", [2**64 - 1, 2**63, 2**40, 5 << 20, 10_000])
def test_a_header_longer_than_the_file_takes_no_memory(path, contents, length):
    assert "header" in refused(path, struct.pack("<Q", length) + contents[8:])


def test_a_long_header_is_refused_before_it_is_read(path):
    header = b"{" + b" " * (tensor_file.MOST_HEADER_BYTES + 1)
    message = refused(path, struct.pack("<Q", len(header)) + header)
    assert f"more than the {tensor_file.MOST_HEADER_BYTES}" in message


def test_a_header_that_would_fill_the_memory_is_refused(path):
    header = b"[" + b"[]," * (1 << 20) + b"0]"
    assert "entries" in refused(path, struct.pack("<Q", len(header)) + header)


def test_what_could_not_be_read_is_not_written(path):
    with pytest.raises(ValueError, match="Nothing was saved"):
        write(path, {}, {"note": "x" * (tensor_file.MOST_HEADER_BYTES + 1)})
    assert list(path.parent.iterdir()) == []


FOREIGN = {
    "empty": (b"", "0 bytes"),
    "text": (b"hello, I am not a model at all", "not a safetensors file"),
    "zeros": (bytes(100), "JSON"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "load_keras_weights"),
    "pickle": (b"\x80\x04\x95" + bytes(100), "header"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_told_of(path, kind):
    foreign, told = FOREIGN[kind]
    assert told in refused(path, foreign)


def test_a_zip_file_is_told_of(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    assert "load_keras_weights" in refused(path, path.read_bytes())


def test_a_safetensors_file_of_somebody_else_is_told_of(path):
    foreign = safetensors.numpy.save({"a": np.zeros(3)}, {"format": "pt"})
    assert "not written by nnscratch" in refused(path, foreign)


def test_a_missing_file_is_told_of_as_such(path):
    with pytest.raises(FileNotFoundError):
        TensorFile(path)


CHANGED_HEADERS = {
    "another version": (b'"version":"1"', b'"version":"2"', "version '2'"),
    "metadata that is no text": (b'"note":"x"', b'"note":[1]', "something else than text"),
    "an unknown dtype": (b'"dtype":"F32"', b'"dtype":"F31"', "unknown dtype 'F31'"),
    "a dtype that is no text": (b'"dtype":"F32"', b'"dtype":[32]', "unknown dtype"),
    "a negative length": (b'"shape":[4]', b'"shape":[-4]', "impossible shape"),
    "a length that is no integer": (b'"shape":[4]', b'"shape":[4.0]', "impossible shape"),
    "a length that is a boolean": (b'"shape":[4]', b'"shape":[true]', "impossible shape"),
    "a shape that is no list": (b'"shape":[4]', b'"shape":"4"', "impossible shape"),
    "a huge shape": (b'"shape":[4]', b'"shape":[4611686018427387904,4]', "impossible shape"),
    "a large shape": (b'"shape":[4]', b'"shape":[4000000000]', "should have bytes"),
    "a huge empty shape": (b'"shape":[4]', b'"shape":[0,4611686018427387904]', "impossible"),
    "too many axes": (b'"shape":[4]', b'"shape":[' + b"1," * 64 + b"4]", "impossible shape"),
    "a gap": (b"[16,48]", b"[20,52]", "should have bytes 16 to 48"),
    "an overlap": (b"[16,48]", b"[0,32]", "should have bytes 16 to 48"),
    "offsets backwards": (b"[16,48]", b"[48,16]", "should have bytes 16 to 48"),
    "offsets beyond the file": (b"[16,48]", b"[16,4800000]", "should have bytes 16 to 48"),
    "a missing field": (b'"dtype":"F32",', b"", "does not say where"),
    "a further field": (b'"dtype":"F32"', b'"dtype":"F32","x":0', "does not say where"),
    "an entry that is no object": (b'"b":{', b'"c":0,"b":{', "does not say where array 'c'"),
    "an array twice": (b'"b":{', b'"a":{', "twice"),
    "NaN": (b'"shape":[4]', b'"shape":[NaN]', "NaN"),
    "infinity": (b'"shape":[4]', b'"shape":[-Infinity]', "-Infinity"),
    "a float that overflows": (b'"shape":[4]', b'"shape":[1e999]', "too large"),
    "a number of many digits": (b'"shape":[4]', b'"shape":[' + b"9" * 5000 + b"]", "JSON"),
    "deep nesting": (b'"shape":[4]', b'"shape":' + b"[" * 50_000 + b"]" * 50_000, "deeply"),
    "text that is not ASCII": (b'"note":"x"', '"note":"ü"'.encode(), "JSON"),
    "another format": (b'"format":"nnscratch"', b'"format":"other"', "not written by"),
}


@pytest.mark.parametrize("kind", CHANGED_HEADERS)
def test_a_header_that_lies_is_refused_although_the_digest_fits(path, contents, kind):
    old, new, told = CHANGED_HEADERS[kind]
    assert contents.count(old) == 1
    (length,) = struct.unpack("<Q", contents[:8])
    header = contents[8 : 8 + length].replace(old, new)
    changed = struct.pack("<Q", len(header)) + header + contents[8 + length :]
    digest = contents[contents.index(b'"digest":"') + 10 :][:64]
    blank = changed.replace(digest, b"0" * 64, 1)
    changed = changed.replace(digest, hashlib.sha256(blank).hexdigest().encode(), 1)
    assert told in refused(path, changed)


def test_without_a_digest_a_file_is_refused(path, contents):
    (length,) = struct.unpack("<Q", contents[:8])
    header = json.loads(contents[8 : 8 + length])
    del header["__metadata__"]["digest"]
    text = json.dumps(header).encode()
    assert "no digest" in refused(
        path, struct.pack("<Q", len(text)) + text + contents[8 + length :]
    )
