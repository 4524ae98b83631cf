"""What was computed on a GPU is recorded on the host, and explained like anything else."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.explainer.document import document
from nnscratch.explainer.recording import record_tape
from tests.explainer.reading import numbers_of

pytestmark = pytest.mark.usefixtures("cupy")


def network() -> ns.Sequential:
    ns.random.seed(0)
    model = ns.Sequential(
        [
            ns.layers.Dense(5, "relu", input_shape=(4,), name="hidden"),
            ns.layers.LayerNormalization(),
            ns.layers.Dense(3, "softmax", name="head"),
        ]
    )
    model.compile("sgd", "categorical_crossentropy")
    return model


X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
Y = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]


def loss_of(model: Any, device: str) -> ns.Tensor:
    x, y = ns.Tensor(X).to(device), ns.Tensor(Y).to(device)
    return ns.losses.CategoricalCrossentropy()(y, model(x))


def test_the_recording_is_on_the_host_and_has_the_same_numbers():
    on_gpu = record_tape(loss_of(network().to("gpu"), "gpu"))
    on_cpu = record_tape(loss_of(network(), "cpu"))
    assert [entry.op for entry in on_gpu.forward] == [entry.op for entry in on_cpu.forward]
    for entry, expected in zip(on_gpu.entries, on_cpu.entries, strict=True):
        assert type(entry.value) is np.ndarray
        np.testing.assert_allclose(entry.value, expected.value, rtol=1e-5, atol=1e-6)
        if expected.gradient is not None:
            assert type(entry.gradient) is np.ndarray
            np.testing.assert_allclose(entry.gradient, expected.gradient, rtol=1e-4, atol=1e-6)
    for edge in on_gpu.edges:
        assert edge.contribution is None or type(edge.contribution) is np.ndarray
    assert on_gpu.loss.device == "gpu:0"


def test_its_document_is_complete():
    described = document(record_tape(loss_of(network().to("gpu"), "gpu")), "on a GPU")
    json.dumps(described, allow_nan=False)
    ops = [entry for entry in described["entries"] if entry["kind"] == "op"]
    assert all(entry["seconds"]["forward"] > 0 for entry in ops)
    assert {entry["implementation"]["name"] for entry in ops} == {"cupy"}
    assert all(entry["checks"]["finite"]["ok"] for entry in ops)
    assert any(one["losses"] for one in described["breaks"])
    names: dict[str, Any] = {"print": lambda *_: None}
    exec(described["program"], names)
    assert len(names["gradients"]) == 6


def test_a_tensor_that_moves_between_devices():
    w = ns.Tensor(np.arange(3.0), requires_grad=True)
    loss = (w.to("gpu") * 2).to("cpu").sum()
    recording = record_tape(loss)
    assert [entry.device for entry in recording.forward] == ["gpu:0", "gpu:0", "cpu", "cpu"]
    described = document(recording, "there and back")
    assert described["breaks"][2]["losses"] is not None
    names: dict[str, Any] = {"print": lambda *_: None}
    exec(described["program"], names)
    (gradient,) = names["gradients"].values()
    np.testing.assert_array_equal(gradient, [2, 2, 2])


def test_training_steps_on_a_gpu():
    def weights(recorded: bool) -> list[Any]:
        model = network().to("gpu")
        if not recorded:
            model.fit(X, Y, batch_size=3, epochs=2, verbose=0)
            return model.get_weights()
        with ns.record(model, 3) as run:
            model.fit(X, Y, batch_size=3, epochs=2, verbose=0)
        kernel = model.get_layer("hidden").kernel
        for step in run.moments:
            moment = step[kernel]
            for numbers in (moment.value, moment.gradient, moment.update):
                assert type(numbers) is np.ndarray
            np.testing.assert_allclose(moment.update, -0.01 * moment.gradient, atol=1e-7)
        json.dumps(run._described(run.recording), allow_nan=False)
        return model.get_weights()

    for ours, theirs in zip(weights(True), weights(False), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_notebook_shows_where_it_is():
    x = ns.Tensor(np.ones(2), requires_grad=True).to("gpu")
    assert "on gpu:0" in x._repr_html_()
    assert "to_device" in x._repr_html_()


def test_an_index_on_a_gpu_is_explained_on_the_host(cupy):
    x = ns.Tensor(np.arange(12.0).reshape(3, 4), requires_grad=True)
    taken = x.to("gpu")[:, cupy.asarray([0, 2, 2])]
    described = document(record_tape((taken * taken).sum()), "Columns")
    (entry,) = [entry for entry in described["entries"] if entry["op"] == "getitem"]
    assert described["forms"][entry["form"]] == {"sources": [{"map": "from 0"}]}
    places = np.arange(12).reshape(3, 4)[:, [0, 2, 2]]
    np.testing.assert_array_equal(numbers_of(entry["known"]["from 0"]["array"]), places.ravel())
