"""What changes in place, what must not, and the differentiable way out."""

from __future__ import annotations

import numpy as np
import pytest

import nnscratch as ns


def test_setting_elements_of_a_recorded_tensor(says):
    leaf = ns.Tensor([1.0, 2.0], requires_grad=True)
    for tensor in (leaf, leaf * 2, ns.Parameter([1.0, 2.0])):
        before = tensor.tolist()
        for index in (0, slice(None), [0, 1], ns.Tensor([True, False])):
            with says(RuntimeError, "t.at[i].set(v)", "t.at[i].add(v)"):
                tensor[index] = 5.0
        with says(RuntimeError, "t.at[i].add(v)"):
            tensor[0] += 1.0
        assert tensor.tolist() == before


def test_setting_elements_to_a_recorded_value(says):
    plain, recorded = ns.Tensor([1.0, 2.0]), ns.Tensor(3.0, requires_grad=True)
    with says(RuntimeError, "t.at[i].set(v)"):
        plain[0] = recorded
    assert plain.tolist() == [1.0, 2.0]


def test_setting_elements_where_no_gradient_depends_on_them():
    values = np.arange(6.0).reshape(2, 3)
    plain, expected = ns.tensor(values), values.copy()
    for index, value in [
        ((0, 1), 7.0), (slice(1), [1.0, 2.0, 3.0]), (ns.Tensor([1]), ns.Tensor(9.0)),
        (plain > 8, -1.0), ((..., -1), np.array([4.0, 5.0])),
    ]:  # fmt: skip
        plain[index] = value
        array_index = index.data if isinstance(index, ns.Tensor) else index
        expected[array_index] = value.data if isinstance(value, ns.Tensor) else value
        assert np.array_equal(plain.data, expected)
    plain[0] += 1.0
    assert np.array_equal(plain.data[0], expected[0] + 1)


def test_at_is_the_differentiable_way():
    t = ns.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    v = ns.Tensor([10.0, 20.0], requires_grad=True)
    changed = t.at[:2].set(v)
    assert changed.tolist() == [10.0, 20.0, 3.0]
    assert t.tolist() == [1.0, 2.0, 3.0]
    (changed * changed).sum().backward()
    assert t.grad.tolist() == [0.0, 0.0, 6.0]
    assert v.grad.tolist() == [20.0, 40.0]

    t.zero_grad()
    added = t.at[ns.Tensor([0, 0])].add(v.detach())
    assert added.tolist() == [31.0, 2.0, 3.0]
    added.sum().backward()
    assert t.grad.tolist() == [1.0, 1.0, 1.0]
    assert ns.gradcheck(lambda t, v: t.at[[2, 0]].set(v * t[:2]), t, v, order=2)


def test_augmented_assignment_rebinds():
    first = t = ns.Tensor([1.0, 2.0], requires_grad=True)
    t += ns.Tensor([1.0, 1.0])
    assert t is not first
    assert first.tolist() == [1.0, 2.0]
    t.sum().backward()
    assert first.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_hand_written_update_works(wrapped):
    w = ns.Parameter([1.0, 2.0])
    memory = w.data
    (w * w).sum().backward()
    w.data -= 0.1 * (w.grad if wrapped else w.grad.data)
    assert w.data is memory
    assert type(w.data) is np.ndarray
    assert np.allclose(w.data, [0.8, 1.6])
    assert w.requires_grad


def test_arrays_take_detached_tensors_in_place(says):
    array = np.array([1.0, 2.0])
    kept = array
    array += ns.Tensor([1.0, 1.0])
    array *= ns.Tensor(2.0)
    array /= ns.Tensor([2.0, 4.0])
    assert array is kept
    assert array.tolist() == [2.0, 1.5]

    recorded = ns.Tensor([1.0, 1.0], requires_grad=True)
    for tensor in (recorded, recorded * 2):
        with says(TypeError, "np.add", "+=", "t.detach()"):
            array += tensor
        with says(TypeError, "np.multiply", "t.detach()"):
            array *= tensor
    assert array.tolist() == [2.0, 1.5]
    array = array + recorded
    assert isinstance(array, ns.Tensor)


def test_out_may_be_written_where_nothing_is_recorded(says):
    target, plain = np.zeros(2), ns.Tensor([1.0, 2.0])
    assert np.add(plain, 1.0, out=target) is target
    assert target.tolist() == [2.0, 3.0]
    assert np.exp(target, out=plain) is plain
    assert np.array_equal(plain.data, np.exp([2.0, 3.0]))
    assert np.multiply(plain, 0.0, out=target, where=[True, False]) is target
    assert target.tolist() == [0.0, 3.0]
    recorded = ns.Tensor([1.0, 2.0], requires_grad=True)
    for call in (
        lambda: np.add(recorded, 1.0, out=target),
        lambda: np.exp(target, out=recorded),
        lambda: np.add.reduce(recorded, out=np.zeros(())),
    ):
        with says(TypeError, "in place", "out=", "t.detach()"):
            call()
    assert recorded.tolist() == [1.0, 2.0]


def test_a_recorded_tensor_is_not_stored_in_an_array_slice(says):
    array = np.zeros(2)
    with says(TypeError, "gradient would be lost", "t.detach()"):
        array[:] = ns.Tensor([1.0, 2.0], requires_grad=True)
    array[:] = ns.Tensor([1.0, 2.0])
    assert array.tolist() == [1.0, 2.0]
