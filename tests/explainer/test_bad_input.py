"""What cannot be explained is said in a sentence; what is too large is cut, which is said too."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

import nnscratch as ns


def document_of(path: Any) -> dict[str, Any]:
    """The document inside a page."""
    text = path.read_text(encoding="utf-8")
    (found,) = re.findall(r'<script type="application/json" id="recorded">(.*?)</script>', text)
    return json.loads(found)


FUNCTIONS = {
    "explain": lambda loss: ns.explain(loss, "/nonexistent/never-written.html"),
    "explain_text": ns.explain_text,
    "graph": ns.graph,
    "backward_source": ns.backward_source,
}


def freed() -> ns.Tensor:
    loss = np.exp(ns.Tensor(1.0, requires_grad=True))
    loss.backward()
    return loss


def half_freed() -> ns.Tensor:
    x = ns.Tensor(1.0, requires_grad=True)
    shared = np.exp(x)
    loss = shared * 2
    (shared * 3).backward()
    return loss


def without_recording() -> ns.Tensor:
    with ns.no_grad():
        return np.exp(ns.Tensor(1.0, requires_grad=True))


BAD = {
    "a number": (lambda: 3.0, TypeError, "a Tensor, can be explained, got float"),
    "an array": (lambda: np.ones(1), TypeError, "got ndarray"),
    "None": (lambda: None, TypeError, "got NoneType"),
    "a leaf": (lambda: ns.Tensor(1.0, requires_grad=True), RuntimeError, "no recorded op"),
    "a constant": (lambda: ns.Tensor(1.0) * 2, RuntimeError, "requires_grad=True"),
    "no_grad": (without_recording, RuntimeError, "outside ns.no_grad()"),
    "integers": (lambda: ns.Tensor([1, 2]).sum(), RuntimeError, "no recorded op"),
    "freed": (freed, RuntimeError, "was freed by backward()"),
    "half freed": (half_freed, RuntimeError, "retain_graph=True"),
    "several elements": (
        lambda: np.exp(ns.Tensor(np.ones((2, 3)), requires_grad=True)),
        ValueError,
        r"one element can be explained, got shape (2, 3)",
    ),
    "no elements": (
        lambda: np.exp(ns.Tensor(np.ones(0), requires_grad=True)),
        ValueError,
        "got shape (0,)",
    ),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_explained_is_said_in_a_sentence(name, function):
    make, error_type, words = BAD[name]
    with pytest.raises(error_type) as caught:
        FUNCTIONS[function](make())
    message = str(caught.value)
    assert words in message
    assert message.endswith(".")
    assert not re.search(r"\. [A-Z]|\n", message)


@pytest.mark.parametrize("place", ["no such folder/page.html", ".", "page.html/page.html"])
def test_a_path_that_cannot_be_written(place, tmp_path):
    (tmp_path / "page.html").write_text("a file, not a folder")
    loss = np.exp(ns.Tensor(1.0, requires_grad=True))
    with pytest.raises(OSError, match="give another path"):
        ns.explain(loss, tmp_path / place)
    assert (tmp_path / "page.html").read_text() == "a file, not a folder"
    loss.backward()  # the tape is as it was


def test_one_element_of_any_shape_will_do(tmp_path):
    x = ns.Tensor(np.ones((1, 1, 1)), requires_grad=True)
    document = document_of(ns.explain(np.exp(x), tmp_path / "page.html").path)
    assert document["entries"][document["loss"]]["value"]["shape"] == [1, 1, 1]


def test_a_graph_with_nan_is_a_page(tmp_path):
    x = ns.Tensor(np.array([-1.0, 0.0, 1.0]), requires_grad=True)
    with np.errstate(all="ignore"):
        loss = np.sum(np.log(x) * 2)
    document = document_of(ns.explain(loss, tmp_path / "page.html").path)
    assert document["entries"][document["loss"]]["value"]["notFinite"] == 1
    with np.errstate(all="ignore"):
        assert "nan" in ns.explain_text(loss)
        assert "nan" in ns.backward_source(ns.Tensor(np.nan, requires_grad=True) * 2)
    assert ns.graph(loss).svg


def test_empty_arrays_are_a_page(tmp_path):
    x = ns.Tensor(np.ones((0, 3)), requires_grad=True)
    document = document_of(ns.explain(np.exp(x).sum(), tmp_path / "page.html").path)
    assert document["entries"][0]["value"]["shape"] == [0, 3]
    assert "(0, 3)" in ns.explain_text(np.exp(x).sum())


def test_inside_no_grad_a_recorded_loss_can_be_explained(tmp_path):
    x = ns.Tensor(np.ones(3), requires_grad=True)
    loss = np.mean(np.square(x * x - 0.3))
    with ns.no_grad():
        document = document_of(ns.explain(loss, tmp_path / "page.html").path)
    assign = document["breaks"][0]
    assert assign["why"] is None
    assert len(assign["losses"]["right"]) == 20


def test_a_hundred_thousand_ops_are_a_page_of_the_last_ones(tmp_path):
    x = ns.Tensor(np.ones(3), requires_grad=True)
    y: Any = x
    for _ in range(50_000):
        y = np.tanh(y) * 1.01
    loss = y.sum()
    page = ns.explain(loss, tmp_path / "page.html")
    document = document_of(page.path)
    assert len(document["forward"]) == 3000
    assert document["leftOut"].startswith("The graph has 100001 ops; the 3000 nearest to the loss")
    assert page.path.stat().st_size < 20_000_000
    assert "99601 ops farther" in " ".join(ns.explain_text(loss).split())
    loss.backward()
    shown = document["entries"][0]  # where the cut is
    assert shown["gradient"]["norm"] > 0


def test_under_a_profiler_the_page_goes_without_kernels(tmp_path):
    import cProfile

    loss = np.exp(ns.Tensor(np.ones(3), requires_grad=True)).sum()
    profiler = cProfile.Profile()
    page = profiler.runcall(ns.explain, loss, tmp_path / "page.html")
    assert all(entry["implementation"] is None for entry in document_of(page.path)["entries"])
