"""Files made to do harm: one sentence, nothing run, no memory beyond the file's size and 64 MiB."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch import layers
from nnscratch.saving.tensor_file import write


def model() -> Any:
    made = ns.Sequential([layers.Dense(3, activation="relu", input_shape=(4,)), layers.Dense(1)])
    made.compile("adam", "mse")
    return made


def forged(path: Path, change: Any) -> None:
    """Save a model, change the header, and give it the digest that goes with it."""
    model().save(path)
    contents = path.read_bytes()
    (length,) = struct.unpack("<Q", contents[:8])
    header, data = json.loads(contents[8 : 8 + length]), contents[8 + length :]
    change(header)
    header["__metadata__"]["digest"] = "0" * 64
    text = json.dumps(header).encode()
    blank = struct.pack("<Q", len(text)) + text + data
    digest = hashlib.sha256(blank).hexdigest()
    path.write_bytes(blank.replace(b"0" * 64, digest.encode(), 1))


def refused(path: Path) -> str:
    with pytest.raises(ValueError, match="cannot be loaded") as caught:
        ns.load_model(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def in_architecture(change: Any) -> Any:
    def changed(header: dict[str, Any]) -> None:
        metadata = header["__metadata__"]
        architecture = json.loads(metadata["architecture"])
        change(architecture["config"])
        metadata["architecture"] = json.dumps(architecture)

    return changed


def set_first_layer(**config: Any) -> Any:
    return in_architecture(lambda model: model["layers"][0]["config"].update(config))


def replace_first_layer(class_name: str, **config: Any) -> Any:
    return in_architecture(
        lambda model: model["layers"][0].update(class_name=class_name, config=config)
    )


ARCHITECTURES = {
    "a class of Python": (replace_first_layer("os.system", command="true"), "os.system"),
    "a builtin": (replace_first_layer("eval", source="1"), "'eval'"),
    "a function as a class": (replace_first_layer("relu"), "not a class"),
    "a helper as a class": (replace_first_layer("get"), "'get'"),
    "something that is no layer": (replace_first_layer("initializers.Zeros"), "takes layers"),
    "no name": (replace_first_layer(None), "None"),
    "a name that is a list": (replace_first_layer(["Dense"]), "Dense"),
    "an unknown argument": (set_first_layer(command="true"), "command"),
    "an unknown activation": (set_first_layer(activation="system"), "no activation called"),
    "an unknown function": (set_first_layer(activation={"function": "system"}), "'system'"),
    "more units than numbers": (set_first_layer(units=10**9), "more than the arrays"),
    "impossibly many units": (set_first_layer(units=10**30), "more than the arrays"),
    "negative units": (set_first_layer(units=-3), "positive integer"),
    "other units": (set_first_layer(units=2), "another architecture"),
    "a huge input": (
        in_architecture(lambda model: model.update(input_shape=[None, 10**12])),
        "more than the arrays",
    ),
    "an input of objects": (set_first_layer(dtype="O"), "dtype object"),
    "records": (set_first_layer(dtype="V1000000000"), "dtype"),
    "text as dtype": (set_first_layer(dtype="<U1000000000"), "<U1000000000"),
    "a layer's name that is none": (set_first_layer(name=["dense"]), "name is text"),
    "no layers": (in_architecture(lambda model: model.update(layers=[])), "another architecture"),
    "layers that are none": (in_architecture(lambda model: model.update(layers=7)), "int"),
    "nothing": (lambda header: header["__metadata__"].update(architecture="null"), "not that of"),
    "no JSON": (lambda header: header["__metadata__"].update(architecture="}"), "Expecting"),
    "nested": (
        lambda header: header["__metadata__"].update(architecture="[" * 99_999 + "]" * 99_999),
        "deeply",
    ),
    "NaN": (lambda header: header["__metadata__"].update(architecture="[NaN]"), "holds NaN"),
    "no architecture": (lambda header: header["__metadata__"].pop("architecture"), "architecture"),
    "a wrong layer state": (
        lambda header: header["__metadata__"].update(layers='{"dict":{}}'), "trainable_layers"
    ),
    "an array that is not there": (
        lambda header: header["__metadata__"].update(layers='{"array":"../../etc/passwd"}'),
        "etc/passwd",
    ),
    "an optimizer of Python": (
        lambda header: header["__metadata__"].update(
            compile='{"optimizer":{"class_name":"subprocess.Popen","config":{"args":"true"}}}'
        ),
        "subprocess.Popen",
    ),
    "an argument that compile lacks": (
        lambda header: header["__metadata__"].update(compile='{"command":"true"}'), "command"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_an_architecture_that_lies_is_refused_although_the_digest_fits(path, kind):
    change, told = ARCHITECTURES[kind]
    forged(path, change)
    assert told in refused(path)


def test_an_unchanged_forgery_loads(path):
    """So that the others fail for the reason that they are made for."""
    forged(path, lambda header: None)
    assert isinstance(ns.load_model(path), ns.Sequential)


def test_names_of_arrays_lead_nowhere(path, tmp_path):
    def rename(header: dict[str, Any]) -> None:
        names = list(header)
        for name in names:
            value = header.pop(name)
            header[name.replace("weights/", "weights/../../../tmp/")] = value

    forged(path, rename)
    before = set(tmp_path.rglob("*"))
    loaded = ns.load_model(path)  # names are for people; order and shapes decide
    assert len(loaded.weights) == 4
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["dense_" + "9" * 5000, "x_٣", "_", "_7", "dense_", ""])
def test_odd_names_of_layers_do_no_harm(path, name):
    forged(path, set_first_layer(name=name))
    ns.load_model(path)
    layers.Dense(1)


def test_a_functional_model_whose_calls_lead_nowhere(path):
    inputs = layers.Input((4,))
    ns.Model(inputs, layers.Dense(1)(layers.Dense(3)(inputs))).save(path)
    contents = path.read_bytes()
    for old, new in (('{\\"symbol\\":2}', '{\\"symbol\\":9}'), ('\\"layer\\":1', '\\"layer\\":7')):
        assert contents.count(old.encode()) == 1
        digest = contents[contents.index(b'"digest":"') + 10 :][:64]
        blank = contents.replace(old.encode(), new.encode()).replace(digest, b"0" * 64)
        changed = blank.replace(b"0" * 64, hashlib.sha256(blank).hexdigest().encode(), 1)
        path.write_bytes(changed)
        assert "index out of range" in refused(path)


# --- memory ---------------------------------------------------------------------------------------

LIMITED = """
import resource, sys, json
import numpy as np
import nnscratch as ns
from nnscratch import layers, models
from nnscratch.models import loading, keras_files
from nnscratch.saving import tensor_file

