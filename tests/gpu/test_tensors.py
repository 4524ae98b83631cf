"""Tensors on a GPU: getting there and back, what they are made of, gradients through the border."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch import constraints, initializers, regularizers
from nnscratch.autograd import DeviceError, Parameter
from nnscratch_kernels.devices import device_of

NUMBERS = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.5]])


@pytest.fixture
def there(cupy: Any) -> ns.Tensor:
    return ns.Tensor(cupy.asarray(NUMBERS), requires_grad=True)


# --- where it is --------------------------------------------------------------------------------


def test_a_tensor_tells_its_device(cupy: Any, there: ns.Tensor) -> None:
    assert ns.tensor(NUMBERS).device == "cpu"
    assert there.device == (there * 2).device == there.sum().device == "gpu:0"


def test_to_copies_and_comes_back(cupy: Any) -> None:
    here = ns.tensor(NUMBERS)
    there = here.to("gpu")
    assert isinstance(there.data, cupy.ndarray)
    assert there.to("gpu:0") is there
    assert here.to("cpu") is here
    np.testing.assert_array_equal(there.to("cpu").data, NUMBERS)


def test_gradients_cross_the_border(cupy: Any) -> None:
    here = ns.tensor(NUMBERS, requires_grad=True)
    there = here.to("gpu")
    assert there.node is not None
    total = np.sum(there**3).to("cpu") + np.sum(here)
    total.backward(create_graph=True)
    assert here.grad is not None
    assert here.grad.device == "cpu"
    np.testing.assert_allclose(here.grad.data, 3 * NUMBERS**2 + 1)
    again = ns.tensor(NUMBERS, requires_grad=True)
    np.sum(ns.grad(lambda x: np.sum(x.to("gpu") ** 3))(again) ** 2).backward()
    assert again.grad is not None
    np.testing.assert_allclose(again.grad.data, 36 * NUMBERS**3)


def test_a_parameter_gives_a_tensor(cupy: Any) -> None:
    weight = Parameter(NUMBERS)
    moved = weight.to("gpu")
    assert type(moved) is ns.Tensor
    np.sum(moved * moved).backward()
    assert weight.grad is not None
    np.testing.assert_array_equal(weight.grad.data, 2 * NUMBERS)


@pytest.mark.parametrize("name", ["cuda", "gpu:99", "GPU", 0, None])
def test_a_wrong_name_is_refused(cupy: Any, name: Any) -> None:
    with pytest.raises(ValueError, match=r"^A device is 'cpu' or 'gpu', got "):
        ns.tensor(1.0).to(name)


# --- where new tensors are made -----------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        ns.tensor,
        ns.Tensor,
        Parameter,
        lambda data: ns.tensor(data, dtype=np.float32),
        lambda data: ns.tensor(data.tolist()),
        lambda data: ns.Tensor(data, requires_grad=True),
        lambda data: ns.Tensor(np.asarray(data, order="F")),
    ],
)
def test_new_tensors_are_made_on_the_chosen_device(cupy: Any, make: Any) -> None:
    assert make(NUMBERS).device == "cpu"
    with ns.device("gpu"):
        made = make(NUMBERS)
        assert made.device == "gpu:0"
        np.testing.assert_array_equal(made.numpy(), NUMBERS)
        with ns.device("cpu"):
            assert make(NUMBERS).device == "cpu"
    assert make(NUMBERS).device == "cpu"


def test_what_is_somewhere_stays_there(cupy: Any, there: ns.Tensor) -> None:
    here = ns.tensor(NUMBERS)
    assert ns.tensor(there).device == ns.Tensor(there.data).device == "gpu:0"
    assert ns.Tensor(there.data).data is there.data
    assert ns.Tensor(there, dtype=np.float32).dtype == np.float32
    with ns.device("gpu"):
        assert (here + 1).device == here.sum().device == ns.Tensor(here).device == "cpu"
        assert ns.grad(lambda x: np.sum(x * x))(here).device == "cpu"
        assert device_of(ns.grad(lambda x: np.sum(x * x))(NUMBERS)) == "cpu"
        assert ns.gradcheck(lambda x: np.sum(x * x), NUMBERS)
        (here.detach() * ns.Tensor(here, requires_grad=True)).sum().backward(create_graph=True)


def test_array_joins_where_its_parts_are(cupy: Any, there: ns.Tensor) -> None:
    joined = ns.array([[there[0, 0], 7.0], [1, there[1, 1]]])
    assert joined.device == "gpu:0"
    assert joined.tolist() == [[1.0, 7.0], [1.0, 4.0]]
    joined.sum().backward()
    assert there.grad is not None
    assert there.grad.tolist() == [[1, 0, 0], [0, 1, 0]]
    assert device_of(ns.array([there.data[0], there.data[1]], dtype=np.float32)) == "gpu:0"
    assert device_of(ns.array([1.0, 2.0])) == "cpu"
    with ns.device("gpu"):
        assert device_of(ns.array([1.0, 2.0])) == "gpu:0"
    with pytest.raises(DeviceError, match="argument 0 on gpu:0, argument 1 on cpu"):
        ns.array([there[0], NUMBERS[1]])


# --- numbers of Python and NumPy, and other devices ----------------------------------------------


def test_numbers_mix_with_every_device(cupy: Any, there: ns.Tensor) -> None:
    single = ns.Tensor(there, dtype=np.float32)
    for mixed in (single + 1, 2.5 * single, single ** np.int8(2), single > 0.5, single - True):
        assert mixed.device == "gpu:0"
    assert (single * 2.5).dtype == np.float32
    assert (single * np.float64(2.5)).dtype == np.float64


@pytest.mark.parametrize("other", [lambda: NUMBERS, lambda: ns.tensor(NUMBERS)])
def test_arrays_of_several_devices_do_not_mix(cupy: Any, there: ns.Tensor, other: Any) -> None:
    sentence = (
        r"^multiply needs its arrays on one device, got argument 0 on gpu:0, argument 1 on cpu: "
        r"bring them together with t\.to\('gpu'\), an array of NumPy with ns\.tensor\(array\)"
    )
    with pytest.raises(DeviceError, match=sentence):
        there * other()
    with pytest.raises(DeviceError, match="got argument 0 on cpu, argument 1 on gpu:0"):
        other() * there
    with pytest.raises(DeviceError, match="one device"):
        np.concatenate([there, other()])
    with pytest.raises(DeviceError, match=r"What t\.at.* was given is on cpu"):
        there.at[0].set(other()[0])
    with pytest.raises(DeviceError, match="is on cpu, what it belongs to on gpu:0"):
        there.backward(other())
    with pytest.raises(DeviceError, match="argument index on gpu:0"):
        ns.tensor(NUMBERS)[ns.Tensor(cupy.asarray([0]))]


def test_writing_brings_the_values_over(cupy: Any) -> None:
    target, weight = ns.Tensor(cupy.zeros((2, 3))), Parameter(cupy.zeros((2, 3)))
    target[0] = NUMBERS[0]
    target[1] = ns.tensor(NUMBERS[1])
    weight.assign(NUMBERS)
    np.testing.assert_array_equal(target.numpy(), NUMBERS)
    np.testing.assert_array_equal(weight.numpy(), NUMBERS)
    weight.assign(2)
    assert weight.tolist() == [[2, 2, 2], [2, 2, 2]]
    weight.assign([1, 2, 3])
    assert weight[1].tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="has shape"):
        weight.assign(np.zeros(2))
    here = ns.tensor(NUMBERS)
    here[0] = target[1]
    np.testing.assert_array_equal(here.data[0], NUMBERS[1])


# --- out of the tape ----------------------------------------------------------------------------


def test_out_to_the_host(cupy: Any, there: ns.Tensor) -> None:
    assert isinstance(there.numpy(), np.ndarray)
    assert there.tolist() == NUMBERS.tolist()
    assert there[0, 1].item() == float(there[0, 1]) == -2.0
    assert f"{there[0, 1]:.2f}" == "-2.00"
    assert repr(there.detach()[0]) == "Tensor([ 1., -2.,  3.], device='gpu:0')"
    assert 4.0 in there
    assert 5.0 not in there
    assert bool(there[0, 0])
    assert int(there[1, 1]) == 4
    assert [10, 20][ns.Tensor(cupy.asarray(1))] == 20
    assert [row.device for row in there] == ["gpu:0", "gpu:0"]


def test_numpy_does_not_copy_it_unasked(cupy: Any, there: ns.Tensor) -> None:
    with pytest.raises(TypeError, match=r"^A Tensor on gpu:0 .* use t\.numpy\(\)"):
        np.asarray(there.detach())
    with pytest.raises(TypeError, match="the gradient would be lost"):
        np.asarray(there)


def test_copies_stay_on_the_device(cupy: Any, there: ns.Tensor) -> None:
    weight = Parameter(there.data, name="kernel")
    for original in (there, weight):
        for made in (copy.copy(original), copy.deepcopy(original)):
            assert type(made) is type(original)
            assert made.device == "gpu:0"
    loaded = pickle.loads(pickle.dumps(weight))  # noqa: S301 - our own
    assert (loaded.name, loaded.device) == ("kernel", "gpu:0")
    np.testing.assert_array_equal(loaded.numpy(), NUMBERS)
    deep = copy.deepcopy(there)
    deep.detach()[0] = 9
    np.testing.assert_array_equal(there.numpy(), NUMBERS)


# --- gradients ----------------------------------------------------------------------------------


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


POINT = np.array([0.3, -1.2, 0.7])


@pytest.mark.parametrize("transform", [ns.grad, ns.hessian])
def test_transforms_give_what_the_cpu_gives(cupy: Any, transform: Any) -> None:
    expected = transform(rosenbrock)(POINT)
    for point in (cupy.asarray(POINT), ns.tensor(POINT).to("gpu")):
        found = transform(rosenbrock)(point)
        assert type(found) is type(point)
        np.testing.assert_allclose(ns.Tensor(found).numpy(), expected)


def test_transforms_with_directions(cupy: Any) -> None:
    point, direction = cupy.asarray(POINT), cupy.asarray(POINT[::-1].copy())
    expected = ns.hvp(rosenbrock, POINT, POINT[::-1])
    np.testing.assert_allclose(ns.hvp(rosenbrock, point, direction).get(), expected)
    value, slope = ns.jvp(np.sin, (point,), (direction,))
    np.testing.assert_allclose(value.get(), np.sin(POINT))
    np.testing.assert_allclose(slope.get(), np.cos(POINT) * POINT[::-1])
    value, pullback = ns.vjp(np.sin, point)
    np.testing.assert_allclose(pullback(direction)[0].get(), np.cos(POINT) * POINT[::-1])
    np.testing.assert_allclose(pullback([1, 1, 1])[0].get(), np.cos(POINT))
    with pytest.raises(DeviceError, match="The cotangent given to the pullback is on cpu"):
        pullback(POINT)
    jacobian = ns.jacobian(lambda x: np.outer(x, x))(point)
    np.testing.assert_allclose(jacobian.get(), ns.jacobian(lambda x: np.outer(x, x))(POINT))
    slopes = ns.elementwise_grad(np.tanh)(point)
    np.testing.assert_allclose(slopes.get(), 1 - np.tanh(POINT) ** 2)


def test_value_and_grad_waits_for_nothing(cupy: Any, host_copies: Any) -> None:
    point = cupy.asarray(POINT)
    with host_copies() as counted:
        value, slope = ns.value_and_grad(rosenbrock)(point)
    assert not counted.copies + counted.synchronizations
    assert value.get() == pytest.approx(rosenbrock(POINT))
    assert device_of(slope) == "gpu:0"


def test_a_number_is_differentiated_on_the_chosen_device(cupy: Any) -> None:
    weight = cupy.asarray(POINT)
    with ns.device("gpu"):
        slope = ns.grad(lambda x: np.sum(x * x * weight))(3.0)
    assert slope == pytest.approx(6 * POINT.sum())


def test_backward_of_a_training_step_waits_for_nothing(cupy: Any, host_copies: Any) -> None:
    generator = np.random.default_rng(0)
    x, labels = generator.standard_normal((8, 3)), generator.integers(2, size=8)
    arrays = [generator.standard_normal((3, 4)), np.zeros(4), generator.standard_normal((4, 2))]

    def loss(x: Any, labels: Any, weights: list[Any]) -> Any:
        hidden = ns.ops.dense(x, weights[0], weights[1], "relu")
        return ns.ops.mean_sparse_softmax_crossentropy(labels, hidden @ weights[2])

    here = [ns.tensor(array, requires_grad=True) for array in arrays]
    loss(x, labels, here).backward()
    there = [ns.tensor(array, requires_grad=True) for array in map(cupy.asarray, arrays)]
    x, labels = cupy.asarray(x), cupy.asarray(labels)
    with host_copies() as counted:
        loss(x, labels, there).backward()
        loss(x, labels, there).backward()
    assert not counted.copies + counted.synchronizations + counted.uploads
    for one, other in zip(there, here, strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert one.grad.device == "gpu:0"
        np.testing.assert_allclose(one.grad.numpy(), 2 * other.grad.data)


def test_backward_takes_gradients_of_its_device(cupy: Any, there: ns.Tensor) -> None:
    (there * 3).backward([[1, 0, 0], [0, 0, 2]])
    assert there.grad is not None
    assert there.grad.tolist() == [[3, 0, 0], [0, 0, 6]]
    there.zero_grad()
    there.sum().backward(np.float64(2))
    assert there.grad.tolist() == [[2, 2, 2], [2, 2, 2]]
    there.zero_grad()
    (there * there).backward(cupy.ones((2, 3)), create_graph=True)
    np.sum(there.grad**2).backward()
    np.testing.assert_allclose(there.grad.numpy(), 2 * NUMBERS + 8 * NUMBERS)


def test_backward_starts_where_the_loss_is(cupy: Any) -> None:
    """Also within a block that makes new tensors elsewhere."""
    here = ns.tensor(NUMBERS, requires_grad=True)
    with ns.device("gpu"):
        np.sum(here * here).backward(create_graph=True)
    assert here.grad is not None
    assert here.grad.device == "cpu"


def test_gradcheck_finds_a_wrong_rule(cupy: Any, there: ns.Tensor) -> None:
    assert ns.gradcheck(lambda x, y: np.tanh(x) * y, there, cupy.asarray(NUMBERS), order=2)

    def wrong(x: Any) -> Any:
        return x * x.detach() + np.sum(x)

    with pytest.raises(ns.autograd.GradcheckError, match="for argument 0 at"):
        ns.gradcheck(wrong, there)


def test_anomalies_are_found(cupy: Any, there: ns.Tensor) -> None:
    with ns.detect_anomaly():
        np.sum(there * there).backward()
        with pytest.raises(FloatingPointError, match=r"^log gave NaN from inputs of shape"):
            np.log(there)
        with pytest.raises(FloatingPointError, match="The backward pass of sqrt gave Inf"):
            np.sum(np.sqrt(there * 0)).backward()


# --- indexing -----------------------------------------------------------------------------------


def test_of_duplicates_the_last_one_is_set(cupy: Any) -> None:
    index, values = np.array([1, 0, 1, -1, 1]), np.arange(10.0).reshape(5, 2)
    expected = np.zeros((3, 2))
    for place, value in zip(index, values, strict=True):
        expected[place] = value
    for where in (index, cupy.asarray(index)):
        target = ns.Tensor(cupy.zeros((3, 2)), requires_grad=True)
        written = ns.Tensor(cupy.asarray(values), requires_grad=True)
        result = target.at[where].set(written)
        np.testing.assert_array_equal(result.numpy(), expected)
        result.sum().backward()
        assert written.grad is not None
        assert written.grad.numpy()[:, 0].tolist() == [0, 1, 0, 1, 1]


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint16", "float16", "float32"])
def test_duplicates_add_up_in_every_dtype(cupy: Any, dtype: str) -> None:
    index, values = np.array([1, 0, 1, -1, 1]), np.arange(10).reshape(5, 2).astype(dtype)
    expected = np.ones((3, 2), dtype)
    np.add.at(expected, index, values)
    result = ns.Tensor(cupy.ones((3, 2), dtype)).at[index].add(cupy.asarray(values))
    assert result.dtype == dtype
    np.testing.assert_array_equal(result.numpy(), expected)


def test_sums_of_duplicates_have_the_same_bits_in_every_run(cupy: Any) -> None:
    generator = np.random.default_rng(0)
    index = cupy.asarray(generator.integers(3, size=1000))
    values = cupy.asarray(generator.standard_normal(1000).astype(np.float32))
    runs = {
        ns.Tensor(cupy.zeros(3, np.float32)).at[index].add(values).numpy().tobytes()
        for _ in range(3)
    }
    assert len(runs) == 1


def test_one_quantile_asks_nothing_of_the_host(
    cupy: Any, host_copies: Any, there: ns.Tensor
) -> None:
    with host_copies() as counted:
        np.sum(np.median(there, axis=0) * np.quantile(there, 0.3)).backward()
    assert not counted.copies + counted.synchronizations + counted.uploads


@pytest.mark.parametrize("shape", [(), 0, (0, 2), 4, (2, 1)])
def test_constants_have_the_shape_asked_for(cupy: Any, there: ns.Tensor, shape: Any) -> None:
    for make in (np.zeros_like, np.ones_like, np.empty_like):
        assert make(there, shape=shape).shape == make(NUMBERS, shape=shape).shape
    made: Any = np.full_like(there, 2, shape=shape)
    assert made.device == "gpu:0"
    np.testing.assert_array_equal(made.numpy(), np.full(shape, 2.0))


# --- what weights have --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "penalty",
    [
        regularizers.L1(0.1),
        regularizers.L2(0.1),
        regularizers.L1L2(0.1, 0.2),
        regularizers.OrthogonalRegularizer(0.1),
        regularizers.OrthogonalRegularizer(0.1, mode="columns"),
    ],
)
def test_regularizers(cupy: Any, there: ns.Tensor, penalty: Any) -> None:
    here = ns.tensor(NUMBERS, requires_grad=True)
    found, expected = penalty(there), penalty(here)
    found.backward()
    expected.backward()
    assert found.device == "gpu:0"
    assert found.item() == pytest.approx(expected.item())
    assert there.grad is not None
    assert here.grad is not None
    np.testing.assert_allclose(there.grad.numpy(), here.grad.data)


@pytest.mark.parametrize(
    "constraint",
    [
        constraints.NonNeg(),
        constraints.MaxNorm(1.5),
        constraints.MaxNorm(1.5, axis=(0, 1)),
        constraints.MinMaxNorm(0.5, 1.5, rate=0.7),
        constraints.UnitNorm(axis=1),
    ],
)
def test_constraints(cupy: Any, host_copies: Any, constraint: Any) -> None:
    weight = cupy.asarray(NUMBERS)
    with host_copies() as counted:
        allowed = constraint(weight)
    assert not counted.copies + counted.synchronizations
    np.testing.assert_allclose(allowed.get(), constraint(NUMBERS))


@pytest.mark.parametrize("given", [lambda there: there, lambda there: there.data])
def test_weights_may_start_from_a_gpu(cupy: Any, there: ns.Tensor, given: Any) -> None:
    values = initializers.get(given(there))((2, 3), np.float32)
    assert isinstance(values, np.ndarray)
    np.testing.assert_array_equal(values, NUMBERS.astype(np.float32))


def test_weights_start_alike_on_every_device(cupy: Any) -> None:
    make = initializers.GlorotUniform(seed=3)
    with ns.device("gpu"):
        there = Parameter(make((4, 5)))
    assert there.device == "gpu:0"
    np.testing.assert_array_equal(there.numpy(), Parameter(make((4, 5))).data)
