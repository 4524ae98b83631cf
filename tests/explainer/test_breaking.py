"""Each mistake gives what the same mistake gives when it is made by hand in NumPy."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.explainer.breaking import RATES, SATURATION, STEPS, breaks
from nnscratch.explainer.recording import record_tape
from nnscratch.explainer.replay import rerun
from nnscratch.explainer.wrong_walk import walk_wrongly
from tests.explainer import samples

RANDOM = np.random.default_rng(3)
X, Y = RANDOM.normal(size=(6, 3)), RANDOM.normal(size=(6, 2))
W, B = RANDOM.normal(size=(3, 2)), RANDOM.normal(size=2)


def broken(loss: Any, names: dict[str, Any], key: str) -> Any:
    recording = record_tape(loss, {id(tensor): name for name, tensor in names.items()})
    (found,) = [one for one in breaks(recording) if one.key == key]
    return found


def by_label(gradients: dict[Any, Any]) -> dict[str, Any]:
    return {entry.label: gradient for entry, gradient in gradients.items()}


def leaf(value: Any) -> ns.Tensor:
    return ns.Tensor(np.array(value), requires_grad=True)


def regression() -> tuple[Any, dict[str, Any]]:
    """mean((tanh(x w + b) - y)²)."""
    named = {"w": leaf(W), "b": leaf(B)}
    return np.mean(np.square(np.tanh(X @ named["w"] + named["b"]) - Y)), named


def gradients_by_hand(w: Any, b: Any) -> tuple[float, Any, Any]:
    h = np.tanh(X @ w + b)
    g = 2 * (h - Y) / h.size * (1 - h * h)
    return float(np.mean((h - Y) ** 2)), X.T @ g, g.sum(axis=0)


def descent_by_hand(
    rate: float, change: Any = lambda dw, db: (dw, db), start: Any = None
) -> list[float]:
    w, b = (W, B) if start is None else start
    losses = []
    for _ in range(STEPS):
        loss, dw, db = gradients_by_hand(w, b)
        losses.append(loss)
        dw, db = change(dw, db)
        w, b = w - rate * dw, b - rate * db
    return losses


def learning_rate() -> float:
    """The largest of the rates with which the loss falls at every step."""
    return next(rate for rate in RATES if falls(descent_by_hand(rate)))


def test_the_right_walk_is_the_engines():
    loss, named = regression()
    found = walk_wrongly(loss).leaves
    loss.backward()
    for tensor in named.values():
        np.testing.assert_allclose(found[tensor], tensor.grad.numpy(), rtol=1e-14)


@pytest.mark.parametrize("name", ["tiny", "arrays", "network"])
def test_the_right_walk_gets_and_sends_what_the_engine_does(name):
    recording = samples.RECORDINGS[name]()
    again = rerun(recording, {})
    walked = walk_wrongly(again.loss)
    assert walked.failed is None
    assert walked.lost == {}
    for entry in recording.forward:
        (received,) = walked.received[again.results[entry].node]
        np.testing.assert_allclose(received, entry.gradient, rtol=1e-5, atol=1e-7)
        for edge in entry.inputs:
            sent = walked.sent.get((again.results[entry].node, edge.argument))
            assert (sent is None) == (edge.contribution is None)
            if sent is not None:
                np.testing.assert_allclose(sent, edge.contribution, rtol=1e-5, atol=1e-7)


def test_assign_keeps_the_last_share():
    """b = a + a; c = b * 3 + a: the walk sends to `a` from the product first, from `b` last."""
    a = leaf(2.0)
    b = a + a
    one = broken(b * 3 + a, {"a": a}, "assign")
    # a gets 1 from the last sum; then 3 and 3 from b, of which the last one stays.
    assert by_label(one.gradients)["a"] == 3
    assert one.why_not is None
    (b * 3 + a).backward()
    assert a.grad.item() == 7


def test_assign_tells_which_shares_are_lost_and_from_where_on_it_differs():
    """h = 2 a; loss = 3 h + exp(h): the exponential's share arrives first and is overwritten."""
    a = leaf(0.5)
    h = a * 2
    product = h * 3
    loss = product + np.exp(h)
    one = broken(loss, {"a": a, "h": h, "product": product}, "assign")
    ((edge, why),) = one.lost.items()
    assert (edge.source.label, edge.target.op, why) == ("h", "exp", "overwritten")
    assert by_label(one.gradients) == {"h": 3, "a": 6}  # and not 3 + e and twice as much
    assert [(edge.source.label, float(share)) for edge, share in one.contributions.items()] == [
        ("a", 6.0)
    ]
    assert one.values == {}


