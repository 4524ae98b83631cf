"""Training: an MLP's step, the second seed program's fit, `predict` on one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mlp
import multiclass_program
import pytest

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    Program = multiclass_program.Nnscratch | multiclass_program.Keras

contestants = pytest.mark.parametrize(
    "program",
    [multiclass_program.Nnscratch, multiclass_program.Keras],
    ids=["nnscratch", "keras"],
)


@pytest.mark.parametrize("network", [mlp.Nnscratch, mlp.Torch], ids=["nnscratch", "pytorch"])
@pytest.mark.benchmark(group="training step of an MLP 784-512-512-10, 128 rows, Adam")
def test_mlp_step(
    benchmark: BenchmarkFixture, network: type[mlp.Nnscratch] | type[mlp.Torch]
) -> None:
    benchmark(network().step)


@contestants
@pytest.mark.benchmark(group="second seed program, fit with validation, 10 epochs of 18 steps")
def test_fit(benchmark: BenchmarkFixture, program: type[Program]) -> None:
    logs = benchmark.pedantic(program().fit, rounds=5, warmup_rounds=1)
    assert len(logs["val_accuracy"]) == multiclass_program.EPOCHS


@contestants
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's
@pytest.mark.benchmark(group="second seed program, predict one row")
def test_predict(benchmark: BenchmarkFixture, program: type[Program]) -> None:
    outputs = benchmark(program().predict_row)
    assert outputs.shape == (1, 3)
