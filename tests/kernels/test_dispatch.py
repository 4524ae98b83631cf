"""Which implementation runs: the table, the block, the environment; and what `which` says of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
import nnscratch_kernels
from nnscratch_kernels import auto, backend, dispatch, numba_kernels, numpy_kernels, tuned, which
from nnscratch_kernels.thresholds import LEAST, MEASURED, NEVER

x = np.linspace(-3, 3, 5000, dtype=np.float32)


@pytest.fixture
def table(tmp_path, monkeypatch) -> Any:
    """A table of this machine's own, in a folder for the test; gives a function to write it."""
    monkeypatch.setenv("NNSCRATCH_CACHE_DIR", str(tmp_path))
    tuned._in_force.cache_clear()

    def write(entries: Any) -> Path:
        return tuned.save(entries)

    yield write
    tuned._in_force.cache_clear()


def ran(kernel: Any, *arrays: Any) -> str:
    """Which implementation a call ran: the two differ in their last bits, which both are right."""
    result = kernel(*arrays)
    exact = [np.array_equal(result, k.gelu(*arrays)) for k in (numpy_kernels, numba_kernels)]
    assert exact in ([True, False], [False, True])
    return "numpy" if exact[0] else "numba"


def test_the_table_has_an_entry_for_every_compiled_kernel():
    assert sorted(MEASURED) == dir(numba_kernels)
    for single, double in MEASURED.values():
        assert LEAST <= single <= NEVER
        assert LEAST <= double <= NEVER


@pytest.mark.parametrize("size", [4999, 5000])
def test_the_table_decides_by_size(table, size):
    table({"gelu": {"f": 5000, "d": NEVER}})
    kernel = dispatch.dispatched(numpy_kernels.gelu)
    expected = "numba" if size >= 5000 else "numpy"
    assert ran(kernel, x[:size]) == expected
    assert which("gelu", x[:size]).implementation == expected
    assert ran(kernel, x[:size].astype(np.float64)) == "numpy"
    assert which("gelu", x[:size].astype(np.float64)).implementation == "numpy"


@pytest.mark.parametrize("chosen", ["numpy", "numba"])
def test_a_block_overrules_the_table(table, chosen):
    table({"gelu": {"f": 5000, "d": 5000}})
    kernel = dispatch.dispatched(numpy_kernels.gelu)
    for array in (x[:10], x):
        with backend(chosen):
            assert ran(kernel, array) == chosen
            assert which("gelu", array) == (
                chosen,
                f"The backend {chosen!r} was chosen for this block.",
            )
            with backend("auto"):
                assert ran(kernel, array) == ("numba" if len(array) == 5000 else "numpy")
            assert ran(kernel, array) == chosen
        decorated = ns.backend(chosen)(lambda array: ran(kernel, array))
        assert decorated(array) == chosen
        assert ran(kernel, array) == ("numba" if len(array) == 5000 else "numpy")


def test_each_thread_has_a_backend_of_its_own(table):
    table({"gelu": {"f": 5000, "d": 5000}})
    found = []
    with backend("numba"):
        other = threading.Thread(target=lambda: found.append(which("gelu", x[:10])))
        other.start()
        other.join(timeout=60)
    assert found[0].implementation == "numpy"


def test_a_backend_that_there_is_not():
    with (
        pytest.raises(ValueError, match="one of 'auto', 'numpy', 'numba', got 'torch'"),
        backend("torch"),
    ):
        pass


def test_arrays_by_name_and_of_other_kinds(table):
    table({"gelu": {"f": 0, "d": 0}, "global_norm": {"f": 0, "d": 0}})
    kernel = dispatch.dispatched(numpy_kernels.gelu)
    np.testing.assert_array_equal(kernel(x=x), numba_kernels.gelu(x))
    np.testing.assert_array_equal(
        kernel(x.astype(np.float16)), numpy_kernels.gelu(x.astype(np.float16))
    )
    np.testing.assert_array_equal(kernel(1.5), numpy_kernels.gelu(1.5))
    norm = dispatch.dispatched(numpy_kernels.global_norm)
    assert norm([x, x]) == numba_kernels.global_norm([x, x])


def test_which_explains():
    assert which("layer_norm", x) == which("layer_normalization", x)
    assert "fewer than" in which("gelu", x[:3]).reason
    assert "not for int64" in which("gelu", np.arange(3)).reason
    assert "no faster version" in which("sparsemax", x).reason
    with pytest.raises(ValueError, match=r"no kernel 'gleu': did you mean .*'gelu'"):
        which("gleu", x)


def test_auto_has_every_kernel():
    assert dir(auto) == dir(numpy_kernels)
    assert auto.sparsemax.__wrapped__ is numpy_kernels.sparsemax
    with pytest.raises(AttributeError, match="no attribute 'gleu'"):
        _ = auto.gleu


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"gelu": {"f": 1}}', '{"gelu": {"f": -1, "d": 0}}']
)
def test_a_table_that_cannot_be_used_is_told_and_left(table, content):
    file = table({})
    file.write_text(content)
    tuned._in_force.cache_clear()
    with pytest.warns(UserWarning, match="run `nnscratch tune` again"):
        assert tuned.thresholds()["gelu"] == dict(zip("fd", MEASURED["gelu"], strict=True))


def python(program: str, **variables: str) -> str:
    """What a new Python process prints, on either stream."""
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return finished.stdout + finished.stderr


def test_small_arrays_do_not_load_numba(tmp_path):
    program = """
import sys, numpy as np, nnscratch as ns
model = ns.Sequential([ns.layers.Dense(64, "gelu", input_dim=20), ns.layers.Dense(10, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(np.random.random((200, 20)), np.arange(200) % 10, verbose=0)
print("numba" in sys.modules, "llvmlite" in sys.modules)
"""
    assert python(program, NNSCRATCH_CACHE_DIR=str(tmp_path)) == "False False\n"


def test_the_environment_chooses(tmp_path):
    program = """
import numpy as np, nnscratch_kernels as k
print(k.which("gelu", np.zeros(3)).implementation)
"""
    for chosen in ("numpy", "numba"):
        assert python(program, NNSCRATCH_BACKEND=chosen).splitlines()[-1] == chosen
    said = python(program, NNSCRATCH_BACKEND="nupmy")
    assert "NNSCRATCH_BACKEND is one of 'auto', 'numpy', 'numba', got 'nupmy'" in said


def test_a_machine_s_own_table_is_used_by_new_processes(tmp_path):
    shipped = json.dumps({"gelu": {"f": 7, "d": 8}})
    program = f"""
import json, numpy as np, nnscratch_kernels as k
from nnscratch_kernels import tuned
tuned.save(json.loads({shipped!r}))
print(k.which("gelu", np.zeros(8)))
"""
    said = python(program, NNSCRATCH_CACHE_DIR=str(tmp_path))
    assert "Numba is faster from 8 elements of float64 on (measured here by tune)" in said


def test_the_package_says_what_it_has():
    assert set(nnscratch_kernels.__all__) >= {"backend", "which", "thread_count"}


@pytest.mark.parametrize("name", dir(numba_kernels))
def test_compiled_kernels_are_called_as_their_references(name):
    reference, compiled = (getattr(k, name) for k in (numpy_kernels, numba_kernels))
    asked, given = (signature(kernel).parameters.values() for kernel in (reference, compiled))
    assert [(p.name, p.default, p.kind) for p in given] == [
        (p.name, p.default, p.kind) for p in asked
    ]
    assert compiled.__doc__