def test_assign_in_training():
    w = leaf(np.array([1.0, -2.0]))
    one = broken(np.mean(np.square(w * w - 0.5)), {"w": w}, "assign")
    tried = {rate: squares_by_hand(w.numpy(), rate, 2) for rate in RATES}
    rate = next(rate for rate, losses in tried.items() if falls(losses))
    np.testing.assert_allclose(one.right_losses, tried[rate], rtol=1e-10)
    # One of the two shares, which are equal.
    losses = squares_by_hand(w.numpy(), rate, 1)
    np.testing.assert_allclose(one.wrong_losses, losses, rtol=1e-10)


def falls(losses: list[float]) -> bool:
    return all(later <= earlier for earlier, later in pairwise(losses))


@np.errstate(all="ignore")
def squares_by_hand(w: Any, rate: float, shares: int) -> list[float]:
    losses = []
    for _ in range(STEPS):
        error = w * w - 0.5
        losses.append(float(np.mean(error**2)))
        w = w - rate * shares * (2 * error / w.size) * w
    return losses


def test_depth_first_passes_on_the_first_share():
    """d = (b + b * c); c = b * 2: depth-first visits b before c has sent its share."""
    a = leaf(1.5)
    b = a * 2
    c = b * b
    one = broken(b + c, {"a": a}, "depth-first")
    # The sum sends 1 to b and 1 to c. b is visited first, on its 1 alone: a gets 1 * 2. The
    # shares of c, 2b together, reach b when it has been visited, and go no further.
    assert by_label(one.gradients)["a"] == 2
    assert {edge.source.op for edge in one.lost} == {"multiply"}
    assert [(edge.target.op, why) for edge, why in one.lost.items()] == [("multiply", "late")] * 2
    (b + c).backward()
    assert a.grad.item() == 2 * (1 + 2 * 3)


def test_depth_first_passes_by_what_it_first_meets_along_a_way_without_gradient():
    """where(s, a, 1) + exp(s): where sends nothing to s, and what exp sends comes too late."""
    a = leaf(0.5)
    s = np.sin(a)
    one = broken(ns.ops.where(s, a, 1.0) + np.exp(s), {"a": a, "s": s}, "depth-first")
    assert by_label(one.gradients) == {"s": 0, "a": 1}
    assert [(edge.target.op, why) for edge, why in one.lost.items()] == [("exp", "late")]


def test_depth_first_is_right_on_a_chain():
    a = leaf(1.5)
    one = broken(np.exp(np.sin(a)), {"a": a}, "depth-first")
    assert "topological order" in one.why_not


def test_gradients_not_zeroed_add_up():
    loss, named = regression()
    one = broken(loss, named, "not-zeroed")
    _, dw, db = gradients_by_hand(W, B)
    np.testing.assert_allclose(by_label(one.gradients)["w"], 2 * dw, rtol=1e-12)
    np.testing.assert_allclose(by_label(one.gradients)["b"], 2 * db, rtol=1e-12)
    sums = [0, 0]

    def accumulated(dw: Any, db: Any) -> Any:
        sums[0], sums[1] = sums[0] + dw, sums[1] + db
        return sums

    losses = descent_by_hand(learning_rate(), accumulated)
    np.testing.assert_allclose(one.wrong_losses, losses, rtol=1e-9)
    np.testing.assert_allclose(one.right_losses, descent_by_hand(learning_rate()), rtol=1e-9)


