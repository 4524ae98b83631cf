"""The laboratory on a GPU: cases, clock, ceilings, commands and goals, on small arrays.

What the numbers are means something on a GPU only; here it is that they are of the right work.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from nnscratch.doctor import optional_findings
from nnscratch_kernels import auto, numpy_kernels
from nnscratch_kernels.devices import CPU, GPU, is_on_gpu, on_host
from nnscratch_kernels.laboratory import (
    bench,
    bench_command,
    cases,
    ceilings,
    contestants,
    gpu,
    pictures,
    rungs,
    warming,
)
from nnscratch_kernels.laboratory.cases import declaring
from nnscratch_kernels.laboratory.paired import Timings
from tests.gpu import cupy_on_host
from tests.gpu.cupy_on_host import raw

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ROOF = ceilings.GpuCeilings(name="a GPU", copy=1e12, single=1e13, double=5e12)


@pytest.fixture(autouse=True)
def kernels_can_run(cupy):
    if cupy is cupy_on_host and raw.compiler() is None:
        pytest.skip("kernels run on the host only on Linux and with g++")


@pytest.fixture
def script(monkeypatch):
    """Loads a script of the benchmarks, with its neighbours to be found as when it is run."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setitem(sys.modules, "machine", sys)  # it would choose threads for this process
    for neighbour in ("mlp", "speed_goals", "gpu_goals", "write_results"):
        monkeypatch.delitem(sys.modules, neighbour, raising=False)
    return import_module


@pytest.fixture
def goals(script):
    return script("gpu_goals")


@pytest.fixture
def small_ceilings(monkeypatch):
    measure = partial(ceilings.measure_gpu, 0.0, streamed=1000, side=8)
    monkeypatch.setattr(ceilings, "measure_gpu", measure)


@pytest.mark.parametrize("name", sorted(cases.recipes()))
def test_a_case_gives_the_same_on_the_gpu(name):
    case = cases.make_case(name, 300)
    kernel = getattr(auto, case.recipe.kernel)
    expected = case.run(getattr(numpy_kernels, case.recipe.kernel))
    there = case.on(GPU)
    found = there.run(kernel)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        largest = np.abs(other[np.isfinite(other)]).max(initial=0)
        np.testing.assert_allclose(on_host(one), other, rtol=2e-5, atol=2e-5 * largest)
    assert there.bytes_moved == case.bytes_moved
    assert there.operations == case.operations


def test_the_same_array_stays_the_same_there():
    shared = np.ones(3)
    case = cases.Case("", cases.recipes()["dropout"], (shared, [shared, 2], None, "words"))
    there = case.on(GPU)
    first, (second, number), nothing, word = there.arguments
    assert first is second
    assert is_on_gpu(first)
    assert (number, nothing, word) == (2, None, "words")
    assert there.on(CPU).arguments[0] is not shared
    np.testing.assert_array_equal(there.on(CPU).arguments[0], shared)


def test_a_measurement_by_the_clock_of_the_gpu(monkeypatch):
    asked = []

    def clocked(work, calls):
        def contestant():
            for _ in range(calls):
                work()
            asked.append(calls)
            return 2.0

        return contestant

    monkeypatch.setattr(gpu, "clocked", clocked)
    roofs = {CPU: ceilings.Ceilings(threads=1, copy=8e9, triad=1e10, single=1e11, double=5e10)}
    measured = bench.measure(
        "relu",
        1000,
        "float32",
        roofs | {GPU: ROOF},
        backends=["numpy", "cupy"],
        against=["torch"],
        seconds=0.01,
    )
    assert [*measured.timings.seconds] == ["cupy", "numpy", "torch"]
    assert measured.seconds("cupy") == 2.0
    assert measured.seconds("numpy") < 0.1
    assert len(asked) >= bench.ROUNDS[0]
    assert measured.least["cupy"] == 8000 / 1e12
    assert measured.least["numpy"] == measured.least["torch"] == 8000 / 1e10
    assert measured.share("cupy") == measured.least["cupy"] / 2.0


def test_without_the_cpu_nothing_runs_there(monkeypatch):
    on_gpu = []
    spy = SimpleNamespace(gelu=lambda x: on_gpu.append(is_on_gpu(x)) or auto.gelu(x))
    monkeypatch.setattr(declaring, "auto", spy)
    measured = bench.measure("gelu", 100, "float32", {GPU: ROOF}, backends=["cupy"], seconds=0.01)
    assert [*measured.timings.seconds] == ["cupy"]
    assert measured.moved == 800
    assert on_gpu == [True]


