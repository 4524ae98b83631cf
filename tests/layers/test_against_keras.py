"""Every layer that draws no random numbers against Keras's, in both modes and both precisions."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import torch

import nnscratch as ns
from nnscratch import layers
from nnscratch.naming import forget_names

pytestmark = [
    # Keras reads its torch variables through an __array__ that knows no copy=.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.usefixtures("keras_in_double_precision"),
]


class Case(NamedTuple):
    """A layer's class, the arguments of its constructor, and the shape or shapes of its inputs."""

    name: str
    options: dict[str, Any]
    shapes: Any

    def __str__(self) -> str:
        options = ",".join(f"{key}={value}" for key, value in self.options.items())
        return f"{self.name}({options})-{self.shapes}"

    def inputs(self, dtype: str = "float64") -> Any:
        """Numbers of both signs; for Embedding integers, among them equal ones."""
        generator = np.random.default_rng(3)
        if self.name == "Embedding":
            return generator.integers(self.options["input_dim"], size=self.shapes)
        shapes = self.shapes if isinstance(self.shapes, list) else [self.shapes]
        arrays = [generator.normal(0.3, 1.5, shape).astype(dtype) for shape in shapes]
        return arrays if isinstance(self.shapes, list) else arrays[0]


def case(name: str, shapes: Any, **options: Any) -> Case:
    return Case(name, options, shapes)


TWO, THREE = [(4, 3), (4, 3)], [(4, 3), (4, 3), (4, 3)]
CASES = [
    *(
        case("Activation", (4, 5), activation=name)
        for name in ("relu", "tanh", "softmax", "gelu", "linear")
    ),
    case("ReLU", (4, 5)),
    case("ReLU", (4, 5), max_value=1.0, negative_slope=0.2, threshold=0.4),
    case("LeakyReLU", (4, 5)),
    case("LeakyReLU", (2, 3, 5), negative_slope=0.0),
    case("ELU", (4, 5)),
    case("ELU", (4, 5), alpha=0.5),
    case("PReLU", (4, 5)),
    case("PReLU", (4, 2, 5), shared_axes=[1]),
    case("PReLU", (4, 2, 5), shared_axes=2),
    case("Softmax", (4, 5)),
    case("Softmax", (4, 2, 5), axis=1),
    case("Softmax", (4, 2, 5), axis=[1, 2]),
    case("Identity", (4, 5)),
    case("ActivityRegularization", (4, 5), l1=0.1, l2=0.2),
    case("Flatten", (4, 2, 3)),
    case("Flatten", (4, 2, 3, 2), data_format="channels_first"),
    case("Flatten", (4,)),
    case("Reshape", (4, 6), target_shape=(2, 3)),
    case("Reshape", (4, 2, 6), target_shape=(3, -1)),
    case("Reshape", (4, 6), target_shape=[-1]),
    case("Permute", (4, 2, 3), dims=(2, 1)),
    case("Permute", (4, 2, 3, 5), dims=[3, 1, 2]),
    case("RepeatVector", (4, 3), n=3),
    case("BatchNormalization", (6, 5)),
    case("BatchNormalization", (6, 5), momentum=0.5, epsilon=1e-5, center=False),
    case("BatchNormalization", (6, 5), scale=False),
    case("BatchNormalization", (6, 5), scale=False, center=False),
    case("BatchNormalization", (4, 3, 5)),
    case("BatchNormalization", (4, 3, 5), axis=1),
    case("BatchNormalization", (4, 3, 2, 5), axis=-2),
    case("LayerNormalization", (4, 5)),
    case("LayerNormalization", (4, 5), epsilon=1e-6, center=False),
    case("LayerNormalization", (4, 5), scale=False),
    case("LayerNormalization", (4, 5), scale=False, center=False),
    case("LayerNormalization", (4, 3, 5)),
    case("LayerNormalization", (4, 3, 5), axis=[1, 2]),
    case("LayerNormalization", (4, 3, 2, 5), axis=[3, 1]),
    case("UnitNormalization", (4, 5)),
    case("UnitNormalization", (4, 3, 5), axis=[1, 2]),
    case("Embedding", (4, 6), input_dim=5, output_dim=3),
    case("Embedding", (7,), input_dim=5, output_dim=2),
    case("GlobalAveragePooling1D", (4, 3, 5)),
    case("GlobalAveragePooling1D", (4, 3, 5), data_format="channels_first", keepdims=True),
    case("GlobalMaxPooling1D", (4, 3, 5)),
    case("GlobalMaxPooling1D", (4, 3, 5), keepdims=True),
    case("GlobalMaxPooling1D", (4, 3, 5), data_format="channels_first"),
    case("Rescaling", (4, 5), scale=0.5),
    case("Rescaling", (4, 3), scale=[1.0, 2.0, 3.0], offset=[0.5, 0.0, -1.0]),
    case("Normalization", (4, 3), mean=[0.5, 1.0, -1.0], variance=[1.0, 4.0, 0.0]),
    case("Normalization", (4, 3), mean=2.0, variance=9.0, invert=True),
    case("Normalization", (4, 3, 2), axis=1, mean=[1.0, 2.0, 3.0], variance=[1.0, 2.0, 3.0]),
    case("Normalization", (4, 3), axis=None, mean=1.0, variance=2.0),
    case("Add", TWO),
    case("Add", THREE),
    case("Add", [(4, 3), (4, 2, 3), (4, 1)]),
    case("Subtract", TWO),
    case("Subtract", [(4, 2, 3), (4, 3)]),
    case("Multiply", THREE),
    case("Average", THREE),
    case("Maximum", THREE),
    case("Minimum", [(4, 3), (4, 1)]),
    case("Concatenate", [(4, 3), (4, 2), (4, 1)]),
    case("Concatenate", [(4, 3, 2), (4, 1, 2)], axis=1),
    case("Dot", TWO, axes=1),
    case("Dot", TWO, axes=-1, normalize=True),
    case("Dot", [(4, 3, 2), (4, 5, 3)], axes=(1, 2)),
    case("Dot", [(4, 3), (4, 2, 3)], axes=[1, 2], normalize=True),
    case("Dot", [(4, 2, 3), (4, 3)], axes=-1),
]
every_case = pytest.mark.parametrize("case", CASES, ids=str)
TOLERANCES = {"float32": {"rtol": 1e-5, "atol": 1e-6}, "float64": {"rtol": 1e-10, "atol": 1e-12}}


