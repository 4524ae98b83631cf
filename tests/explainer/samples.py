"""Recordings and documents that the tests and the pictures share."""

from __future__ import annotations

import json
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import nnscratch as ns
from nnscratch.explainer.document import document
from nnscratch.explainer.recording import record_tape

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscratch.explainer.recording import Recording
    from nnscratch.explainer.run import Run


@cache
def tiny() -> Recording:
    """b = a + a; c = b + b."""
    a = ns.Tensor(3.0, requires_grad=True)
    b = a + a
    c = b + b
    return record_tape(c, {id(a): "a", id(b): "b", id(c): "c"})


@cache
def arrays() -> Recording:
    """A product, a bias that is broadcast, a value that is used three times, a mean."""
    random = np.random.default_rng(0)
    x = random.normal(size=(4, 3)).astype(np.float32)
    W = ns.Tensor(random.normal(size=(3, 2)).astype(np.float32), requires_grad=True)
    b = ns.Tensor(np.array([0.25, -0.5], np.float32), requires_grad=True)
    h = np.tanh(x @ W + b)
    g = h * h + h
    loss = g.mean()
    names = {id(x): "x", id(W): "W", id(b): "b", id(h): "h", id(g): "g", id(loss): "loss"}
    return record_tape(loss, names)


@cache
def network(layers: int = 3, frozen: int | None = None) -> Recording:
    """A classifier of Dense layers with its loss."""
    random = np.random.default_rng(1)
    ns.random.seed(1)
    model = ns.Sequential(
        [
            ns.layers.Dense(6, "relu", input_shape=(5,), name="dense_0"),
            *(ns.layers.Dense(6, "tanh", name=f"dense_{i}") for i in range(1, layers - 1)),
            ns.layers.Dense(3, "softmax", name=f"dense_{layers - 1}"),
        ]
    )
    if frozen is not None:
        model.layers[frozen].trainable = False
    x = random.normal(size=(8, 5)).astype(np.float32)
    y = np.eye(3, dtype=np.float32)[random.integers(0, 3, 8)]
    loss = ns.losses.CategoricalCrossentropy()(y, model(x, training=True))
    return record_tape(loss, {id(x): "x", id(y): "y"})


@cache
def large() -> Recording:
    """A matrix whose cells have no room for their numbers."""
    x = ns.Tensor(np.random.default_rng(3).normal(size=(20, 12)), requires_grad=True)
    return record_tape((x * x).sum(), {id(x): "x"})


@cache
def long_chain() -> Recording:
    """2,001 ops outside of any layer, and one leaf that half of them use."""
    w = ns.Tensor(np.full(4, 0.99, np.float32), requires_grad=True)
    v = w
    for _ in range(1000):
        v = v * w + 0.01
    return record_tape(v.sum(), {id(w): "w"})


@cache
def not_a_number() -> Recording:
    """A logarithm of −2."""
    w = ns.Tensor(np.array([1.0, -2.0, 3.0], np.float32), requires_grad=True)
    with np.errstate(all="ignore"):
        return record_tape((np.log(w) * w).sum(), {id(w): "w"})


@cache
def training(
    optimizer: Any = None, steps: int = 10, prepare: Callable[[Any], object] | None = None
) -> dict[str, Any]:
    """The document of a run of training steps; one of the layers is frozen.

    Args:
        optimizer: of the model.
        steps: how many to record.
        prepare: what to do with the model before they are.
    """
    random = np.random.default_rng(2)
    ns.random.seed(2)
    model = ns.Sequential(
        [
            ns.layers.Dense(5, "tanh", input_shape=(4,), name="first"),
            ns.layers.Dense(5, "tanh", name="middle"),
            ns.layers.Dense(1, "sigmoid", name="last"),
        ]
    )
    model.layers[1].trainable = False
    model.compile(optimizer or ns.optimizers.Adam(0.02), "binary_crossentropy")
    x = random.normal(size=(steps * 8, 4)).astype(np.float32)
    y = (x[:, :1] > 0).astype(np.float32)
    if prepare is not None:
        prepare(model)
    with ns.record(model, steps=steps) as run:
        model.fit(x, y, batch_size=8, epochs=1, verbose=0, shuffle=False)
    return document_of_run(run)


def document_of_run(run: Run) -> dict[str, Any]:
    """The document in the page of a recorded run."""
    with tempfile.TemporaryDirectory() as folder:
        return document_in(run.explain(Path(folder) / "run.html", "Training a small network").path)


def document_in(file: Path) -> dict[str, Any]:
    """The document that stands in a page."""
    found = re.search(r'id="recorded">(.*?)</script>', file.read_text(encoding="utf-8"))
    assert found is not None
    read: dict[str, Any] = json.loads(found[1])
    return read


@cache
def described(recording: Recording, title: str = "A test") -> dict[str, Any]:
    """The document of a recording."""
    return document(recording, title)


RECORDINGS: dict[str, Callable[[], Recording]] = {
    "tiny": tiny,
    "arrays": arrays,
    "network": network,
    "twelve layers": lambda: network(12),
    "2,001 ops": long_chain,
    "NaN": not_a_number,
}
