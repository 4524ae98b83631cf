"""The document holds the tape's numbers as JSON, within limits, and nothing but text."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.explainer.arrays import BINS, MOST_NUMBERS, array, number
from nnscratch.explainer.document import MOST_NUMBERS_TOGETHER, document
from nnscratch.explainer.page import embedded
from nnscratch.explainer.recording import record_tape
from tests.explainer import samples


def decoded(described: dict[str, Any]) -> Any:
    data = np.frombuffer(base64.b64decode(described["data"]), "<f4")
    return data.reshape(described["rows"], described["columns"])


def network_recording() -> Any:
    random = np.random.default_rng(0)
    model = ns.Sequential(
        [
            ns.layers.Dense(5, "relu", input_shape=(4,), name="hidden"),
            ns.layers.Dropout(0.2),
            ns.layers.Dense(3, "softmax", name="head"),
        ]
    )
    x = random.normal(size=(6, 4)).astype(np.float32)
    loss = ns.losses.CategoricalCrossentropy()(
        np.eye(3)[[0, 1, 2, 0, 1, 2]], model(x, training=True)
    )
    return record_tape(loss, {id(x): "x"})


@pytest.fixture(scope="module")
def recording() -> Any:
    ns.random.seed(0)
    return network_recording()


@pytest.fixture(scope="module")
def described(recording) -> dict[str, Any]:
    return document(recording, "a title", {"hidden": "Dense"})


def test_it_is_json(described):
    text = json.dumps(described, allow_nan=False)
    assert json.loads(text) == described
    assert described["title"] == "a title"
    assert described["leftOut"] is None
    assert described["run"] is None


def test_entries_and_edges_are_those_of_the_recording(recording, described):
    assert [entry["id"] for entry in described["entries"]] == list(range(len(recording.entries)))
    for entry, text in zip(recording.entries, described["entries"], strict=True):
        assert (text["kind"], text["label"], text["op"]) == (entry.kind, entry.label, entry.op)
        assert text["inputs"] == [edge.index for edge in entry.inputs]
        assert text["value"]["shape"] == list(entry.value.shape)
        shown = decoded(text["value"]).reshape(entry.value.shape)
        np.testing.assert_array_equal(shown, entry.value.astype(np.float32))
        assert (text["gradient"] is None) == (entry.gradient is None)
        if entry.gradient is not None:
            shown = decoded(text["gradient"]).reshape(entry.gradient.shape)
            np.testing.assert_array_equal(shown, entry.gradient.astype(np.float32))
    for edge, text in zip(recording.edges, described["edges"], strict=True):
        assert (text["source"], text["target"]) == (edge.source.index, edge.target.index)
        assert text["argument"] == edge.argument
        assert (text["contribution"] is None) == (edge.contribution is None)
    assert described["forward"] == [entry.index for entry in recording.forward]
    assert described["backward"] == [entry.index for entry in recording.backward]
    assert described["loss"] == recording.loss.index


def test_ops_say_how_they_work(described):
    ops = [entry for entry in described["entries"] if entry["kind"] == "op"]
    assert ops
    for op in ops:
        assert described["ops"][op["op"]]["formula"].startswith("<math")
        assert described["ops"][op["op"]]["derivative"].startswith("<math")
        assert described["ops"][op["op"]]["rule"]
        assert op["origin"]["file"] == "test_document.py"
        assert op["origin"]["line"] > 0
        assert op["seconds"]["forward"] > 0
        assert op["implementation"]["name"] == "numpy"
        assert op["checks"]["finite"]["ok"]
        assert described["forms"][op["form"]]["forward"]["parts"]
    (dense, _) = [op for op in ops if op["op"] == "dense"]
    assert dense["parameters"] == {"activation": "'relu'"}
    assert dense["checks"]["torch"]["ok"]


def test_the_texts_of_an_op_stand_there_once():
    """A thousand ops of two kinds: their formulas would be most of the page."""
    described = samples.described(samples.long_chain())
    assert set(described["ops"]) == {"multiply", "add", "sum"}
    texts = json.dumps(described).count("<math")
    assert texts == 6  # a formula and a derivative of each
    assert len(described["forms"]) == 3


def test_layers_and_their_kinds(described):
    layers = {layer["name"]: layer for layer in described["layers"]}
    assert layers["hidden"]["kind"] == "Dense"
    assert layers["head"]["kind"] is None
    for layer in described["layers"]:
        for entry in layer["entries"]:
            assert described["entries"][entry]["layer"] == layer["name"]


def test_the_program_is_in_it(described):
    names: dict[str, Any] = {"print": lambda *_: None}
    exec(described["program"], names)
    assert set(names["gradients"]) == {"hidden_kernel", "hidden_bias", "head_kernel", "head_bias"}


def test_breaks_are_in_it(described):
    keys = [one["key"] for one in described["breaks"]]
    assert keys == ["assign", "depth-first", "not-zeroed", "no-unbroadcast", "no-mean", "saturated",
                    "zero-weights"]  # fmt: skip
    not_zeroed = described["breaks"][2]
    assert not_zeroed["why"] is None
    assert len(not_zeroed["gradients"]) == 4
    for gradient in not_zeroed["gradients"]:
        entry = described["entries"][gradient["entry"]]
        right, wrong = decoded(entry["gradient"]), decoded(gradient["wrong"])
        np.testing.assert_allclose(wrong, 2 * right, rtol=1e-5)
        assert entry["kind"] == "parameter"
    assert not_zeroed["contributions"] == not_zeroed["lost"] == not_zeroed["values"] == []
    assert len(not_zeroed["losses"]["right"]) == 20
    assert described["breaks"][0]["why"] is not None
    assert described["breaks"][0]["losses"] is None
    assert described["breaks"][0]["gradients"] == []


def test_what_is_wrong_on_the_way_stands_there_once(described):
    """No 1/6: six times as much all the way, where a single share is the source's gradient."""
    no_mean = described["breaks"][4]
    assert no_mean["key"] == "no-mean"
    wrong = {one["entry"]: decoded(one["wrong"]) for one in no_mean["gradients"]}
    for entry, numbers in wrong.items():
        right = decoded(described["entries"][entry]["gradient"])
        np.testing.assert_allclose(numbers, 6 * right, rtol=1e-4, atol=1e-7)
    edges = [described["edges"][one["edge"]] for one in no_mean["contributions"]]
    assert {edge["source"] for edge in edges} == set(wrong)
    assert all(one["wrong"] is None for one in no_mean["contributions"])


