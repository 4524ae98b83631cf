"""The source of every rule is found, and each op's form computes what the op computes."""

from __future__ import annotations

import ast
import math
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
import nnscratch.ops  # declares every op
from nnscratch.autograd import OPS, Op, SampleSource
from nnscratch.explainer.forms import ELEMENTWISE, form_of
from nnscratch.explainer.recording import record_tape
from nnscratch.explainer.rules import line_of, rule_source

DIFFERENTIABLE = [op for op in OPS.values() if isinstance(op, Op) and op.differentiable]


@pytest.mark.parametrize("op", DIFFERENTIABLE, ids=lambda op: op.name)
def test_every_rule_has_its_source(op):
    text = rule_source(op)
    assert "(…)" not in text
    parts = [part for part in text.split("# gradient of ")[1:] if part]
    assert parts
    for part in parts:
        source = part.partition("\n")[2]
        ast.parse(f"({source.strip()})" if source.strip().startswith("lambda") else source)


def test_each_argument_has_its_own_rule():
    text = rule_source(OPS["multiply"])
    assert text.count("# gradient of") == 2
    first, second = text.split("# gradient of ")[1:]
    assert first.partition("\n")[2].strip() != second.strip()


def test_a_rule_without_a_file_is_no_error():
    rule = eval("lambda g, y, x: g")
    own = Op("my_own_op", lambda x: x, vjps=[rule], formula="x", samples=None, torch=None, numpy=[])
    try:
        assert "(…)" in rule_source(own)
    finally:
        del OPS["my_own_op"]


def test_the_line_of_the_users_program():
    x = ns.Tensor(1.0, requires_grad=True)
    y = np.exp(x)  # this very line
    assert line_of(y.node.origin) == "y = np.exp(x)  # this very line"
    assert line_of(y.node.origin._replace(filename="no such file")) == ""


COMPUTED: dict[str, Any] = {
    "exp": math.exp,
    "tanh": math.tanh,
    "sin": math.sin,
    "cos": math.cos,
    "log": math.log,
    "max": max,
    "leaky_relu": lambda x: x if x > 0 else 0.2 * x,
    "gelu": lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_text_of_an_elementwise_op_is_what_it_computes(name):
    sample = OPS[name].samples(SampleSource())[0]
    arrays = [np.asarray(arg) for arg in sample.args if hasattr(arg, "shape")]
    tensors = [ns.Tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    (entry, _) = record_tape(np.sum(OPS[name](*tensors))).forward
    form = form_of(entry)
    assert form["kind"] == "elementwise"
    numbers = [np.broadcast_to(array, entry.value.shape).flat[0] for array in arrays]
    text = form["text"].format(*(f"({number!r})" for number in map(float, numbers)))
    for sign, meaning in (
        ("·", "*"),
        ("−", "-"),
        ("²", "**2"),
        ("^", "**"),
        ("√", "0.5**-1 * 0.5 * math.sqrt"),
    ):
        text = text.replace(sign, meaning)
    if text.startswith("|"):
        text = f"abs({text.strip('|')})"
    assert eval(text, {"math": math, **COMPUTED}) == pytest.approx(entry.value.flat[0], rel=1e-9)


def test_a_relu_with_other_parameters_has_no_such_text():
    x = ns.Tensor(np.array([1.0, -1.0]), requires_grad=True)
    (entry, _) = record_tape(ns.ops.relu(x, negative_slope=0.1).sum()).forward
    assert form_of(entry) == {"kind": "other"}


def test_products_and_reductions():
    x = ns.Tensor(np.ones((4, 3)), requires_grad=True)
    forms = {
        entry.op: form_of(entry)
        for entry in record_tape(np.mean(np.max(x @ np.ones((3, 2)), axis=-1), axis=0)).forward
    }
    assert forms == {
        "matmul": {"kind": "matmul"},
        "max": {"kind": "reduction", "operation": "max", "axes": [1]},
        "mean": {"kind": "reduction", "operation": "mean", "axes": [0]},
    }
    scalar = record_tape(np.sum(np.sum(x), axis=-1) * 2).forward[1]
    assert form_of(scalar) == {"kind": "reduction", "operation": "sum", "axes": []}
    layer = ns.layers.Dense(2, use_bias=False)
    (dense, _) = record_tape(layer(np.ones((4, 3))).sum()).forward
    assert form_of(dense)["kind"] in ("dense", "matmul")
