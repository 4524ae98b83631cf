"""Every layer on the GPU: the same outputs and gradients as on the CPU, and nothing copied back."""

from __future__ import annotations

import copy
import sys

import numpy as np
import pytest

import nnscratch as ns
from nnscratch import layers
from nnscratch.autograd.trees import leaves, rebuild
from nnscratch.layers.regularization import MANY
from nnscratch.ops.arguments import numbers
from nnscratch_kernels.devices import is_on_gpu, on_host
from tests.layers.test_against_keras import CASES
from tests.layers.test_against_keras import case as keras_case

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}

RANDOM = [
    keras_case("Dropout", (4, 5), rate=0.4, seed=1),
    keras_case("Dropout", (64, MANY // 64), rate=0.4, seed=1),
    keras_case("Dropout", (4, 3, 5), rate=0.4, noise_shape=(None, 1, None), seed=1),
    keras_case("Dropout", (2, 3, MANY), rate=0.4, noise_shape=(None, 1, None), seed=1),
    keras_case("Dropout", (4, 5), rate=1.0),
    keras_case("GaussianDropout", (4, 5), rate=0.4, seed=1),
    keras_case("GaussianNoise", (4, 5), stddev=0.4, seed=1),
]
FURTHER = [
    keras_case("Dense", (4, 5), units=3),
    keras_case("Dense", (4, 5), units=3, activation="gelu", use_bias=False),
    keras_case("Dense", (4, 2, 5), units=3, activation="relu", activity_regularizer="l2"),
    keras_case("Softmax", (4, 5)),
    keras_case("Normalization", (4, 5)),
]


def outputs_and_gradients(layer, inputs, training):
    """On the host: outputs, their gradients to inputs and weights, the weights, added losses."""
    inputs = rebuild(
        inputs, (ns.Tensor(a, requires_grad=a.dtype.kind == "f") for a in leaves(inputs))
    )
    for weight in layer.weights:
        weight.grad = None
    outputs = layer(inputs, training=training)
    cotangent = np.random.default_rng(5).normal(size=outputs.shape).astype(outputs.dtype)
    if outputs.requires_grad:
        outputs.backward(ns.Tensor(cotangent).to(layer.device))
    tensors = [outputs, *(one.grad for one in [*leaves(inputs), *layer.weights]), *layer.weights]
    return [None if one is None else one.numpy() for one in tensors]


def assert_same(there, here, dtype):
    for one, other in zip(there, here, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert one.dtype == other.dtype
            largest = np.abs(other).max(initial=0)
            np.testing.assert_allclose(
                one, other, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * largest
            )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("case", [*CASES, *RANDOM, *FURTHER], ids=str)
def test_forward_and_backward(cupy, case, training, dtype):
    inputs = case.inputs(dtype)
    here = getattr(layers, case.name)(**case.options, dtype=dtype)
    here(inputs)
    there = copy.deepcopy(here).to("gpu")
    on_gpu = rebuild(inputs, (cupy.asarray(a) for a in leaves(inputs)))
    assert is_on_gpu(numbers(there(on_gpu)))
    assert_same(
        outputs_and_gradients(there, on_gpu, training),
        outputs_and_gradients(here, inputs, training),
        dtype,
    )


def test_every_layer_is_tested():
    tested = {case.name for case in (*CASES, *RANDOM, *FURTHER)}
    there = {
        name
        for name in layers.__all__
        if isinstance(getattr(layers, name), type)
        and issubclass(getattr(layers, name), ns.layers.Layer)
    }
    assert there - tested == {"Layer"}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("case", [*CASES, *RANDOM, *FURTHER], ids=str)
def test_nothing_is_copied_to_the_host(cupy, host_copies, case, training):
    layer = getattr(layers, case.name)(**case.options).to("gpu")
    inputs = case.inputs("float32")
    layer(inputs)
    arrays = rebuild(inputs, (cupy.asarray(a) for a in leaves(inputs)))
    tensors = rebuild(
        arrays, (ns.Tensor(a, requires_grad=a.dtype.kind == "f") for a in leaves(arrays))
    )
    with host_copies() as counted:
        outputs = layer(tensors, training=training)
        if outputs.requires_grad:
            outputs.sum().backward()
    assert not counted.copies
    assert not counted.synchronizations


# --- moving ---


class Own(layers.Layer):
    """A layer with arrays, weights and layers in every place that they can be in."""

    def __init__(self):
        super().__init__()
        self.factors = np.array([1.0, 2.0, 3.0], np.float32)
        self.constant = ns.Tensor(np.ones(3, np.float32))
        self.inner = {"all": [layers.Dense(3), layers.Dense(3)]}
        self.early = self.add_weight((3,), "ones")

    def build(self, input_shape):
        self.late = self.add_weight((3,), "ones")
        self.made_late = np.full(3, 5.0, np.float32)

    def call(self, inputs):
        for layer in self.inner["all"]:
            inputs = layer(inputs)
        return inputs * self.factors + self.constant * self.early * self.late + self.made_late


def test_a_layer_moves_with_all_that_it_has(cupy):
    here, x = Own(), np.ones((2, 3), np.float32)
    expected = here(x).numpy()
    weights = here.weights
    assert here.to("gpu") is here
    assert here.device == "gpu:0"
    assert all(a is b for a, b in zip(here.weights, weights, strict=True))
    assert {weight.device for weight in weights} == {here.constant.device} == {"gpu:0"}
    assert is_on_gpu(here.factors)
    assert is_on_gpu(here.made_late)
    there = here(x)
    assert there.device == "gpu:0"
    np.testing.assert_allclose(there.numpy(), expected, rtol=1e-5)
    here.to("cpu")
    assert here.device == {weight.device for weight in weights}.pop() == "cpu"
    np.testing.assert_array_equal(here(x).numpy(), expected)


def test_a_layer_that_is_not_built_remembers_the_device(cupy):
    layer = Own().to("gpu")
    assert layer.device == "gpu:0"
    layer(np.ones((2, 3), np.float32))
    assert {weight.device for weight in layer.weights} == {"gpu:0"}
    assert is_on_gpu(layer.made_late)


@pytest.mark.parametrize("build_inside", [False, True])
@pytest.mark.parametrize("declare_inside", [False, True])
def test_a_layer_under_a_device(cupy, declare_inside, build_inside):
    if declare_inside:
        with ns.device("gpu"):
            layer = Own()
    else:
        layer = Own()
    x = np.ones((2, 3), np.float32)
    if build_inside and declare_inside:
        with ns.device("gpu"):
            outputs = layer(x)
    else:
        outputs = layer(x)
    device = "gpu:0" if declare_inside else "cpu"
    assert outputs.device == device
    assert {weight.device for weight in layer.weights} == {device}


def test_weights_are_made_where_a_layer_is_built(cupy):
    layer = layers.Dense(3)
    with ns.device("gpu"):
        layer(np.ones((2, 4)))
    assert layer.device == layer.kernel.device == "gpu:0"
    assert layer(np.ones((2, 4))).device == "gpu:0"


def test_the_device_that_was_told_counts(cupy):
    layer = layers.Dense(3).to("cpu")
    with ns.device("gpu"):
        layer(ns.Tensor(np.ones((2, 4))).to("cpu"))
    assert layer.device == layer.kernel.device == "cpu"


def test_layers_added_to_a_model_come_along(cupy):
    model = ns.models.Sequential().to("gpu")
    model.add(layers.Dense(3, input_dim=4))
    built = layers.Dense(2)
    built(np.ones((1, 3)))
    model.add(built)
    model.add(layers.Dense(1))
    assert {weight.device for weight in model.weights} == {"gpu:0"}


def test_gradients_move_along(cupy):
    layer = layers.Dense(2)
    layer(np.ones((3, 4))).sum().backward()
    expected = [weight.grad.numpy().copy() for weight in layer.weights]
    layer.to("gpu")
    for weight, gradient in zip(layer.weights, expected, strict=True):
        assert weight.grad.device == "gpu:0"
        np.testing.assert_array_equal(weight.grad.numpy(), gradient)


def test_weights_in_and_out(cupy):
    here = layers.Dense(2)
    here(np.ones((3, 4)))
    there = layers.Dense(2).to("gpu")
    there(np.ones((3, 4)))
    there.set_weights(here.get_weights())
    for own, other in zip(there.get_weights(), here.get_weights(), strict=True):
        assert type(own) is np.ndarray
        np.testing.assert_array_equal(own, other)
    here.set_weights([2 * weight.data for weight in there.weights])  # arrays of the GPU
    np.testing.assert_array_equal(here.kernel.numpy(), 2 * there.kernel.numpy())


def test_adapt_takes_data_of_any_device(cupy):
    data = np.random.default_rng(0).normal(3, 2, (50, 4))
    results = []
    for device in ("cpu", "gpu"):
        for given in (data, cupy.asarray(data)):
            layer = layers.Normalization().to(device)
            layer.adapt(given)
            outputs = on_host(layer(cupy.asarray(data) if device == "gpu" else data))
            results.append([layer.mean.numpy(), layer.variance.numpy(), outputs])
            assert layer.mean.device == layer.device
    for other in results[1:]:
        assert_same(other, results[0], "float32")


# --- inputs from elsewhere ---


@pytest.mark.parametrize("make", [lambda x: x, lambda x: x.tolist(), lambda x: x.astype(int)])
def test_arrays_of_the_host_are_brought_over(cupy, make):
    layer = layers.Dense(2).to("gpu")
    x = np.arange(12.0).reshape(3, 4)
    expected = layer(cupy.asarray(x)).numpy()
    found = layer(make(x))
    assert found.device == "gpu:0"
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_nested_arrays_are_brought_over(cupy):
    x = np.arange(12.0).reshape(3, 4)
    outputs = layers.Add().to("gpu")([x, cupy.asarray(x)])
    assert is_on_gpu(outputs)
    np.testing.assert_array_equal(outputs.get(), 2 * x)


def test_layers_without_weights_work_where_their_inputs_are(cupy):
    assert is_on_gpu(layers.ReLU()(cupy.ones((2, 3), np.float32)))
    assert is_on_gpu(layers.Dropout(0.5)(cupy.ones((2, 3), np.float32), training=True))
    assert is_on_gpu(layers.Average()([cupy.ones((2, 3)), cupy.ones((2, 3))]))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # NumPy asking
@pytest.mark.parametrize(("device", "other"), [("cpu", "gpu"), ("gpu", "cpu")])
def test_a_tensor_of_another_device_is_refused(cupy, device, other):
    layer = layers.Dense(2).to(device)
    layer(np.ones((3, 4)))
    with pytest.raises(TypeError, match=r"dense needs its arrays on one device.*t\.to\("):
        layer(ns.Tensor(np.ones((3, 4), np.float32)).to(other))


def test_embedding_of_a_number_out_of_range_is_nan(cupy):
    layer = layers.Embedding(3, 2).to("gpu")
    vectors = layer(np.array([[0, 3], [-1, 2]])).numpy()
    np.testing.assert_array_equal(np.isnan(vectors), [[[0, 0], [1, 1]], [[1, 1], [0, 0]]])


# --- refusals ---


@pytest.mark.parametrize("name", ["cuda", "gpu:x", "gpu:7", 0, None])
def test_a_device_that_is_not_there(cupy, name):
    layer = Own()
    layer(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"^(A device is|There is no)"):
        layer.to(name)
    assert {weight.device for weight in layer.weights} == {"cpu"}


def test_without_cupy_nothing_changes(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    model = ns.models.Sequential([layers.Dense(2, input_dim=3)])
    with pytest.raises(RuntimeError, match=r"need CuPy.*pip install"):
        model.to("gpu")
    assert model.device == "cpu"
    assert model.predict(np.ones((2, 3)), verbose=0).shape == (2, 2)