def both(case: Case, dtype: str, **options: Any) -> tuple[Any, Any]:
    """Keras's layer and ours with the same weights, built for the case's inputs."""
    theirs = getattr(keras.layers, case.name)(**case.options, dtype=dtype, **options)
    ours = getattr(layers, case.name)(**case.options, dtype=dtype, **options)
    ours(case.inputs(dtype))
    theirs(to_torch(case.inputs(dtype)))
    expected_shapes = [tuple(weight.shape) for weight in theirs.weights]
    assert [weight.shape for weight in ours.weights] == expected_shapes
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    generator = np.random.default_rng(5)
    weights = [generator.uniform(0.5, 1.5, shape) for shape in expected_shapes]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    return theirs, ours


def to_torch(inputs: Any, **options: Any) -> Any:
    if isinstance(inputs, list):
        return [torch.tensor(array, **options) for array in inputs]
    return torch.tensor(inputs, **options)


def to_tensors(inputs: Any) -> Any:
    if isinstance(inputs, list):
        return [ns.Tensor(array, requires_grad=True) for array in inputs]
    return ns.Tensor(inputs, requires_grad=inputs.dtype.kind == "f")


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def gradients(tensors: list[Any]) -> list[Any]:
    return [np.zeros(tuple(t.shape)) if t.grad is None else t.grad.numpy() for t in tensors]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@every_case