def test_the_clock_waits_for_the_work(cupy):
    array, called = cupy.ones(10), []

    def work():
        called.append(1)
        return array + 1

    seconds = gpu.clocked(work, 5)()
    assert len(called) == 6  # one of them before the clock starts
    assert 0 < seconds < 1


def test_the_ceilings_of_a_gpu():
    roof = ceilings.measure_gpu(0.0, streamed=1000, side=16)
    assert min(roof.copy, roof.single, roof.double) > 0
    assert roof.bandwidth == roof.copy
    assert roof.of == gpu.name()
    assert roof.in_words().startswith(f"ceilings of {gpu.name()}: copy ")
    assert ROOF.seconds(1e13, 1e6, np.float32) == 1
    assert ROOF.seconds(1e13, 1e6, np.float64) == 2
    assert ROOF.seconds(1, 1e12, np.float32) == 1


def test_the_gpu_is_described():
    assert gpu.is_there()
    described = gpu.describe()
    assert described["GPU"].startswith(gpu.name())
    assert "GiB" in described["GPU"]
    assert "driver for CUDA" in described["CUDA"]
    assert gpu._version(13020) == "13.2"


def test_the_doctor_computes_on_the_gpu(monkeypatch):
    found = {finding.what: finding for finding in optional_findings()}["backend cupy"]
    assert found.works
    assert gpu.name() in found.says
    monkeypatch.setattr(gpu.auto, "gelu", lambda x: x + x)
    gpu.check()  # wrong on both sides alike
    monkeypatch.setattr(gpu.auto, "gelu", lambda x: x + is_on_gpu(x))
    with pytest.raises(RuntimeError, match="computes wrong numbers"):
        gpu.check()
    monkeypatch.setattr(gpu.auto, "gelu", lambda x: 1 / 0)
    found = {finding.what: finding for finding in optional_findings()}["backend cupy"]
    assert not found.works
    assert "ZeroDivisionError: division by zero): install CUDA's compiler" in found.says


def test_warmup_compiles_the_cuda_sources(monkeypatch, capsys):
    called = []
    known = {name: cases.recipes()[name] for name in ("gelu", "gelu (tanh)", "sparsemax", "relu")}
    monkeypatch.setattr(cases, "recipes", lambda: known)
    monkeypatch.setattr(
        contestants,
        "implementation",
        lambda kernel, backend: None if kernel == "sparsemax" else getattr(numpy_kernels, kernel),
    )
    monkeypatch.setattr(
        cases.Case, "call", lambda case, kernel: lambda: called.append((case.name, case.arguments))
    )
    assert warming.warm_up_gpu() == 2
    assert [name for name, _ in called] == [n for n in known if n != "sparsemax" for _ in "fd"]
    assert [array.dtype.char for _, (array,) in called] == 3 * ["f", "d"]
    assert all(is_on_gpu(array) for _, (array,) in called)


def test_bench_measures_on_the_gpu(tmp_path, capsys, small_ceilings):
    pytest.importorskip("matplotlib")
    numbers, picture = tmp_path / "numbers.json", tmp_path / "roofline.svg"
    asked = ["relu", "gelu (tanh)", "--backend", "cupy", "--size", "100", "--seconds", "0.01"]
    assert bench_command.main([*asked, "--json", str(numbers), "--plot", str(picture)]) == 0
    printed = capsys.readouterr().out
    assert f"GPU: {gpu.name()}" in printed
    assert f"ceilings of {gpu.name()}: copy" in printed
    assert "ceilings of 1 thread" not in printed
    content = json.loads(numbers.read_text())
    assert [*content["ceilings"]] == [GPU]
    assert {name for it in content["measurements"] for name in it["seconds"]} == {"cupy"}
    assert gpu.name() in content["machine"]["GPU"]
    assert picture.stat().st_size > 10_000


def test_bench_takes_the_gpu_by_default(monkeypatch, capsys):
    asked = {}
    monkeypatch.setattr(
        bench_command, "_measure", lambda names, given: asked.update(vars(given)) or 0
    )
    assert bench_command.main(["gelu", "--against", "torch"]) == 0
    assert asked["backend"] == ["numpy", "numba", "cupy"]
    assert asked["against"] in (["torch"], ["torch", contestants.TORCH_ON_GPU])
    if asked["against"] == ["torch"]:
        assert "finds no GPU that it can use here" in capsys.readouterr().err


