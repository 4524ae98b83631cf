"""What a form says of one element comes to what the op and the walk made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.explainer.forms import OF_WHOLE_MATRICES, form_of
from nnscratch.explainer.recording import record_tape
from tests.explainer.samples_of_ops import SAMPLES, call, entry_of, weighted_sum
from tests.explainer.written_out import WrittenOut

if TYPE_CHECKING:
    from nnscratch.explainer.recording import Entry

WITHOUT = OF_WHOLE_MATRICES | {"linear_recurrence", "scatter"}
MOST_ELEMENTS = 12


def some(array: Any) -> list[tuple[int, ...]]:
    indices = list(np.ndindex(array.shape))
    return indices[:: max(1, len(indices) // MOST_ELEMENTS)]


def recorded(name: str) -> Entry:
    results = call(name)
    return entry_of(record_tape(weighted_sum(results)), results[0])


@pytest.mark.parametrize("name", SAMPLES)
def test_a_form_computes_what_the_op_and_its_rule_do(name):
    entry = recorded(name)
    written = WrittenOut(entry)
    if entry.op in WITHOUT:
        assert written.says_nothing
        assert written.form["forward"]["note"].endswith(".")
        return
    assert not written.says_nothing
    for index in some(entry.value):
        np.testing.assert_allclose(
            written.element(index), entry.value[index], rtol=2e-5, atol=1e-12, err_msg=str(index)
        )
    for edge in entry.inputs:
        if edge.contribution is None:
            continue
        for index in some(edge.contribution):
            computed = written.contribution(edge, index)
            if computed is not None:
                np.testing.assert_allclose(
                    computed,
                    edge.contribution[index],
                    rtol=2e-5,
                    atol=1e-8,
                    err_msg=f"argument {edge.argument} at {index}",
                )


def test_only_a_zero_in_a_running_product_and_gradients_of_statistics_have_no_form():
    """What is left out backward, although there is a form forward."""
    silent = set()
    for name in SAMPLES:
        entry = recorded(name)
        backward = form_of(entry).plain().get("backward", {})
        silent |= {entry.op for one in backward.values() if not one["parts"]}
    assert silent == {"batch_normalization", "cumprod"}


@pytest.mark.parametrize(
    ("make", "steady"),
    [
        (lambda x: x.reshape(6, 4), True),
        (lambda x: x.transpose(2, 0, 1), True),
        (lambda x: np.flip(x, 1)[:, ::2, None], True),
        (lambda x: x[np.array([0, 0, 1])], False),
        (lambda x: np.roll(x, 1, axis=1), False),
    ],
)
def test_steps_of_one_length_need_no_map(make, steady):
    x = ns.Tensor(np.arange(24.0).reshape(2, 3, 4), requires_grad=True)
    entry = record_tape(make(x).sum()).forward[-2]
    assert (not form_of(entry).known) == steady
