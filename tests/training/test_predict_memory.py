"""`predict` in a loop holds on to nothing."""

import tracemalloc

import numpy as np

import nnscratch as ns
from nnscratch.layers import Dense


def test_memory_is_flat_over_10_000_calls_of_predict():
    model = ns.Sequential([Dense(16, activation="relu", input_dim=8), Dense(3)])
    x = np.random.default_rng(0).random((4, 8))

    def call(times: int) -> None:
        for _ in range(times):
            model.predict(x, verbose=0)

    tracemalloc.start()
    try:
        call(3_000)  # the interpreter keeps up to 2,000 freed tuples of a size for later
        before = tracemalloc.get_traced_memory()[0]
        call(10_000)
        assert tracemalloc.get_traced_memory()[0] - before < 2_000
    finally:
        tracemalloc.stop()