folder, path, reader = sys.argv[1:]
small = ns.Sequential([layers.Dense(3, input_shape=(4,)), layers.Dense(1)])
small.compile("adam", "mse")
small.save(folder + "/small.safetensors")
ns.load_model(folder + "/small.safetensors")
model = None
if reader == "load_weights":
    model = ns.Sequential([layers.Dense(4000, input_shape=(4000,))])
    model(np.zeros((1, 4000), "float32"))

with open("/proc/self/statm") as file:
    mapped = int(file.read().split()[0]) * resource.getpagesize()
import os
allowed = mapped + os.path.getsize(path) + (64 << 20)
resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))
try:
    if reader == "load_model":
        model = ns.load_model(path)
    else:
        model.load_weights(path)
    print("loaded", float(model.weights[0].numpy()[-1, -1]))
except ValueError as error:
    assert str(error).startswith(path) and "MemoryError" not in str(error), error
    assert "allocate" not in str(error), error
    print("refused")
"""


def loaded_within_limits(folder: Path, path: Path, reader: str = "load_model") -> list[str]:
    """What a process says that may map the file's size and 64 MiB more than it has now."""
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, folder, path, reader],
        capture_output=True, text=True, check=False,
        env={"OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


@pytest.mark.parametrize("reader", ["load_model", "load_weights"])
def test_a_large_file_takes_no_more_memory_than_its_size(tmp_path, path, reader):
    large = ns.Sequential([layers.Dense(4000, input_shape=(4000,))])
    large.weights[0].data[-1, -1] = 0.5
    large.save(path)
    assert path.stat().st_size > 64_000_000
    assert loaded_within_limits(tmp_path, path, reader) == ["loaded", "0.5"]


GREEDY = {
    "units": set_first_layer(units=10**9),
    "an input": in_architecture(lambda model: model.update(input_shape=[None, 10**9])),
    "a list as a length": in_architecture(
        lambda model: (
            model.update(input_shape=[None, [1] * 9]),
            model["layers"][0]["config"].update(units=10**9),
        )
    ),
    "a list as a layer's length": in_architecture(
        lambda model: (
            model.update(input_shape=None),
            model["layers"][0]["config"].update(input_shape=[[1] * 9], units=10**9),
        )
    ),
    "a shape": lambda header: header.update(
        more={"dtype": "F64", "shape": [10**9], "data_offsets": [0, 8 * 10**9]}
    ),
    "a repeated vector": replace_first_layer("layers.RepeatVector", n=10**12, input_shape=[9]),
    "an embedding": replace_first_layer(
        "layers.Embedding", input_dim=10**6, output_dim=10**6, input_shape=[9]
    ),
    "objects": lambda header: header["__metadata__"].update(more="[" + "{}," * 700_000 + "{}]"),
    "objects that are parsed": lambda header: header["__metadata__"].update(
        architecture="[" + "{}," * 30_000 + "{}]"
    ),
    "wide text that is parsed": lambda header: header["__metadata__"].update(
        architecture=json.dumps("\U0001f600" * 170_000)
    ),
    "many names": lambda header: header.update(
        {f"a{i}": {"dtype": "F32", "shape": [0], "data_offsets": [76, 76]} for i in range(15_000)}
    ),
}


@pytest.mark.parametrize("kind", GREEDY)
def test_a_small_file_cannot_ask_for_much_memory(tmp_path, path, kind):
    forged(path, GREEDY[kind])
    assert path.stat().st_size < 5 << 20
    assert loaded_within_limits(tmp_path, path) == ["refused"]


def test_wide_text_takes_little_memory(tmp_path, path):
    forged(path, lambda header: header["__metadata__"].update(more="\U0001f600" * 340_000))
    assert loaded_within_limits(tmp_path, path)[0] == "loaded"


def test_a_huge_file_of_zeros_takes_no_memory(tmp_path, path):
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", 2**33))
        file.truncate(2**33 + 8)  # a hole that takes no disk
    program = LIMITED.replace("os.path.getsize(path)", "0")
    run = subprocess.run(
        [sys.executable, "-c", program, tmp_path, path, "load_model"],
        capture_output=True, text=True, check=True,
        env={"OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert run.stdout.split() == ["refused"]


# --- many -----------------------------------------------------------------------------------------


def test_some_thousand_damaged_files():
    """The same as `python tests/fuzz_saving.py` with its 100,000, in small."""
    script = Path(__file__).parents[1] / "fuzz_saving.py"
    run = subprocess.run(
        [sys.executable, script, "--files", "3000", "--seed", "1"],
        capture_output=True, text=True, check=False,
        env={"OMP_NUM_THREADS": "1", "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "nothing happened that may not" in run.stdout


def test_arrays_that_a_model_does_not_have_are_not_read(path):
    """A file may hold more than is looked at; what is looked at must fit."""
    write(path, {"weights/a": np.zeros(3), "other": np.zeros(10**6)}, {"content": "weights"})
    with pytest.raises(ValueError, match="another architecture"):
        model().load_weights(path)
