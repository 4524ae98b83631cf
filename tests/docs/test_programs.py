"""The programs on the pages that Sphinx cannot run: they need Keras, PyTorch or a GPU.

Everything else on the pages is a doctest, which the build of the docs runs.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import nnscratch as ns
from tests.gpu import cupy_on_host
from tests.gpu.conftest import cupy_of_a_gpu

DOCS = Path(__file__).parents[2] / "docs"
BESIDE = {
    "layers": {"FlaxLayer", "InputSpec", "JaxLayer", "MaxNumBoundingBoxes", "Pipeline"}
    | {"TFSMLayer", "TorchModuleWrapper", "Wrapper"},
    "losses": set(),
    "metrics": set(),
    "optimizers": {"OptimizerMap"},
    "callbacks": {"ProgbarLogger"},
}
"""By family what Keras offers beside what a program asks for by name: its own tools and bridges."""

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def programs(page: str) -> list[str]:
    """The Python programs on a page, without the doctests."""
    text = (DOCS / page).read_text("utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def test_every_other_program_is_a_doctest():
    found = {path.name for path in DOCS.rglob("*.md") if programs(str(path.relative_to(DOCS)))}
    assert found == {"from_keras.md", "from_pytorch.md", "gpu.md", "saving.md"}


def test_a_keras_program_by_its_import_lines():
    imports, whole = programs("from_keras.md")
    names: dict[str, Any] = {}
    exec(imports, names)
    for line in imports.splitlines():
        package = getattr(keras, line.partition("# keras.")[2])
        for name in re.findall(r"\b[A-Z]\w+", line.partition(" import ")[2].partition("#")[0]):
            assert names[name].__module__.startswith("nnscratch.")
            assert getattr(package, name).__name__ == name
    x, y = np.random.default_rng(0).normal(size=(8, 4)), np.arange(8) % 3
    logs = []
    for program in (whole, whole.replace("import nnscratch as keras", "import keras")):
        exec(program, names)
        names["model"].fit(x, y, verbose=0)
        logs.append(sorted(names["model"].history.history))
    assert logs[0] == logs[1]


@pytest.mark.parametrize("family", BESIDE)
def test_the_page_says_what_keras_has_and_nnscratch_does_not(family):
    page = (DOCS / "from_keras.md").read_text("utf-8")
    (row,) = re.findall(rf"^\| {family} \| (.*) \|$", page, flags=re.MULTILINE)
    words, others = page.split("## What is not here")[0], BESIDE[family]
    missing = {
        name
        for name in classes(getattr(keras, family)) - others
        if not hasattr(getattr(ns, family), name) and f"`{name}`" not in words
    }
    found = set()
    for pattern in re.findall(r"`([A-Z][\w…]+)`", row):
        matching = re.compile(pattern.replace("…", r"\w*"))
        named = set(filter(matching.fullmatch, missing))
        assert named, f"{pattern} is in nnscratch, or not in Keras"
        found |= named
    assert missing - found == set()


def classes(module: Any) -> set[str]:
    """The names of a module's public classes."""
    return {name for name, value in vars(module).items() if isinstance(value, type)}


def test_weights_of_pytorch(capsys):
    (program,) = programs("from_pytorch.md")
    exec(program, {})
    assert float(capsys.readouterr().out) < 1e-6


def test_weights_that_keras_has_trained(tmp_path, monkeypatch):
    (program,) = programs("saving.md")
    layers = [
        keras.layers.Input((20,)),
        keras.layers.Dense(64, "relu"),
        keras.layers.Dense(1, "sigmoid"),
    ]
    theirs = keras.Sequential(layers)
    theirs.save(tmp_path / "trained_in_keras.keras")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(program, names)
    x = np.random.default_rng(0).normal(size=(5, 20))
    np.testing.assert_allclose(
        names["model"].predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-5
    )


def test_on_a_gpu_or_its_stand_in(monkeypatch):
    if cupy_of_a_gpu() is None:
        for name, module in cupy_on_host.stand_in().items():
            monkeypatch.setitem(sys.modules, name, module)
    (program,) = programs("gpu.md")
    generator = np.random.default_rng(0)
    names: dict[str, Any] = {"x": generator.random((40, 784)), "y": np.arange(40) % 10}
    exec(program, names)
    model, probabilities = names["model"], names["probabilities"]
    assert type(probabilities) is np.ndarray
    assert probabilities.shape == (40, 10)
    assert model.device == "cpu"
    np.testing.assert_allclose(model.predict(names["x"], verbose=0), probabilities, rtol=1e-4)