def test_peers_that_cannot_compete_on_the_gpu_say_so(monkeypatch, capsys):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(contestants, "frameworks", contestants.frameworks.__wrapped__)
    assert bench_command.main(["gelu", "--backend", "cupy", "--against", "torch"]) == 1
    assert "finds no GPU that it can use here: install a build" in capsys.readouterr().err
    assert bench_command.main(["gelu", "--backend", "cupy", "--against", "jax"]) == 1
    assert "JAX is measured on the processor" in capsys.readouterr().err


def test_a_peer_is_none_where_pytorch_has_it_for_no_gpu(monkeypatch):
    def absent(torch, x):
        raise NotImplementedError("Could not run 'aten::gelu' with arguments from 'CUDA'")

    there = object.__new__(contestants.TorchOnGpu)
    there.torch, there.device = __import__("torch"), "cpu"
    case = cases.make_case("relu", 5).on(GPU)
    assert there.prepare(absent, case) is None
    result = there.prepare(lambda torch, x: torch.relu(x), case)()
    np.testing.assert_array_equal(result.numpy(), numpy_kernels.relu(on_host(case.arguments[0])))


def test_a_picture_of_two_machines(tmp_path):
    pytest.importorskip("matplotlib")
    cpu = ceilings.Ceilings(threads=2, copy=8e9, triad=1e10, single=1e11, double=5e10)
    measured = [
        bench.measure(
            name, 100, "float32", {CPU: cpu, GPU: ROOF}, backends=["numpy", "cupy"], seconds=0.01
        )
        for name in ("relu", "gelu", "softmax", "silu")
    ]
    pictures.roofline(tmp_path / "both.svg", [cpu, ROOF], measured)
    drawn = (tmp_path / "both.svg").read_text()
    for words in ("2 threads and of a GPU", "1 relu", "4 silu", "1000 GB/s", "10 GB/s"):
        assert words in drawn


def test_the_ladder_of_the_gpu():
    timings, speeds = rungs.climb_on_gpu(32, rounds=2)
    assert [*speeds] == ["naive", "coalesced", "shared tiles", "register tiles", "cublas"]
    assert min(speeds.values()) > 0
    assert timings.ours == "cublas"


def test_goals_of_memory(goals):
    fast = ceilings.GpuCeilings(name="a GPU", copy=1e20, single=1e30, double=1e30)
    slow = ceilings.GpuCeilings(name="a GPU", copy=1.0, single=1e30, double=1e30)
    for roof, reached in ((fast, False), (slow, True)):
        found = [*goals.memory_bound(roof, ["relu", "adam_step"], count=100, seconds=0.01)]
        assert [verdict.what for verdict in found] == ["relu", "adam_step"]
        assert [verdict.reached for verdict in found] == [reached, reached]
        assert all(verdict.says == ("reached" if reached else "not reached") for verdict in found)


def test_kernels_that_wait_for_memory(goals, monkeypatch):
    known = ["gelu", "relu", "softmax", "matmul", "dense", "conv2d", "adam_step"]
    monkeypatch.setattr(cases, "kernels", lambda: known)
    assert goals.waiting_for_memory(ROOF) == ["gelu", "relu", "softmax", "adam_step"]


def test_goals_of_products(goals):
    found = [*goals.products({"matmul": (8, 16), "matmul (transposed)": (8,)}, rounds=2)]
    assert [it.what for it in found] == [
        "matmul, 8×8",
        "matmul, 16×16",
        "matmul (transposed), 8×8",
    ]
    assert all("times" in it.measured and it.seconds > 0 for it in found)


def test_goal_of_a_training_step(goals, monkeypatch):
    monkeypatch.setattr(goals, "torch_is_there", lambda: False)
    monkeypatch.setattr(goals.mlp, "X", goals.mlp.X[:256])
    monkeypatch.setattr(goals.mlp, "Y", goals.mlp.Y[:256])
    verdict = goals.training_step(rounds=1)
    assert verdict.reached is None
    assert verdict.says == "not compared"
    assert "no PyTorch on this GPU" in verdict.measured