def test_broadcasting_not_undone_has_the_results_shape():
    loss, named = regression()
    one = broken(loss, named, "no-unbroadcast")
    h = np.tanh(X @ W + B)
    g = 2 * (h - Y) / h.size * (1 - h * h)
    np.testing.assert_allclose(by_label(one.gradients)["b"], g, rtol=1e-12)
    (error,) = [text for entry, text in one.errors.items() if entry.label == "b"]
    assert "(6, 2)" in error
    assert "(2,)" in error
    assert one.wrong_losses == []


def test_a_walk_that_fails_says_at_which_op():
    """Without its sum the gradient of the bias no longer fits the rule of what made the bias."""
    c = leaf(np.ones((2, 1)))
    bias = np.reshape(c, (2,))
    one = broken(np.sum(np.square(X @ W + bias)), {"c": c}, "no-unbroadcast")
    assert one.why_not is None
    (text,) = [text for entry, text in one.errors.items() if entry.label == "c"]
    assert "gets no further than reshape" in text
    assert one.wrong_losses == []


def test_without_the_mean_all_before_it_is_n_times_as_large():
    loss, named = regression()
    one = broken(loss, named, "no-mean")
    (entry,) = [edge.source for edge in one.contributions if edge.target.op == "mean"]
    assert entry in one.gradients
    for entry, gradient in one.gradients.items():
        np.testing.assert_allclose(gradient, Y.size * entry.gradient, rtol=1e-12)
    for edge, share in one.contributions.items():
        np.testing.assert_allclose(share, Y.size * edge.contribution, rtol=1e-12)
    assert "mean" not in by_label(one.gradients)  # the loss's own derivative is 1 all the same


def test_no_mean_is_the_sum():
    loss, named = regression()
    one = broken(loss, named, "no-mean")
    _, dw, _ = gradients_by_hand(W, B)
    np.testing.assert_allclose(by_label(one.gradients)["w"], Y.size * dw, rtol=1e-12)
    losses = descent_by_hand(learning_rate(), lambda dw, db: (Y.size * dw, Y.size * db))
    np.testing.assert_allclose(one.wrong_losses, losses, rtol=1e-7)


def test_no_mean_leaves_a_penalty_as_it_is():
    w = leaf(W)
    loss = np.mean(np.square(X @ w - Y)) + 0.1 * np.sum(np.square(w))
    one = broken(loss, {"w": w}, "no-mean")
    expected = Y.size * X.T @ (2 * (X @ W - Y) / Y.size) + 0.2 * W
    np.testing.assert_allclose(by_label(one.gradients)["w"], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "target", "count"),
    [
        ("CategoricalCrossentropy", np.eye(3)[[0, 1, 1, 2]], 4),
        ("SparseCategoricalCrossentropy", np.array([0, 1, 1, 2]), 4),
        ("BinaryCrossentropy", np.eye(3)[[0, 1, 1, 2]], 12),
        ("MeanSquaredError", np.eye(3)[[0, 1, 1, 2]], 12),
    ],
)
def test_no_mean_knows_what_each_loss_averages(loss, target, count):
    logits = leaf(RANDOM.normal(size=(4, 3)))
    scores = ns.ops.sigmoid(logits) if loss == "BinaryCrossentropy" else ns.ops.softmax(logits)
    whole = getattr(ns.losses, loss)()(target, scores)
    one = broken(whole, {"z": logits}, "no-mean")
    summed = getattr(ns.losses, loss)(reduction="sum")(target, ns.ops.softmax(logits))
    if loss == "BinaryCrossentropy":
        summed = getattr(ns.losses, loss)(reduction="sum")(target, ns.ops.sigmoid(logits)) * 3
    if loss == "MeanSquaredError":
        summed = summed * 3  # Keras's sum is of the samples' means over the classes
    summed.backward()
    np.testing.assert_allclose(by_label(one.gradients)["z"], logits.grad.numpy(), rtol=1e-5)
    assert count == round(
        float(
            np.linalg.norm(by_label(one.gradients)["z"]) / np.linalg.norm(right_of(whole, logits))
        )
    )