def test_a_page_with_all_mistakes_keeps_to_its_size():
    random = np.random.default_rng(0)
    sizes = [300] * 5
    model = ns.Sequential(
        [ns.layers.Dense(size, "tanh", input_shape=(300,) if not i else None)
         for i, size in enumerate(sizes)]
    )  # fmt: skip
    x = random.normal(size=(64, 300)).astype(np.float32)
    y = random.normal(size=(64, 300)).astype(np.float32)
    described = document(record_tape(ns.losses.MeanSquaredError()(y, model(x))), "large")

    def held(value: Any) -> int:
        if isinstance(value, dict):
            own = value["rows"] * value["columns"] if "data" in value else 0
            return own + sum(map(held, value.values()))
        return sum(map(held, value)) if isinstance(value, list) else 0

    wrong = [array for one in described["breaks"] for array in one["gradients"]]
    assert any(one["wrong"]["truncated"] for one in wrong)
    assert held(described["breaks"]) > 10_000
    assert held(described) <= MOST_NUMBERS_TOGETHER


# --- arrays ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [(), (1,), (7,), (3, 4), (2, 3, 4), (0,), (0, 3), (3, 0), (2, 0, 3)]
)
def test_an_array_comes_back(shape):
    values = np.random.default_rng(0).normal(size=shape)
    described = array(values)
    assert described["shape"] == list(shape)
    assert described["dtype"] == "float64"
    assert described["rows"] == math.prod(shape[:-1])
    assert described["columns"] == (shape[-1] if shape else 1)
    np.testing.assert_array_equal(decoded(described).ravel(), values.astype(np.float32).ravel())
    assert described["truncated"] is False
    if values.size:
        assert described["norm"] == pytest.approx(np.linalg.norm(values), rel=1e-8)
        assert described["min"] == pytest.approx(values.min(), rel=1e-8)
        assert described["max"] == pytest.approx(values.max(), rel=1e-8)
        assert described["mean"] == pytest.approx(values.mean(), rel=1e-8)
    else:
        assert (described["min"], described["norm"]) == (None, 0)


@pytest.mark.parametrize(
    ("shape", "corner"),
    [
        ((100, 100), (64, 64)),
        ((10_000,), (1, 4096)),
        ((5000, 2), (2048, 2)),
        ((3, 5000), (3, 1365)),
    ],
)
def test_of_a_large_array_a_corner_is_shown(shape, corner):
    values = np.random.default_rng(0).normal(size=shape)
    described = array(values)
    assert (described["rows"], described["columns"]) == corner
    assert described["truncated"]
    matrix = values.reshape(-1, shape[-1])[: corner[0], : corner[1]]
    np.testing.assert_array_equal(decoded(described), matrix.astype(np.float32))
    assert described["mean"] == pytest.approx(values.mean(), rel=1e-8)  # of all
    assert sum(described["histogram"]["counts"]) == values.size
    assert math.prod(corner) <= MOST_NUMBERS


