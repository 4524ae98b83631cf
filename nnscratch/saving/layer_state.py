"""What training depends on in the layers besides their weights: frozen or not, own generators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from nnscratch.autograd import Parameter
    from nnscratch.layers import Layer


def get_layer_state(model: Layer) -> dict[str, Any]:
    """Which layers and weights are frozen, and where the layers' own generators stand."""
    return {
        "trainable_layers": [layer.trainable for layer in all_layers(model)],
        "trainable_weights": [weight.trainable for weight in model.weights],
        "generators": [generator.bit_generator.state for generator in _generators(model)],
    }


def set_layer_state(model: Layer, state: dict[str, Any]) -> None:
    """Undo `get_layer_state` on a model of the same architecture.

    Raises:
        ValueError: a state of another architecture.
    """
    layers, generators = all_layers(model), _generators(model)
    pairs = (
        (layers, state["trainable_layers"]),
        (model.weights, state["trainable_weights"]),
        (generators, state["generators"]),
    )
    if any(len(own) != len(saved) for own, saved in pairs):
        raise ValueError(f"the state of the layers is not that of model {model.name!r}")
    for layer, trainable in zip(layers, state["trainable_layers"], strict=True):
        layer.trainable = bool(trainable)  # outer layers first: each one reaches what is inside
    for weight, trainable in zip(model.weights, state["trainable_weights"], strict=True):
        weight.trainable = bool(trainable)
    for generator, saved in zip(generators, state["generators"], strict=True):
        generator.bit_generator.state = saved


def all_layers(model: Layer) -> list[Layer]:
    """A model and all layers in it, each once, outer ones before inner ones."""
    found: dict[Layer, None] = {}
    stack = [model]
    while stack:
        layer = stack.pop()
        if layer not in found:
            found[layer] = None
            stack.extend(reversed(layer.sublayers))
    return list(found)


def owners(model: Layer) -> dict[Parameter, str]:
    """The name of the innermost layer that each weight of a model belongs to."""
    return {weight: layer.name for layer in all_layers(model) for weight in layer.weights}


def _generators(model: Layer) -> list[np.random.Generator]:
    """Generators that layers keep for themselves, as seeded dropout does."""
    return [
        value
        for layer in all_layers(model)
        for value in vars(layer).values()
        if isinstance(value, np.random.Generator)
    ]
