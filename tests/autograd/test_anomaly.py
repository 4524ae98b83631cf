"""detect_anomaly names the op, the shapes, the layer and the line that made a NaN or an Inf."""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.layers import Dense

HERE = __file__


@pytest.fixture(autouse=True)
def quiet_numpy():
    with np.errstate(all="ignore"):
        yield


def line() -> int:
    """The line of the caller."""
    return sys._getframe(1).f_lineno


def leaf(values: Any) -> ns.Tensor:
    return ns.Tensor(values, requires_grad=True)


def test_the_first_nan_of_the_forward_pass(says):
    a = leaf([[1.0, -1.0]])
    at = line() + 2
    with ns.detect_anomaly(), says(FloatingPointError, "log gave NaN", "(1, 2)", f"{HERE}:{at}"):
        np.log(a)


def test_operators_methods_and_numpy_name_the_users_line(says):
    a, zero = leaf([1.0, 2.0]), ns.Tensor([0.0, 1.0])
    with ns.detect_anomaly():
        at = line() + 2
        with says(FloatingPointError, "divide gave Inf", "(2,), (2,)", f"{HERE}:{at}"):
            a / zero
        at = line() + 2
        with says(FloatingPointError, "exp gave Inf", f"{HERE}:{at}"):
            np.exp(a * 1e4)
        at = line() + 2
        with says(FloatingPointError, "NaN", f"{HERE}:{at}"):
            ns.Tensor([np.inf, -np.inf]).sum()
        at = line() + 2
        with says(FloatingPointError, "Inf", f"{HERE}:{at}"):
            np.mean(ns.Tensor([np.inf, 1.0]))


def test_an_input_that_was_already_bad_is_named(says):
    with ns.detect_anomaly():
        with says(FloatingPointError, "multiply gave NaN", "input 1 already held NaN"):
            leaf([1.0]) * np.array([np.nan])
        with says(FloatingPointError, "add gave Inf", "input 0 already held Inf"):
            ns.Tensor([np.inf]) + 1.0


def test_the_first_inf_of_the_backward_pass(says):
    a = leaf([4.0, 0.0])
    with ns.detect_anomaly():
        at = line() + 1
        root = np.sqrt(a)
        loss = (root * 2.0).sum()
        with says(FloatingPointError, "backward pass of sqrt gave Inf", "argument 0", "(2,)",
                  f"{HERE}:{at}"):  # fmt: skip
            loss.backward()
    assert a.grad is None


def test_a_nan_of_the_backward_pass_names_the_argument(says):
    base, exponent = leaf([[1.0], [-8.0]]), leaf([2.0, 4.0, 6.0])
    with ns.detect_anomaly():
        at = line() + 1
        loss = (base**exponent).sum()
        with says(FloatingPointError, "backward pass of power gave NaN",
                  "argument 1, of shape (3,)", "(2, 1), (3,)", f"{HERE}:{at}"):  # fmt: skip
            loss.backward()


def test_a_forward_pass_outside_still_names_the_op(says):
    loss = np.sqrt(leaf([4.0, 0.0])).sum()
    with ns.detect_anomaly(), says(FloatingPointError, "backward pass of sqrt gave Inf", "(2,)"):
        loss.backward()


def test_the_layer_is_named(says):
    layer = Dense(3, activation=np.log, name="suspect")
    inputs = ns.Tensor(np.full((2, 4), 1e-30, np.float32))
    layer(inputs)
    layer.kernel.assign(np.full((4, 3), -1.0))
    with ns.detect_anomaly():
        at = line() + 2
        with says(FloatingPointError, "log gave NaN", "(2, 3)", "layer 'suspect'", f"{HERE}:{at}"):
            layer(inputs)


def test_the_layer_of_a_backward_pass_is_named(says):
    layer = Dense(3, activation=np.sqrt, kernel_initializer="zeros", name="suspect")
    inputs = np.ones((2, 4), np.float32)
    with ns.detect_anomaly():
        at = line() + 1
        loss = np.sum(layer(inputs))
        with says(FloatingPointError, "backward pass of sqrt gave Inf", "(2, 3)",
                  "layer 'suspect'", f"{HERE}:{at}"):  # fmt: skip
            loss.backward()


def test_transforms_are_watched(says):
    with ns.detect_anomaly():
        with says(FloatingPointError, "backward pass of sqrt gave Inf"):
            ns.grad(lambda x: np.sqrt(x))(0.0)
        with says(FloatingPointError, "log gave Inf"):
            ns.grad(np.log)(0.0)


def test_a_training_step_is_watched(says):
    outer = Dense(1, activation=np.log, kernel_initializer="zeros", name="outer")
    model = ns.Sequential([Dense(2, name="inner"), outer])
    model.compile(loss="mse", optimizer="sgd")
    x, y = np.ones((4, 3), np.float32), np.ones((4, 1), np.float32)
    with ns.detect_anomaly():
        at = line() + 2
        with says(FloatingPointError, "log gave Inf", "layer 'outer'", f"{HERE}:{at}"):
            model.fit(x, y, epochs=1, verbose=0)


def test_finite_numbers_pass_and_gradients_are_the_same():
    def gradient(a: ns.Tensor) -> Any:
        a.zero_grad()
        (np.exp(a) @ a).backward()
        return a.grad.data

    a = leaf([0.5, -1.0])
    expected = gradient(a)
    with ns.detect_anomaly():
        assert np.array_equal(gradient(a), expected)
        assert (ns.Tensor([1, 2]) + 1).tolist() == [2, 3]


def test_it_ends_with_its_block_and_belongs_to_its_thread():
    a = leaf([np.nan])
    elsewhere: list[bool] = []
    with ns.detect_anomaly():
        thread = threading.Thread(target=lambda: elsewhere.append(bool(np.isnan((-a).data))))
        thread.start()
        thread.join()
        with ns.no_grad(), pytest.raises(FloatingPointError):
            np.negative(a)
    assert elsewhere == [True]
    assert np.isnan((-a).data)
