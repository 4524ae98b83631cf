"""Pictures of a model: what was drawn is what the model says."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt

import nnscratch as ns

generator = np.random.default_rng(0)
x = generator.normal(size=(40, 2)).astype("float32")
y = (x[:, 0] * x[:, 1] > 0).astype("float32")


@pytest.fixture(autouse=True)
def _without_a_screen():
    with mpl.rc_context({"backend": "agg"}):
        yield
        plt.close("all")


@pytest.fixture
def model() -> ns.Sequential:
    model = ns.Sequential(
        [ns.layers.Dense(4, "tanh", input_shape=(2,)), ns.layers.Dense(1, "sigmoid")]
    )
    model.compile("adam", "binary_crossentropy")
    return model


def bars(ax):
    return {
        container.get_label(): [bar.get_height() for bar in container]
        for container in ax.containers
    }


def test_gradient_flow_draws_the_gradients_that_pytorch_gives(model):
    ax = ns.plot.gradient_flow(model, x, y)
    tensors = [torch.tensor(w, requires_grad=True) for w in model.get_weights()]
    hidden = torch.tanh(torch.tensor(x) @ tensors[0] + tensors[1])
    p = torch.sigmoid(hidden @ tensors[2] + tensors[3])[:, 0]
    torch.nn.functional.binary_cross_entropy(p, torch.tensor(y)).backward()
    drawn = bars(ax)
    np.testing.assert_allclose(
        drawn["largest"], [t.grad.abs().max().item() for t in tensors], rtol=1e-4
    )
    np.testing.assert_allclose(
        drawn["root mean square"],
        [t.grad.square().mean().sqrt().item() for t in tensors],
        rtol=1e-4,
    )
    names = [label.get_text() for label in ax.get_xticklabels()]
    assert names == [
        f"{layer.name}/{weight}" for layer in model.layers for weight in ("kernel", "bias")
    ]
    assert ax.get_yscale() == "log"
    assert all(weight.grad is None for weight in model.weights)


def test_gradient_flow_of_the_last_backward_pass_without_frozen_layers(model):
    with pytest.raises(ValueError, match="has a gradient: give a batch"):
        ns.plot.gradient_flow(model)
    model.layers[0].trainable = False
    model.train_on_batch(x, y)
    largest = bars(ns.plot.gradient_flow(model))["largest"]
    expected = [np.abs(weight.grad.numpy()).max() for weight in model.weights[2:]]
    np.testing.assert_allclose(largest, expected, rtol=1e-6)
    with pytest.raises(ValueError, match="both x and y"):
        ns.plot.gradient_flow(model, x)


def test_weights_draws_the_share_in_each_bin(model):
    ax = ns.plot.weights(model, bins=10)
    shapes = [weight.shape for weight in model.weights]
    assert [text.get_text().split(" ", 1)[1] for text in ax.get_legend().get_texts()] == [
        str(shape) for shape in shapes
    ]
    for patch, weight in zip(ax.patches, model.get_weights(), strict=True):
        values, edges, _ = patch.get_data()
        np.testing.assert_allclose(values, np.histogram(weight, edges)[0] / weight.size)
    with pytest.raises(ValueError, match="has no weights yet"):
        ns.plot.weights(ns.Sequential([ns.layers.Dense(1)]))


def test_decision_boundary_follows_the_model(model):
    ax = ns.plot.decision_boundary(model, x, y, resolution=30)
    points = ax.collections[-1]
    np.testing.assert_allclose(points.get_offsets(), x)
    np.testing.assert_array_equal(points.get_array(), y)
    (line,) = (c for c in ax.collections if len(getattr(c, "levels", [])) == 1)
    on_it = np.concatenate([path.vertices for path in line.get_paths()])
    assert len(on_it)
    np.testing.assert_allclose(model.predict(on_it.astype("float32")), 0.5, atol=0.02)
    low, high = ax.get_xlim()
    assert low < x[:, 0].min() < x[:, 0].max() < high


def test_decision_boundary_of_several_classes():
    model = ns.Sequential([ns.layers.Dense(3, "softmax", input_shape=(2,))])
    ax = ns.plot.decision_boundary(model, x, np.eye(3)[np.arange(40) % 3], resolution=20)
    mesh, points = ax.collections
    np.testing.assert_array_equal(points.get_array(), np.arange(40) % 3)
    corners = mesh.get_coordinates()
    centres = (corners[:-1, :-1] + corners[1:, 1:]) / 2
    expected = model.predict(centres.reshape(-1, 2).astype("float32")).argmax(axis=1)
    assert np.mean(mesh.get_array().ravel() == expected) > 0.99
    with pytest.raises(ValueError, match=r"takes x of shape \(n, 2\)"):
        ns.plot.decision_boundary(model, x[:, :1], y)


@pytest.mark.parametrize(
    ("true", "predicted", "matrix"),
    [
        ([0, 1, 1, 2], [0, 1, 2, 2], [[1, 0, 0], [0, 1, 1], [0, 0, 1]]),
        ([[0.0], [1.0], [1.0]], [[0.2], [0.9], [0.4]], [[1, 0], [1, 1]]),
        (np.eye(2)[[0, 1]], [[0.9, 0.1], [0.8, 0.2]], [[1, 0], [1, 0]]),
    ],
)
def test_confusion_matrix(true, predicted, matrix):
    ax = ns.plot.confusion_matrix(true, predicted)
    np.testing.assert_array_equal(ax.images[0].get_array(), matrix)
    assert [text.get_text() for text in ax.texts] == [str(n) for row in matrix for n in row]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")


def test_confusion_matrix_of_shares_with_names():
    figure, ax = plt.subplots()
    drawn = ns.plot.confusion_matrix([0, 1, 1], [0, 0, 1], ["cat", "dog"], normalize=True, ax=ax)
    assert drawn is ax
    assert ax.figure is figure
    np.testing.assert_array_equal(ax.images[0].get_array(), [[1, 0], [0.5, 0.5]])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["cat", "dog"]
    with pytest.raises(ValueError, match="3 targets and 2 predictions"):
        ns.plot.confusion_matrix([0, 1, 1], [0, 0])
    with pytest.raises(ValueError, match="1 labels for 2 classes"):
        ns.plot.confusion_matrix([0, 1], [0, 0], ["cat"])