def test_statistics_of_numbers_that_are_not_finite():
    described = array(np.array([np.nan, np.inf, -np.inf, 0.0, 1.0, 2.0] * 5))
    assert described["notFinite"] == 15
    assert described["zeros"] == pytest.approx(1 / 6)
    assert described["norm"] == "NaN"
    assert described["max"] == "NaN"
    assert sum(described["histogram"]["counts"]) == 15
    assert len(described["histogram"]["counts"]) == BINS
    json.dumps(described, allow_nan=False)
    assert array(np.array([np.inf, 1]))["max"] == "Infinity"
    assert array(np.array([-np.inf, 1]))["min"] == "-Infinity"


def test_numbers_that_float32_cannot_hold_are_no_error():
    described = array(np.array([1e300, -1e300, 1e-300]))
    np.testing.assert_array_equal(decoded(described), [[np.inf, -np.inf, 0]])
    assert described["max"] == 1e300
    json.dumps(described, allow_nan=False)


def test_numbers_too_close_together_for_a_histogram_are_no_error():
    described = array(np.array([1e30, np.nextafter(1e30, 2e30)] * 5))
    assert described["histogram"] is None
    assert described["norm"] == pytest.approx(np.sqrt(10) * 1e30)


def test_integers_and_booleans_are_shown():
    np.testing.assert_array_equal(decoded(array(np.array([[1, 2], [3, 4]]))), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(decoded(array(np.array([True, False]))), [[1, 0]])


@pytest.mark.parametrize(
    ("value", "text"), [(np.nan, "NaN"), (np.inf, "Infinity"), (-np.inf, "-Infinity"), (1.5, 1.5)]
)
def test_a_number_is_json(value, text):
    assert number(value) == number(np.float32(value)) == text


# --- special graphs -------------------------------------------------------------------------------


def test_a_graph_with_nan():
    x = ns.Tensor(np.array([-1.0, 1.0]), requires_grad=True)
    with np.errstate(all="ignore"):
        loss = np.log(x * 1).sum()
    described = document(record_tape(loss), "NaN")
    json.dumps(described, allow_nan=False)
    (log,) = [entry for entry in described["entries"] if entry["op"] == "log"]
    assert log["value"]["notFinite"] == 1


def test_of_several_results_each_is_described():
    x = ns.Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    left, right = np.split(x, [1])
    described = document(record_tape(left.sum() + 3 * right.sum()), "split")
    (split,) = [entry for entry in described["entries"] if entry["op"] == "split_array"]
    values = [decoded(result["value"]).tolist() for result in split["results"]]
    assert values == [[[0, 1]], [[2, 3], [4, 5]]]
    assert decoded(split["results"][1]["gradient"]).tolist() == [[3, 3], [3, 3]]


def test_text_arguments_stand_among_the_parameters():
    x = ns.Tensor(np.ones((2, 3)), requires_grad=True)
    described = document(record_tape(np.einsum("ij->", x)), "einsum")
    (einsum,) = [entry for entry in described["entries"] if entry["op"] == "einsum"]
    assert einsum["parameters"]["subscripts"] == "'ij->'"


@pytest.mark.parametrize("ops", [501, 3500])
def test_what_is_left_out_of_a_large_graph_is_said(ops):
    x = ns.Tensor(np.ones(2), requires_grad=True)
    y = x
    for _ in range(ops - 1):
        y = np.sin(y)
    described = document(record_tape(y.sum()), "large")
    assert "not checked, timed or broken" in described["leftOut"]
    assert ("500 are left out" in described["leftOut"]) == (ops == 3500)
    assert described["breaks"] == []
    assert described["program"].startswith("#")
    assert all(entry["checks"] is None for entry in described["entries"])


def test_nothing_of_the_users_ends_the_script():
    hostile = '</script><script>alert("x")</script><!--'
    layer = ns.layers.Dense(2, name=hostile)
    layer.build((None, 3))
    layer.kernel.name = hostile
    text = embedded(document(record_tape(layer(np.ones((2, 3))).sum()), hostile))
    assert "<" not in text.replace("\\u003c", "")
    assert json.loads(text)["title"] == hostile
    labels = [entry["label"] for entry in json.loads(text)["entries"]]
    assert hostile in labels


def test_only_formulas_are_markup(described):
    def texts(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            for name, inner in value.items():
                yield from texts(inner, name)
        elif isinstance(value, list):
            for inner in value:
                yield from texts(inner, key)
        elif isinstance(value, str) and "<math" in value:
            yield key

    assert set(texts(described)) == {"formula", "derivative"}
