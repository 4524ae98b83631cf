"""Damages files of nnscratch in many ways and loads them: each gives one sentence, or is right.

    python tests/fuzz_saving.py --files 100000

Half of the files keep their digest and so are merely damaged: no such file may load. The others get
the digest that their contents ask for, as one would who means harm: they may load only if what they
say can be made. Nothing else may happen: no other exception, no second line, no memory beyond the
file's size plus 64 MiB, no change of the model, no file anywhere else.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import random
import resource
import struct
import tempfile
import traceback
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

import nnscratch as ns
from nnscratch import layers
from nnscratch.callbacks import BackupAndRestore, Callback, ReduceLROnPlateau

ALLOWED = 64 << 20
x = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
y = (x[:, :1] > 0).astype("float32")


# --- the files that are damaged -------------------------------------------------------------------


def sequential() -> Any:
    model = ns.Sequential(
        [
            layers.Dense(3, activation="relu", kernel_regularizer="l2", input_shape=(4,)),
            layers.BatchNormalization(),
            layers.Dropout(0.2, seed=1),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def functional() -> Any:
    a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
    shared = layers.Dense(3)
    inner = ns.Sequential([layers.Dense(2), layers.Reshape((2, 1)), layers.Flatten()])
    outputs = inner(layers.Concatenate()([shared(a), shared(b)]))
    model = ns.Model({"a": a, "b": b}, [outputs, layers.Dense(1)(outputs)])
    model.compile(
        ns.optimizers.SGD(ns.schedules.CosineDecay(0.1, 10), momentum=0.9), ["mse", "mae"]
    )
    return model


class Stop(Exception):  # noqa: N818 # it is no error
    """Ends a training from within."""


class Keeper(Callback):
    """Keeps nested numbers, text and arrays."""

    state_names = ("kept",)

    def __init__(self) -> None:
        self.kept = {"arrays": [np.arange(3.0), np.float32(1.5)], "text": "x", "none": None}


class StopAt(Callback):
    """Ends training after so many batches, or as soon as a state was put back."""

    runs_last = True

    def __init__(self, batches: int) -> None:
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if not self.batches:
            raise Stop

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.batches -= 1
        if not self.batches:
            raise Stop


def train(path: Path, model: Any, batches: int) -> None:
    """A training that goes on from `path` if that is there, and ends before its time."""
    seen = [Keeper(), ReduceLROnPlateau("loss"), BackupAndRestore(path, 1), StopAt(batches)]
    with suppress(Stop):
        model.fit(x, y, 4, 3, verbose=0, callbacks=seen)


def originals(folder: Path) -> dict[str, bytes]:
    """Files of every kind, by the name of what reads them."""
    ns.random.seed(0)
    path = folder / "original.safetensors"
    found = {}
    model = sequential()
    model.fit(x, y, verbose=0)
    model.save(path)
    found["load_model sequential"] = path.read_bytes()
    model.save_weights(path)
    found["load_weights"] = path.read_bytes()
    functional().save(path)
    found["load_model functional"] = path.read_bytes()
    path.unlink()
    train(path, sequential(), 4)
    found["restore"] = path.read_bytes()
    path.unlink()
    return found


# --- damage ---------------------------------------------------------------------------------------


def flip(contents: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(contents)
    for _ in range(rng.choice([1, 1, 2, 8, 100])):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def cut(contents: bytes, rng: random.Random) -> bytes:
    return contents[: rng.randrange(len(contents))]


def lengthen(contents: bytes, rng: random.Random) -> bytes:
    place = rng.choice([len(contents), rng.randrange(len(contents))])
    return contents[:place] + rng.randbytes(rng.choice([1, 8, 1000])) + contents[place:]


def grow_header(contents: bytes, rng: random.Random) -> bytes:
    length = rng.choice([rng.getrandbits(64), rng.getrandbits(32), len(contents), 0, 2**64 - 1])
    return struct.pack("<Q", length) + contents[8:]


def swap_blocks(contents: bytes, rng: random.Random) -> bytes:
    a, b, c = sorted(rng.randrange(len(contents) + 1) for _ in range(3))
    return contents[:a] + contents[b:c] + contents[a:b] + contents[c:]


def foreign(contents: bytes, rng: random.Random) -> bytes:
    kinds = [
        b"",
        rng.randbytes(rng.choice([7, 8, 9, 1000])),
        b"PK\x03\x04" + rng.randbytes(100),
        b"\x89HDF\r\n\x1a\n" + rng.randbytes(100),
        b"\x80\x04\x95" + rng.randbytes(100),
        struct.pack("<Q", 2) + b"{}",
        bytes(len(contents)),
    ]
    return rng.choice(kinds)


DAMAGE = (flip, flip, cut, lengthen, grow_header, swap_blocks, foreign)


# --- forgery --------------------------------------------------------------------------------------

STRANGE: list[Any] = [
    None, True, -1, 0, 1, 2, 2**31, 2**63, 10**40, 1.5, -0.0, 1e308, "", "x", "dense", "../../etc",
    "/etc/passwd", "nan", "\x00", "é数", [], {}, [[]], {"a": 1}, {"float": "nan"}, {"symbol": 0},
    {"dict": {}}, {"array": "state/0"}, {"function": "get"}, {"function": "system"},
    {"class_name": "layers.Dense", "config": {"units": 10**9}}, "os.system", "object", "O", "V1000",
    {"class_name": "os.system", "config": {}}, [1] * 100, "A" * 1000, 10**9, [10**9], [10**9] * 3,
    [None, 10**9], [None, [1] * 9], {"units": 10**9},
    {"class_name": "layers.Flatten", "config": {}},
    {"class_name": "layers.Reshape", "config": {"target_shape": [10**9, 10**9]}},
    {"class_name": "layers.RepeatVector", "config": {"n": 10**9}},
    {"class_name": "layers.Normalization", "config": {"mean": [1.0], "variance": [1.0]}},
    {"class_name": "layers.Embedding", "config": {"input_dim": 10**9, "output_dim": 10**9}},
    {"class_name": "layers.Dot", "config": {"axes": 1}},
    {"class_name": "initializers.Constant", "config": {"value": [1.0]}},
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in nested lists and dictionaries."""
    if not isinstance(value, dict | list):
        return [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [path] + [found for key, part in inner for found in places(part, (*path, key))]


def strange(rng: random.Random) -> Any:
    return copy.deepcopy(rng.choice(STRANGE))


def change(value: Any, rng: random.Random) -> Any:
    """The same nested value with something else somewhere."""
    for _ in range(rng.choice([1, 1, 1, 3])):
        path = rng.choice(places(value))
        if not path:
            if rng.random() < 0.1:
                return strange(rng)
            continue
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        kind, key = rng.random(), path[-1]
        if kind < 0.15:
            del holder[key]
        elif kind < 0.3 and isinstance(holder, dict):
            holder[str(strange(rng))] = holder.pop(key)
        elif kind < 0.4 and isinstance(holder, list):
            holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
        elif kind < 0.5 and isinstance(holder[key], int | float):
            holder[key] = holder[key] * rng.choice([-1, 2, 10**6, 0.5])
        elif kind < 0.6:
            other = value
            for step in rng.choice(places(value)):
                other = other[step]
            holder[key] = copy.deepcopy(other)
        else:
            holder[key] = strange(rng)
    return value


def spoil_text(text: str, rng: random.Random) -> str:
    """JSON with what `json.dumps` does not write."""
    old, new = rng.choice(
        [
            (":", ":NaN,"),
            ("[", "[Infinity,"),
            ("{", '{"name":1,"name":2,'),
            ("[", "[" * 9999),
            ("0", "1e999"),
            ("1", "9" * 5000),
            ('"', '"\\ud800'),
        ]
    )
    parts = text.split(old)
    if len(parts) < 2:
        return text
    place = rng.randrange(1, len(parts))
    return old.join(parts[:place]) + new + old.join(parts[place:])


def forge(contents: bytes, rng: random.Random) -> bytes:
    """A file with another header, or other numbers, and the digest that goes with it."""
    (length,) = struct.unpack("<Q", contents[:8])
    header, data = json.loads(contents[8 : 8 + length]), contents[8 + length :]
    texts = [
        key
        for key in ("architecture", "compile", "layers", "state")
        if key in header["__metadata__"]
    ]
    kind = rng.random()
    if kind < 0.6 and texts:
        key = rng.choice(texts)
        text = header["__metadata__"][key]
        if rng.random() < 0.9:
            text = json.dumps(change(json.loads(text), rng))
        header["__metadata__"][key] = text if rng.random() < 0.9 else spoil_text(text, rng)
    elif kind < 0.9:
        header = change(header, rng)
    else:
        data = flip(data, rng) if data else data
    text = json.dumps(header) if rng.random() < 0.97 else spoil_text(json.dumps(header), rng)
    encoded = text.encode()
    forged = struct.pack("<Q", len(encoded)) + encoded + data
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    digest = metadata.get("digest") if isinstance(metadata, dict) else None
    if not isinstance(digest, str) or len(digest) != 64:
        return forged
    blank = forged.replace(digest.encode(), b"0" * 64, 1)
    return forged.replace(digest.encode(), hashlib.sha256(blank).hexdigest().encode(), 1)


# --- loading --------------------------------------------------------------------------------------


def load(reader: str, path: Path, model: Any) -> None:
    if reader.startswith("load_model"):
        ns.load_model(path)
    elif reader == "load_weights":
        model.load_weights(path)
    else:
        train(path, sequential(), 0)


def what_is_wrong(reader: str, path: Path, model: Any, whole: bool) -> str | None:
    """Load one file; what happened that may not, None if nothing."""
    before = [array.tobytes() for array in model.get_weights()]
    try:
        load(reader, path, model)
    except ValueError as error:
        message = str(error)
        if not message.startswith(str(path)) or "\n" in message or not message.endswith("."):
            return f"not one sentence about the file: {message!r}"
        if [array.tobytes() for array in model.get_weights()] != before:
            return "the model was changed"
    except BaseException:  # what happens otherwise is what we are looking for
        return traceback.format_exc()
    else:
        if not whole:
            return "a damaged file was loaded"
    return None


def run(files: int, seed: int) -> Counter[str]:
    """Load so many files.

    Raises:
        AssertionError: something happened that may not; the file stays for inspection.
    """
    warnings.simplefilter("ignore")  # what forged numbers make NumPy say is not our subject
    rng = random.Random(seed)
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))  # spares the machine what it finds
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = originals(folder)
        path = folder / "damaged.safetensors"
        model = sequential()
        for reader, contents in whole.items():
            path.write_bytes(contents)
            assert what_is_wrong(reader, path, model, True) is None, reader
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(files):
            reader, contents = rng.choice(list(whole.items()))
            forged = rng.random() < 0.5
            damaged = forge(contents, rng) if forged else rng.choice(DAMAGE)(contents, rng)
            if damaged == contents:
                continue
            path.write_bytes(damaged)
            wrong = what_is_wrong(reader, path, model, forged)
            now = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            if (now - used) * 1024 > ALLOWED + len(damaged):
                wrong = wrong or f"{(now - used) / 1024:.0f} MiB of memory"
            strays = [one.name for one in folder.iterdir() if one != path]
            if wrong or strays:
                kept = Path(tempfile.gettempdir()) / f"fuzz-{seed}-{number}.safetensors"
                kept.write_bytes(damaged)
                raise AssertionError(f"{reader}, {kept}: {wrong or strays}")
            outcomes["forged" if forged else "damaged"] += 1
    return outcomes


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(f"{dict(run(arguments.files, arguments.seed))}: nothing happened that may not.")