def test_the_goals_beside_pytorch(goals, monkeypatch):
    class Fits:
        def __init__(self, seconds):
            self.fit = lambda: seconds

    monkeypatch.setattr(goals, "torch_is_there", lambda: True)
    monkeypatch.setattr(goals.mlp, "Nnscratch", lambda device: Fits(1.3))
    monkeypatch.setattr(goals.mlp, "Torch", lambda device, fused=False: Fits(1.0 + fused))
    monkeypatch.setattr(goals, "_a_step", lambda fit: fit)
    verdict = goals.training_step(rounds=1)
    assert verdict.reached is False
    assert "1.30 times" in verdict.measured


def test_every_goal_is_printed_and_kept(goals, monkeypatch, tmp_path, capsys, small_ceilings):
    verdicts = [goals.Verdict("this", "≥ 1", "2", 0.1, True)]
    monkeypatch.setattr(goals, "every_goal", lambda roof: verdicts)
    assert goals.main(["--json", str(tmp_path / "goals.json")]) == 0
    assert "this: 2, to be ≥ 1: reached" in capsys.readouterr().out
    assert json.loads((tmp_path / "goals.json").read_text())["goals"][0]["what"] == "this"


def no_gpu():
    raise RuntimeError("There is no GPU here: do without.")


def test_without_a_gpu_no_goal_is_measured(goals, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(gpu, "describe", no_gpu)
    monkeypatch.setattr(goals, "every_goal", None)
    assert goals.main(["--json", str(tmp_path / "goals.json")]) == 1
    assert capsys.readouterr() == ("", "There is no GPU here: do without.\n")
    assert not (tmp_path / "goals.json").exists()


@pytest.fixture
def results(script, goals, monkeypatch, tmp_path, small_ceilings):
    """Runs `write_results.py` with some options, and gives the page that is there afterwards."""
    module = script("write_results")
    verdicts = [
        goals.Verdict("relu", "≥ 80%", "3 GB/s, 90%", 0.002, True),
        goals.Verdict("gelu", "≥ 80%", "1 GB/s, 30%", 0.003, False),
    ]
    monkeypatch.setattr(module.gpu_goals, "every_goal", lambda roof: verdicts)
    monkeypatch.setattr(
        module, "cpu_sections", lambda picture, rounds: f"# Results\n\nof {rounds} rounds\n"
    )

    def run(*options):
        monkeypatch.setattr(sys, "argv", ["write_results.py", "--into", str(tmp_path), *options])
        status = module.main()
        page = tmp_path / "benchmarks" / "RESULTS.md"
        return status, page.read_text() if page.exists() else None

    run.module = module
    return run


def test_results_have_a_section_for_the_gpu(results):
    status, page = results("--rounds", "3")
    assert status == 0
    assert page.startswith("# Results\n\nof 3 rounds\n\n## On a GPU\n")
    assert f"\n- GPU: {gpu.name()}" in page
    assert f"\n- ceilings of {gpu.name()}" in page
    assert "\n| relu | ≥ 80% | **3 GB/s, 90%** | 2 |\n| gelu | ≥ 80% | 1 GB/s, 30% | 3 |\n" in page


def test_each_section_is_kept_while_the_other_is_measured(results, monkeypatch):
    _, both = results("--rounds", "3")
    _, head, of_gpu = both.partition("## On a GPU")
    monkeypatch.setattr(gpu, "is_there", lambda: False)
    _, page = results("--rounds", "4")
    assert page == f"# Results\n\nof 4 rounds\n\n{head}{of_gpu}"
    monkeypatch.setattr(gpu, "name", lambda: "another GPU")
    _, page = results("--only", "gpu")
    assert page.startswith("# Results\n\nof 4 rounds\n\n## On a GPU\n")
    assert "another GPU" in page
    assert page.count("## On a GPU") == 1
    assert results("--only", "cpu", "--rounds", "5")[1] == page.replace("of 4", "of 5")


def test_without_a_gpu_nothing_is_written_of_one(results, monkeypatch, capsys):
    monkeypatch.setattr(results.module, "require_gpu", no_gpu)
    monkeypatch.setattr(gpu, "is_there", lambda: False)
    assert results("--only", "gpu") == (1, None)
    assert capsys.readouterr() == ("", "There is no GPU here: do without.\n")
    assert results("--rounds", "1") == (0, "# Results\n\nof 1 rounds\n")


def test_one_round_is_enough_for_a_line(results):
    timings = Timings("", {"ours": [1.0], "PyTorch": [2.0]}, "ms", 1e3)
    row = results.module.speed_goals.Row("this", 0.7, None)
    cells = ["**0.50**", "0.50 to 0.50", "1e+03", "2e+03"]
    assert results.module._ratio_cells(row, timings) == cells
