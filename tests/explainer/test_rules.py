"""The source of every rule is found."""

from __future__ import annotations

import ast

import numpy as np
import pytest

import nnscratch as ns
import nnscratch.ops  # declares every op
from nnscratch.autograd import OPS, Op
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
