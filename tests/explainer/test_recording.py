"""A recording holds the tape's own numbers, in the engine's order, and leaves the tape alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.autograd.backward import walk
from nnscratch.explainer.breaking import breaks
from nnscratch.explainer.recording import record_tape


def by_label(recording: Any, label: str) -> Any:
    (found,) = [entry for entry in recording.entries if entry.label == label]
    return found


def small_network() -> tuple[Any, dict[int, str], dict[str, ns.Tensor]]:
    random = np.random.default_rng(0)
    named = {
        "x": ns.Tensor(random.normal(size=(5, 4))),
        "w": ns.Tensor(random.normal(size=(4, 3)), requires_grad=True),
        "b": ns.Tensor(random.normal(size=3), requires_grad=True),
        "y": ns.Tensor(random.normal(size=(5, 3))),
    }
    h = np.tanh(named["x"] @ named["w"] + named["b"])
    named |= {"h": h}
    loss = np.mean(np.square(h + h * named["b"] - named["y"]))
    return loss, {id(tensor): name for name, tensor in named.items()}, named


def test_values_and_gradients_are_those_of_the_tape():
    loss, names, named = small_network()
    recording = record_tape(loss, names)
    named["h"].retain_grad()
    loss.backward()
    for name in ("w", "b", "h"):
        entry = by_label(recording, name)
        np.testing.assert_array_equal(entry.value, named[name].numpy())
        np.testing.assert_array_equal(entry.gradient, named[name].grad.numpy())
    assert recording.loss.value == loss.item()
    assert recording.loss.gradient == 1
    assert by_label(recording, "x").gradient is None


def test_orders_are_those_of_the_tape_and_of_the_walk():
    loss, names, _ = small_network()
    visited: list[Any] = []
    walk([loss], [np.ones(())], retain_graph=True, watch=lambda node, g, sent: visited.append(node))
    recording = record_tape(loss, names)
    assert [entry.node for entry in recording.backward] == visited
    serials = [entry.node.serial for entry in recording.forward]
    assert serials == sorted(serials)
    for edge in recording.edges:
        assert edge.source.index < edge.target.index


def test_contributions_add_up_to_the_gradient():
    recording = record_tape(*small_network()[:2])
    for entry in recording.entries:
        shares = [edge.contribution for edge in entry.uses if edge.contribution is not None]
        if entry.gradient is not None and entry is not recording.loss:
            np.testing.assert_allclose(sum(shares), entry.gradient, rtol=1e-12)
        else:
            assert shares == []
    assert len([e for e in by_label(recording, "b").uses if e.contribution is not None]) == 2


def test_broadcasting_is_kept_as_it_was_before_it_was_undone():
    recording = record_tape(*small_network()[:2])
    for edge in by_label(recording, "b").uses:
        assert edge.before.shape == (5, 3)
        np.testing.assert_allclose(edge.before.sum(axis=0), edge.contribution, rtol=1e-12)
    assert all(edge.before is None for edge in by_label(recording, "w").uses)


def test_recording_changes_nothing():
    loss, names, named = small_network()
    named["w"].grad = ns.Tensor(np.full((4, 3), 7.0))
    named["h"].retain_grad()
    record_tape(loss, names)
    record_tape(loss, names)
    np.testing.assert_array_equal(named["w"].grad.numpy(), np.full((4, 3), 7.0))
    assert named["h"].grad is None
    assert named["b"].grad is None
    loss.backward()  # the tape is still there
    assert named["h"].grad is not None
    assert named["b"].grad is not None


def test_what_was_recorded_stays_when_the_weights_change():
    layer = ns.layers.Dense(2)
    x = np.ones((3, 4), np.float32)
    recording = record_tape(layer(x).sum())
    before = layer.kernel.numpy().copy()
    layer.kernel.assign(np.zeros((4, 2)))
    x[:] = 9
    np.testing.assert_array_equal(by_label(recording, "kernel").value, before)
    np.testing.assert_array_equal(by_label(recording, "input").value, np.ones((3, 4)))


def test_a_view_of_a_weight_stays_when_the_weight_changes():
    w = ns.Parameter(np.arange(6.0).reshape(2, 3), name="w")
    recording = record_tape(np.sum(w.T * 2))
    w.assign(np.zeros((2, 3)))
    (transposed,) = [entry for entry in recording.forward if entry.op == "transpose"]
    np.testing.assert_array_equal(transposed.value, np.arange(6.0).reshape(2, 3).T)


def test_kinds_and_labels():
    layer = ns.layers.Dense(2, name="head")
    frozen = ns.Parameter(np.ones(2, np.float32), name="scale", trainable=False)
    leaf = ns.Tensor(np.ones(2, np.float32), requires_grad=True)
    data = np.ones((3, 4), np.float32)
    loss = np.sum(layer(data) * frozen * leaf * 2.5)
    recording = record_tape(loss, {id(leaf): "gain", id(loss): "total"})
    kinds = {entry.label: entry.kind for entry in recording.entries}
    expected = {
        "input": "input",
        "kernel": "parameter",
        "bias": "parameter",
        "scale": "parameter",
        "gain": "variable",
        "2.5": "constant",
        "total": "op",
    }
    assert expected.items() <= kinds.items()
    assert recording.loss.label == "total"
    assert by_label(recording, "scale").gradient is None
    assert by_label(recording, "kernel").layer == "head"


def test_an_array_is_one_entry_and_a_number_a_new_one_each_time():
    x = ns.Tensor(np.ones(3), requires_grad=True)
    data = np.arange(3.0)
    recording = record_tape(np.sum(x * data * 2 + data * 2 * x))
    kinds = [entry.kind for entry in recording.entries]
    assert kinds.count("input") == 2  # data, and data * 2, which NumPy has computed by itself
    assert kinds.count("constant") == 1
    recording = record_tape(np.sum(x * 2 * 2))
    assert [entry.kind for entry in recording.entries].count("constant") == 2


def test_arguments_that_are_no_numbers_have_no_edge():
    x = ns.Tensor(np.ones((2, 3)), requires_grad=True)
    w = ns.Tensor(np.ones((3, 2)), requires_grad=True)
    product = record_tape(np.sum(np.einsum("ij,jk->ik", x, w))).forward[0]
    assert [edge.argument for edge in product.inputs] == [1, 2]
    assert product.others == {0: "ij,jk->ik"}
    normalized = record_tape(np.sum(ns.ops.layer_normalization(x, None, None))).forward[0]
    assert [edge.argument for edge in normalized.inputs] == [0]
    assert normalized.others == {1: None, 2: None}


def test_each_result_of_an_op_has_its_value_and_gradient():
    a = ns.Tensor(np.arange(6.0).reshape(3, 2) + 1, requires_grad=True)
    left, right = np.split(a, [1])
    (split,) = [
        e for e in record_tape((left * 2).sum() + (right**2).sum()).forward if "split" in e.op
    ]
    np.testing.assert_array_equal(split.outputs[0], [[1, 2]])
    np.testing.assert_array_equal(split.outputs[1], [[3, 4], [5, 6]])
    np.testing.assert_array_equal(split.gradients[0], [[2, 2]])
    np.testing.assert_array_equal(split.gradients[1], [[6, 8], [10, 12]])
    (split,) = [e for e in record_tape(np.split(a, [1])[1].sum()).forward if "split" in e.op]
    assert split.gradient is None
    np.testing.assert_array_equal(split.gradients[1], np.ones((2, 2)))


def test_a_loss_may_be_one_of_several_results():
    """The logarithm of a determinant is the second result of slogdet."""
    A = ns.Tensor(np.array([[2.0, 0.3], [0.5, 1.0]]), requires_grad=True)
    _, logdet = np.linalg.slogdet(A)
    recording = record_tape(logdet, {id(A): "A", id(logdet): "logdet"})
    assert recording.loss.label == "logdet"
    np.testing.assert_allclose(recording.loss.value, np.linalg.slogdet(A.numpy())[1])
    (entry,) = recording.leaves
    np.testing.assert_allclose(entry.gradient, np.linalg.inv(A.numpy()).T)
    assert all(one.values == {} for one in breaks(recording)[:5])
    logdet.backward()
    np.testing.assert_allclose(A.grad.numpy(), entry.gradient)


@pytest.mark.parametrize("most_ops", [1, 4, 10])
def test_the_ops_nearest_to_the_loss_are_kept(most_ops):
    x = ns.Tensor(np.array([0.5, -0.25]), requires_grad=True)
    y = x
    for _ in range(9):
        y = np.sin(y) + x
    loss = y.sum()
    whole, part = record_tape(loss), record_tape(loss, most_ops=most_ops)
    assert len(part.forward) == most_ops
    assert part.left_out == len(whole.forward) - most_ops
    assert [e.node for e in part.forward] == [e.node for e in whole.forward[-most_ops:]]
    edge_of_the_world = [e for e in part.leaves if "left out" in e.label]
    assert len(edge_of_the_world) == 1
    for entry in edge_of_the_world:
        (same,) = [e for e in whole.forward if e.node is entry.tensor.node]
        np.testing.assert_array_equal(entry.value, same.value)
        np.testing.assert_array_equal(entry.gradient, same.gradient)
