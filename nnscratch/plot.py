"""Pictures of a model by matplotlib: where its gradients vanish, its weights, what it decides.

    ns.plot.gradient_flow(model, x, y)

Each function draws into `ax`, or into a new figure, and returns the Axes: change them, or save the
picture with `ax.figure.savefig(...)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.saving.layer_state import owners

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscratch.autograd import Parameter
    from nnscratch.models import Model

SMALLEST = 1e-12
"""What a gradient of 0 is drawn as on the logarithmic axis."""

RESOLUTION = 200
"""Points of a decision boundary's grid along each axis."""

MARGIN = 0.1
"""How far a decision boundary reaches beyond the data, as a share of their range."""


def gradient_flow(model: Model, x: Any = None, y: Any = None, ax: Any = None) -> Any:
    """Draw how long the gradient of each weight is, from the first layer to the last.

    For each weight the root mean square of its gradient's elements and the largest magnitude, on a
    logarithmic axis: where bars fall by orders of magnitude towards the first layers, gradients
    vanish; where they grow, they explode.

    Args:
        model: compiled if `x` and `y` are given.
        x: a batch of inputs; without one the gradients that the last backward pass left are drawn.
        y: its targets.
        ax: matplotlib Axes to draw into.

    Returns:
        The Axes, whose two series of bars are labelled "root mean square" and "largest".

    Raises:
        ValueError: there are no gradients, or only one of `x` and `y` is given.
    """
    named = _named_weights(model)
    gradients = _gradients(model, list(named.values()), x, y)
    drawn = {
        name: gradients[weight] for name, weight in named.items() if gradients[weight] is not None
    }
    if not drawn:
        raise ValueError(
            f"No weight of model {model.name!r} has a gradient: give a batch x and y, or call "
            f"backward() on a loss first."
        )
    rms = [float(np.sqrt(np.mean(np.square(g, dtype=np.float64)))) for g in drawn.values()]
    largest = [float(np.max(np.abs(g), initial=0.0)) for g in drawn.values()]
    ax = _axes(ax, width=max(5.0, 0.6 * len(drawn)))
    places = np.arange(len(drawn))
    ax.bar(places, np.maximum(largest, SMALLEST), 0.8, label="largest", color="tab:orange")
    ax.bar(places, np.maximum(rms, SMALLEST), 0.5, label="root mean square", color="tab:blue")
    ax.set_yscale("log")
    ax.set_xticks(places, list(drawn), rotation=45, ha="right")
    ax.set(title="Gradient of each weight", ylabel="magnitude")
    ax.legend()
    return ax


def weights(model: Model, bins: int = 40, ax: Any = None) -> Any:
    """Draw how the numbers of each weight are distributed.

    Args:
        model: built.
        bins: of the histograms, which share their edges.
        ax: matplotlib Axes to draw into.

    Returns:
        The Axes, with a line for each weight, labelled by layer and name.

    Raises:
        ValueError: the model has no weights yet.
    """
    named = {name: weight.numpy() for name, weight in _named_weights(model).items()}
    if not named:
        raise ValueError(
            f"Model {model.name!r} has no weights yet: give input_shape, or call it on a batch."
        )
    finite = np.concatenate([values[np.isfinite(values)].ravel() for values in named.values()])
    edges = np.histogram_bin_edges(finite, bins)
    ax = _axes(ax)
    for name, values in named.items():
        counts, _ = np.histogram(values[np.isfinite(values)], edges)
        ax.stairs(counts / max(1, values.size), edges, label=f"{name} {values.shape}")
    ax.set(title="Distribution of the weights", xlabel="value", ylabel="share of the weight")
    ax.legend()
    return ax


def decision_boundary(
    model: Model, x: Any, y: Any, ax: Any = None, resolution: int = RESOLUTION
) -> Any:
    """Draw what a model of two inputs decides over the plane, and the data.

    With one output, its value and the line where it is ½; with several, the class of the largest.

    Args:
        model: takes inputs of shape (n, 2).
        x: shape (n, 2).
        y: classes, shape (n,) or (n, 1), or one-hot, shape (n, classes).
        ax: matplotlib Axes to draw into.
        resolution: points along each axis.

    Raises:
        ValueError: inputs of another shape.
    """
    points, labels = np.asarray(x), _classes(y)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(labels):
        raise ValueError(
            f"decision_boundary takes x of shape (n, 2) and y with n classes, got shapes "
            f"{points.shape} and {np.shape(y)}: choose two features."
        )
    low, high = points.min(axis=0), points.max(axis=0)
    reach = MARGIN * np.where(high > low, high - low, 1.0)
    horizontal, vertical = (
        np.linspace(a, b, resolution) for a, b in zip(low - reach, high + reach, strict=True)
    )
    grid = np.stack(np.meshgrid(horizontal, vertical), axis=-1).reshape(-1, 2)
    outputs = np.asarray(model.predict(grid.astype(points.dtype), batch_size=4096, verbose=0))
    outputs = outputs.reshape(len(grid), -1)
    ax = _axes(ax)
    if outputs.shape[1] == 1:
        values = outputs.reshape(resolution, resolution)
        colours = {"cmap": "RdBu_r", "alpha": 0.6}
        ax.contourf(horizontal, vertical, values, np.linspace(0, 1, 11), extend="both", **colours)
        ax.contour(horizontal, vertical, values, [0.5], colors="black", linewidths=1)
        ax.scatter(*points.T, c=labels, cmap="RdBu_r", edgecolors="white", s=24, linewidths=0.6)
    else:
        count = max(outputs.shape[1], int(labels.max()) + 1)
        values = outputs.argmax(axis=1).reshape(resolution, resolution)
        shared = {"cmap": "tab10" if count <= 10 else "tab20", "vmin": 0, "vmax": max(9, count - 1)}
        ax.pcolormesh(horizontal, vertical, values, alpha=0.4, shading="nearest", **shared)
        ax.scatter(*points.T, c=labels, edgecolors="white", s=24, linewidths=0.6, **shared)
    ax.set(title="Decision boundary", xlabel="feature 0", ylabel="feature 1")
    return ax


