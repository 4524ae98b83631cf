"""Nested state as text and arrays, and JSON that gives back what it was given."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscratch.autograd import Tensor
from nnscratch.saving import strict_json, trees

numbers = st.floats() | st.integers() | st.booleans() | st.none() | st.text()
nested = st.recursive(
    numbers, lambda part: st.lists(part) | st.dictionaries(st.text(), part), max_leaves=20
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float):
        return type(other) is float and (
            math.isnan(one) == math.isnan(other)
            and (math.isnan(one) or math.copysign(1, one) == math.copysign(1, other))
            and (math.isnan(one) or one == other)
        )
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@given(nested)
def test_nested_numbers_and_text_come_back_exactly(tree):
    text, arrays = trees.split(tree)
    assert arrays == {}
    assert text.isascii()
    json.loads(text, parse_constant=pytest.fail)  # any reader of JSON reads it
    assert same(tree, trees.join(text, arrays.__getitem__))


def test_arrays_and_numpys_numbers_come_back_with_their_dtypes():
    tree = {
        "arrays": [np.arange(3, dtype=np.int16), np.zeros((0, 2)), np.array(1.5)],
        "scalar": np.float32(0.1),
        "tensor": Tensor(np.ones(2)),
        "tuple": (1, 2),
    }
    text, arrays = trees.split(tree)
    back = trees.join(text, arrays.__getitem__)
    for one, other in zip(tree["arrays"], back["arrays"], strict=True):
        assert isinstance(other, np.ndarray)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    assert isinstance(back["scalar"], np.float32)
    assert back["scalar"] == np.float32(0.1)
    np.testing.assert_array_equal(back["tensor"], np.ones(2))
    assert back["tuple"] == [1, 2]


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, b"bytes", 1j, len], ids=lambda value: type(value).__name__
)
def test_what_no_file_can_hold_is_told_with_its_place(value):
    with pytest.raises(TypeError, match="at state/best/1"):
        trees.split({"best": [0, value]})


def test_a_key_that_is_no_text_is_told_of():
    with pytest.raises(TypeError, match="got 3 at state/a"):
        trees.split({"a": {3: 1}})


@pytest.mark.parametrize("text", ['{"dict":1}', '{"array":1}', '{"x":1}', '{"a":1,"b":2}', "{}"])
def test_text_that_split_does_not_write_is_refused(text):
    with pytest.raises(ValueError, match="where a value should be"):
        trees.join(text, {}.__getitem__)


@pytest.mark.parametrize(
    "text",
    ["NaN", "[Infinity]", "-Infinity", "1e999", '{"a":1,"a":2}', "[" * 10**5, "", "{", "nul", "1 2",
     '"\x01"', "1" * 5000],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_json_with_traps_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        strict_json.parse(text)


def test_numbers_that_json_lacks_are_spelled_out():
    assert strict_json.render([math.inf, -math.inf, 1.0]) == (
        '[{"float":"inf"},{"float":"-inf"},1.0]'
    )
    assert strict_json.parse('{"float":"inf"}') == math.inf
    assert strict_json.parse('{"float":"1.0"}') == {"float": "1.0"}