def test_values_gradients_and_state(case, training, dtype):
    theirs, ours = both(case, dtype)
    inputs = case.inputs(dtype)
    theirs_x = to_torch(inputs, requires_grad=case.name != "Embedding")
    ours_x = to_tensors(inputs)
    options = {"training": training} if case.name == "BatchNormalization" else {}
    expected, result = theirs(theirs_x, **options), ours(ours_x, training=training)
    assert result.dtype == dtype
    assert result.shape == tuple(expected.shape)
    np.testing.assert_allclose(result.numpy(), expected.detach().numpy(), **TOLERANCES[dtype])

    cotangent = np.random.default_rng(7).normal(size=result.shape).astype(dtype)
    if result.requires_grad:
        result.backward(cotangent)
        expected.backward(torch.tensor(cotangent))
    own = gradients([t for t in as_list(ours_x) if t.requires_grad] + ours.trainable_weights)
    others = gradients(
        [t for t in as_list(theirs_x) if t.requires_grad]
        + [weight.value for weight in theirs.trainable_weights]
    )
    scale = {"float32": 1e-5, "float64": 1e-10}[dtype]
    for gradient, other in zip(own, others, strict=True):
        assert gradient.shape == other.shape
        np.testing.assert_allclose(
            gradient, other, rtol=scale, atol=scale * max(1, np.abs(other).max())
        )
    for weight, other in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(
            weight.numpy(), other.value.detach().numpy(), **TOLERANCES[dtype]
        )


@every_case
def test_output_shape_is_the_actual_one(case):
    theirs, ours = both(case, "float32")
    actual = ours(case.inputs()).shape
    shapes = case.shapes
    assert ours.compute_output_shape(shapes) == actual
    assert tuple(theirs.compute_output_shape(shapes)) == actual
    unknown = [(None, *s[1:]) for s in shapes] if isinstance(shapes, list) else (None, *shapes[1:])
    assert ours.compute_output_shape(unknown) == (None, *actual[1:])


KNOWN = {name: getattr(layers, name) for name in layers.__all__}
KNOWN |= {
    value.__name__: value
    for value in vars(ns.initializers).values()
    if hasattr(value, "get_config")
}
KNOWN |= {"L2": ns.regularizers.L2, "MaxNorm": ns.constraints.MaxNorm}


@every_case
def test_made_again_from_its_configuration(case):
    _, ours = both(case, "float64")
    config = json.loads(json.dumps(ours.get_config()))
    again = type(ours).from_config(config, KNOWN)
    again(case.inputs())
    assert again.name == ours.name
    assert again.dtype == ours.dtype
    assert again.get_config() == ours.get_config()
    again.set_weights(ours.get_weights())
    for training in (False, True):
        np.testing.assert_array_equal(
            np.asarray(again(case.inputs(), training=training).data),
            np.asarray(ours(case.inputs(), training=training).data),
        )


@pytest.mark.parametrize(
    "name", sorted({case.name for case in CASES} | {"Dropout", "GaussianNoise"})
)
def test_names_are_counted_as_in_keras(name):
    options = {"Dropout": {"rate": 0.5}, "GaussianNoise": {"stddev": 0.5}}.get(
        name, next((case.options for case in CASES if case.name == name), {})
    )
    keras.backend.clear_session()
    forget_names()
    theirs = [getattr(keras.layers, name)(**options).name for _ in range(2)]
    assert [getattr(layers, name)(**options).name for _ in range(2)] == theirs


# --- in models ---


@every_case
def test_in_a_functional_model(case):
    _, ours = both(case, "float64")
    is_list = isinstance(case.shapes, list)
    kind = "int64" if case.name == "Embedding" else "float64"
    symbols = [layers.Input(shape[1:], dtype=kind) for shape in as_list(case.shapes)]
    output = ours(symbols if is_list else symbols[0])
    inputs = case.inputs()
    expected = np.asarray(ours(inputs).data)
    assert output.shape == (None, *expected.shape[1:])
    model = ns.Model(symbols if is_list else symbols[0], output)
    np.testing.assert_array_equal(model.predict(inputs, verbose=0), expected)


@pytest.mark.parametrize("case", [c for c in CASES if not isinstance(c.shapes, list)], ids=str)
def test_in_a_sequential_model(case):
    _, ours = both(case, "float64")
    inputs = case.inputs()
    model = ns.Sequential([layers.Input(case.shapes[1:]), ours])
    assert model.built
    np.testing.assert_array_equal(model.predict(inputs, verbose=0), np.asarray(ours(inputs).data))