def confusion_matrix(
    y_true: Any,
    y_pred: Any,
    labels: Sequence[str] | None = None,
    normalize: bool = False,
    ax: Any = None,
) -> Any:
    """Draw how often each class was taken for each class.

    Args:
        y_true: classes, shape (n,) or (n, 1), or one-hot, shape (n, classes).
        y_pred: the same, or what a model predicts: probabilities of shape (n, classes), or of
            shape (n, 1) or (n,), of which those above ½ are class 1.
        labels: names of the classes, by default their numbers.
        normalize: show shares of the true class instead of counts.
        ax: matplotlib Axes to draw into.

    Returns:
        The Axes; `ax.images[0].get_array()` is the matrix, rows true, columns predicted.

    Raises:
        ValueError: another number of predictions than of targets, or of labels than of classes.
    """
    true, predicted = _classes(y_true), _classes(y_pred)
    if len(true) != len(predicted):
        raise ValueError(
            f"confusion_matrix got {len(true)} targets and {len(predicted)} predictions: give one "
            f"prediction for each target."
        )
    count = 1 + int(max(true.max(initial=0), predicted.max(initial=0)))
    names = [str(i) for i in range(count)] if labels is None else [str(label) for label in labels]
    if len(names) < count:
        raise ValueError(f"confusion_matrix got {len(names)} labels for {count} classes.")
    matrix = np.zeros((len(names), len(names)))
    np.add.at(matrix, (true, predicted), 1)
    if normalize:
        matrix /= np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    ax = _axes(ax)
    image = ax.imshow(matrix, cmap="Blues", vmin=0)
    middle = matrix.max() / 2
    for (row, column), value in np.ndenumerate(matrix):
        text = f"{value:.2f}" if normalize else f"{value:.0f}"
        colour = "white" if value > middle else "black"
        ax.text(column, row, text, ha="center", va="center", color=colour)
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(len(names)), names)
    ax.set(title="Confusion matrix", xlabel="predicted", ylabel="true")
    ax.figure.colorbar(image, ax=ax, label="share" if normalize else "samples")
    return ax


def _axes(ax: Any, width: float = 6.0) -> Any:
    """The Axes to draw into: those given, or new ones."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=(width, 4.5), layout="constrained")[1]


def _named_weights(model: Model) -> dict[str, Parameter]:
    """The weights by the name of the innermost layer and their own, in the model's order."""
    layer_of = owners(model)
    names: dict[str, Parameter] = {}
    for weight in model.weights:
        name, number = f"{layer_of[weight]}/{weight.name}", 1
        while name in names:
            number += 1
            name = f"{layer_of[weight]}/{weight.name}_{number}"
        names[name] = weight
    return names


def _gradients(model: Model, of: list[Parameter], x: Any, y: Any) -> dict[Parameter, Any]:
    """The gradient of each weight as an array, None where there is none; `.grad` stays."""
    if (x is None) != (y is None):
        raise ValueError("gradient_flow takes both x and y, or neither.")
    if x is None:
        return {weight: None if weight.grad is None else weight.grad.numpy() for weight in of}
    from nnscratch.explainer.recording import record_tape

    loss = model.compute_loss(x, y, model(x, training=True))
    found = {entry.tensor: entry.gradient for entry in record_tape(loss).leaves}
    return {weight: found.get(weight) for weight in of}


def _classes(values: Any) -> Any:
    """Classes as integers, shape (n,): from classes, one-hot rows, or probabilities."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] > 1:
        return array.argmax(axis=1)
    array = array.reshape(-1)
    if array.dtype.kind == "f" and not np.array_equal(array, np.rint(array)):
        return (array > 0.5).astype(np.intp)
    return array.astype(np.intp)