def right_of(loss: Any, tensor: Any) -> Any:
    tensor.grad = None
    loss.backward()
    return tensor.grad.numpy()


def test_saturated_units_pass_hardly_anything_on():
    named = {"w": leaf(W), "b": leaf(B), "v": leaf(RANDOM.normal(size=(2, 1)))}
    h = ns.ops.sigmoid(X @ named["w"] + named["b"])
    one = broken(np.mean(h @ named["v"]), named, "saturated")
    h = 1 / (1 + np.exp(-(SATURATION * (X @ W + B))))
    g = np.ones((6, 1)) / 6 @ named["v"].numpy().T * h * (1 - h)
    np.testing.assert_allclose(by_label(one.gradients)["w"], X.T @ g, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(by_label(one.gradients)["v"], h.sum(0)[:, None] / 6, rtol=1e-12)
    np.testing.assert_allclose(by_label(one.values)["sigmoid"], h, rtol=1e-12)
    np.testing.assert_allclose(by_label(one.values)["w"], SATURATION * W)
    assert "v" not in by_label(one.values)


def test_weights_of_zero():
    loss, named = regression()
    one = broken(loss, named, "zero-weights")
    _, dw, _ = gradients_by_hand(0 * W, 0 * B)
    np.testing.assert_allclose(by_label(one.gradients)["w"], dw, rtol=1e-12)
    losses = descent_by_hand(learning_rate(), start=(0 * W, 0 * B))
    np.testing.assert_allclose(one.wrong_losses, losses, rtol=1e-9)


def test_weights_of_zero_leave_inputs_and_factors_alone():
    """With a factor of 0 as well, nothing would get to the kernel."""
    x = leaf(X)
    model = ns.Sequential([ns.layers.Dense(4, "tanh"), ns.layers.LayerNormalization()])
    loss = np.mean(model(x) * RANDOM.normal(size=(6, 4)).astype(np.float32))
    found = by_label(broken(loss, {"x": x}, "zero-weights").gradients)
    assert np.any(found["kernel"])
    assert not np.any(found["x"])  # nothing gets past a kernel of zeros


WHY_NOT = {
    "assign": "used twice",
    "depth-first": "topological order",
    "no-unbroadcast": "broadcast",
    "no-mean": "not the mean",
    "saturated": "no sigmoid or tanh",
    "zero-weights": "no matrices",
}


@pytest.mark.parametrize("key", WHY_NOT)
def test_what_changes_nothing_says_why(key):
    x = leaf(np.array([0.5, 1.5]))
    one = broken(np.sum(np.exp(x)), {"x": x}, key)
    assert WHY_NOT[key] in one.why_not


def test_a_gradient_that_does_not_exist_is_no_error_of_ours():
    w = leaf(np.eye(2) + 1)
    found = breaks(record_tape(np.sum(np.linalg.inv(w))))
    zeros = next(one for one in found if one.key == "zero-weights")
    (text,) = zeros.errors.values()
    assert "singular" in text


def test_breaking_leaves_the_users_tensors_alone():
    loss, named = regression()
    before = {name: tensor.numpy().copy() for name, tensor in named.items()}
    breaks(record_tape(loss))
    for name, tensor in named.items():
        np.testing.assert_array_equal(tensor.numpy(), before[name])
        assert tensor.grad is None
    loss.backward()


def test_numbers_of_python_keep_their_dtype():
    """A float32 tensor times a Python number stays float32 when the tape runs again."""
    x = ns.Tensor(np.ones(3, np.float32), requires_grad=True)
    one = broken(np.mean(np.square(x * 0.1)), {"x": x}, "not-zeroed")
    assert by_label(one.gradients)["x"].dtype == np.float32
    assert one.right_losses[0] == np.float32(np.mean(np.square(np.ones(3, np.float32) * 0.1)))
