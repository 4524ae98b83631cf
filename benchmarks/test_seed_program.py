"""The first seed program's parts: a training step, `fit`, `predict` on one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import seed_program

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

Program = seed_program.Nnscratch | seed_program.Torch | seed_program.Keras

contestants = pytest.mark.parametrize(
    "program",
    [seed_program.Nnscratch, seed_program.Torch, seed_program.Keras],
    ids=["nnscratch", "pytorch", "keras"],
)


@contestants
@pytest.mark.benchmark(group="training step of 32 rows, loss and accuracy")
def test_step(benchmark: BenchmarkFixture, program: type[Program]) -> None:
    benchmark(program().step)


@contestants
@pytest.mark.benchmark(group="fit 1000 rows, 20 epochs of 32 steps")
def test_fit(benchmark: BenchmarkFixture, program: type[Program]) -> None:
    logs = benchmark.pedantic(program().fit, rounds=7, warmup_rounds=1)
    assert len(logs) == seed_program.EPOCHS


@contestants
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's
@pytest.mark.benchmark(group="predict one row")
def test_predict(benchmark: BenchmarkFixture, program: type[Program]) -> None:
    outputs = benchmark(program().predict_row)
    assert outputs.shape == (1, 1)
