"""A right rule gets green chips wherever it is asked, a wrong one red ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import nnscratch as ns
import nnscratch.ops  # declares every op
from nnscratch.autograd import OPS, SampleSource
from nnscratch.autograd.trees import leaves, rebuild
from nnscratch.explainer.checks import finite_differences, pytorch
from nnscratch.explainer.recording import record_tape


def as_tensors(tree: Any, dtype: Any) -> Any:
    def convert(leaf: Any) -> Any:
        if not isinstance(leaf, np.ndarray):
            return leaf
        is_float = leaf.dtype.kind == "f"
        return ns.Tensor(leaf.astype(dtype) if is_float else leaf, requires_grad=is_float)

    return rebuild(tree, iter([convert(leaf) for leaf in leaves(tree)]))


def weighted_sum(outputs: list[Any]) -> Any:
    random = np.random.default_rng(1)
    terms = [np.sum(o * random.uniform(0.5, 1.5, o.shape).astype(o.dtype)) for o in outputs]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", OPS.values(), ids=lambda op: op.name)
def test_no_chip_of_a_right_rule_is_red(op, dtype):
    for sample in op.samples(SampleSource()):
        results = leaves(op(*as_tensors(sample.args, dtype), **sample.params))
        outputs = [result for result in results if getattr(result, "requires_grad", False)]
        if not outputs:
            continue
        for entry in record_tape(weighted_sum(outputs)).forward:
            for check in (finite_differences(entry), pytorch(entry)):
                assert check is None or check.ok, (entry.op, sample, check)


def test_most_ops_are_checked_by_both():
    checked = []
    for name in ("matmul", "exp", "relu", "softmax", "mean_softmax_crossentropy", "dense", "sum"):
        sample = OPS[name].samples(SampleSource())[0]
        loss = weighted_sum([OPS[name](*as_tensors(sample.args, np.float32), **sample.params)])
        entry = next(e for e in record_tape(loss).forward if e.op == name)
        checked += [finite_differences(entry), pytorch(entry)]
    assert all(check is not None and check.ok for check in checked)


CORNERS = {
    "relu at 0": (lambda x: ns.ops.relu(x), [0.0, 0.0, 1.0, -1.0]),
    "maximum with 0": (lambda x: np.maximum(x, 0), [0.0, 0.0, 1.0, -1.0]),
    "absolute at 0": (lambda x: np.abs(x), [0.0, 2.0, -2.0]),
    "max of equal numbers": (lambda x: np.max(x), [1.0, 1.0, 0.5]),
    "clip at its ends": (lambda x: np.clip(x, -1, 1), [-1.0, 1.0, 0.3]),
    "sign at 0": (lambda x: np.sign(x), [0.0, 1.0]),
    "sign of nothing but 0": (lambda x: np.sign(x), [0.0]),
    "floor of integers": (lambda x: np.floor(x), [2.0, 3.0, 0.5]),
    "round half": (lambda x: np.round(x), [0.5, 1.5, 0.2]),
    "norm of zeros": (lambda x: ns.ops.vector_norm(x), [0.0, 0.0]),
    "std of equal numbers": (lambda x: np.std(x), [3.0, 3.0, 3.0]),
    "sqrt near 0": (lambda x: np.sqrt(x), [1e-10, 1e-14, 1.0]),
    "log near 0": (lambda x: np.log(x), [1e-10, 1e-3, 1.0]),
    "arcsin near 1": (lambda x: np.arcsin(x), [1 - 1e-9, 0.5]),
    "power 0": (lambda x: x**0, [0.0, 2.0]),
    "flat sigmoid": (lambda x: ns.ops.sigmoid(x), [60.0, -60.0, 700.0]),
    "large numbers": (lambda x: x + 1e12, [1e12, 1.0]),
    "tiny numbers": (lambda x: np.exp(x), [1e-30, 1e-8]),
    "where": (lambda x: np.where(x.detach() > 0, x, 0), [0.0, 1.0, -1.0]),
    "relu6 at its ends": (lambda x: ns.ops.relu6(x), [0.0, 6.0, 3.0]),
    "hard sigmoid at its ends": (lambda x: ns.ops.hard_sigmoid(x), [-3.0, 3.0, 0.0]),
}


@pytest.mark.parametrize("name", CORNERS)
def test_no_chip_is_red_at_a_corner(name):
    function, numbers = CORNERS[name]
    x = ns.Tensor(np.array(numbers), requires_grad=True)
    for entry in record_tape(np.sum(function(x) * 3)).forward:
        for check in (finite_differences(entry), pytorch(entry)):
            assert check is None or check.ok, (entry.op, check)


def test_the_rest_is_checked_beside_a_corner(monkeypatch):
    """One element at 0 does not hide that the rule is wrong elsewhere."""
    monkeypatch.setattr(OPS["relu"], "vjps", (lambda g, y, x, **_: g * 1.1 * (y > 0),))
    x = ns.Tensor(np.array([0.0, 1.0, -1.0]), requires_grad=True)
    (relu,) = [e for e in record_tape(np.sum(ns.ops.relu(x))).forward if e.op == "relu"]
    assert not finite_differences(relu).ok
    assert not pytorch(relu).ok


def test_gradients_that_have_all_but_vanished_are_checked(monkeypatch):
    x = ns.Tensor(np.array([0.3, -0.7], np.float32), requires_grad=True)
    (tanh,) = [e for e in record_tape(np.sum(np.tanh(x)) * 1e-30).forward if e.op == "tanh"]
    assert finite_differences(tanh).ok
    monkeypatch.setattr(OPS["tanh"], "vjps", (lambda g, y, x: g * (1 - y),))
    assert not finite_differences(tanh).ok
    assert not pytorch(tanh).ok


WRONG = {
    "multiply": (lambda g, y, a, b: g * a, lambda g, y, a, b: g * a),
    "matmul": (lambda g, y, a, b: g @ b.T * 1.001, lambda g, y, a, b: a.T @ g),
    "exp": (lambda g, y, x: g,),
    "sum": (lambda g, y, a, axis, keepdims: g / a.size + np.zeros(a.shape),),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_red(name, monkeypatch):
    monkeypatch.setattr(OPS[name], "vjps", WRONG[name])
    sample = OPS[name].samples(SampleSource())[0]
    loss = weighted_sum([OPS[name](*as_tensors(sample.args, np.float64), **sample.params)])
    entry = next(e for e in record_tape(loss).forward if e.op == name)
    for check in (finite_differences(entry), pytorch(entry)):
        assert check is not None
        assert not check.ok
        assert "do NOT agree" in check.text


def test_a_wrong_rule_is_red_where_all_numbers_are_zero(monkeypatch):
    """Biases start at 0, where steps in proportion would be none at all."""
    monkeypatch.setattr(OPS["add"], "vjps", (lambda g, y, a, b: g, lambda g, y, a, b: 2 * g))
    bias = ns.Tensor(np.zeros(3), requires_grad=True)
    (add, _) = record_tape(np.sum(np.ones((2, 3)) + bias)).forward
    assert not finite_differences(add).ok


def test_nan_is_not_checked():
    x = ns.Tensor(np.array([np.nan, 1.0]), requires_grad=True)
    for entry in record_tape(np.exp(x * 2).sum()).forward:
        assert finite_differences(entry) is None or finite_differences(entry).ok
        assert pytorch(entry) is None or pytorch(entry).ok


def test_pytorch_is_asked_for_its_own_gradient():
    """The chip of the fused loss compares with what PyTorch gives for the loss as a whole."""
    random = np.random.default_rng(0)
    logits = ns.Tensor(random.normal(size=(4, 3)), requires_grad=True)
    target = np.eye(3)[[0, 2, 1, 1]]
    (fused,) = record_tape(ns.ops.mean_softmax_crossentropy(target, logits)).forward
    theirs = torch.tensor(logits.numpy(), requires_grad=True)
    torch.nn.functional.cross_entropy(theirs, torch.tensor(target)).backward()
    (edge,) = [edge for edge in fused.inputs if edge.contribution is not None]
    np.testing.assert_allclose(edge.contribution, theirs.grad.numpy(), rtol=1e-10)
    assert pytorch(fused).ok
