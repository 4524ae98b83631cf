"""The laboratory's instruments: ceilings, threads, rounds that take turns, pictures."""

from __future__ import annotations

import os
import sys

import matplotlib.axes
import matplotlib.text
import matplotlib.transforms
import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from nnscratch_kernels import thread_count
from nnscratch_kernels.devices import CPU
from nnscratch_kernels.laboratory import bench, bench_command, machine, pictures
from nnscratch_kernels.laboratory.bench import Measurement
from nnscratch_kernels.laboratory.ceilings import Ceilings
from nnscratch_kernels.laboratory.paired import Timings, quartiles, repeated, take_turns

CEILINGS = Ceilings(threads=1, copy=8e9, triad=1e10, single=1e11, double=5e10)


def test_the_roofline_is_the_slower_of_memory_and_arithmetic():
    assert CEILINGS.bandwidth == 1e10
    assert CEILINGS.seconds(1e11, 1e9, np.float32) == 1
    assert CEILINGS.seconds(1e11, 1e9, np.float64) == 2
    assert CEILINGS.seconds(1e9, 1e11, "float32") == 10


def test_all_contestants_have_as_many_threads():
    before = thread_count(), torch.get_num_threads()
    blas = [library["num_threads"] for library in threadpool_info()]
    for count in (1, 2):
        with machine.equal_threads(count):
            assert thread_count() == torch.get_num_threads() == count
            running = [lib for lib in threadpool_info() if lib["user_api"] == "blas"]
            assert {library["num_threads"] for library in running} == {count}
    assert (thread_count(), torch.get_num_threads()) == before
    assert [library["num_threads"] for library in threadpool_info()] == blas


def test_a_measurement_has_all_contestants_and_its_own_costs():
    measured = bench.measure(
        "relu", 1000, "float64", {CPU: CEILINGS}, against=["torch"], seconds=0.01
    )
    assert [*measured.timings.seconds] == ["numba", "numpy", "torch"]
    rounds = {len(seconds) for seconds in measured.timings.seconds.values()}
    assert rounds == {bench.ROUNDS[0]}
    assert measured.least == dict.fromkeys(measured.timings.seconds, 2 * 8 * 1000 / 1e10)
    assert measured.share("numba") == measured.least["numba"] / measured.seconds("numba")


def test_a_kernel_that_nobody_has_is_named():
    with pytest.raises(ValueError, match="None of numba has the kernel 'logsumexp'"):
        bench.measure("logsumexp", 10, "float32", {CPU: CEILINGS}, backends=["numba"])


def test_contestants_take_turns_in_changing_order():
    turns: list[str] = []

    def contestant(name):
        return lambda: turns.append(name) or float(len(turns))

    timings = take_turns("who", {n: contestant(n) for n in "abc"}, rounds=6, settle=0.0)
    by_round = [tuple(turns[i : i + 3]) for i in range(0, len(turns), 3)]
    assert len(by_round) == 7  # one of them warms up
    assert all(sorted(order) == ["a", "b", "c"] for order in by_round)
    assert len(set(by_round)) > 3
    assert all(len(seconds) == 6 for seconds in timings.seconds.values())


def test_a_ratio_is_the_median_of_ratios_within_rounds():
    timings = Timings("", {"ours": [1.0, 2.0, 9.0], "theirs": [2.0, 1.0, 3.0]}, "s", 1.0)
    assert timings.median_ratio("theirs") == 2.0


def test_half_of_the_values_lie_between_the_quartiles():
    assert quartiles([5.0]) == (5, 5, 5)
    assert quartiles([3.0, 1.0, 2.0, 5.0, 4.0]) == (2, 3, 4)
    once = Timings("", {"ours": [1.0], "theirs": [2.0]}, "s", 1.0)
    assert [*once.table().columns[2].cells] == ["1 to 1", "2 to 2"]


def test_no_number_in_the_picture_covers_another(tmp_path, monkeypatch):
    seen = []
    annotate = matplotlib.axes.Axes.annotate
    monkeypatch.setattr(
        matplotlib.axes.Axes,
        "annotate",
        lambda *args, **options: seen.append(annotate(*args, **options)) or seen[-1],
    )
    measured = [
        Measurement(
            "gelu", 100, "float32", Timings("", {"numba": [1 + k / 99]}, "s", 1), {}, 20e9, 8e9, {}
        )
        for k in range(20)
    ]
    pictures.roofline(tmp_path / "alike.png", [CEILINGS], measured)
    texts = [it for it in seen if it.get_text().isdecimal()]
    assert [it.get_text() for it in texts] == [str(number) for number in range(1, 21)]
    boxes = [matplotlib.text.Text.get_window_extent(it) for it in texts]
    for i, box in enumerate(boxes):
        for other in boxes[:i]:
            shared = matplotlib.transforms.Bbox.intersection(box, other)
            assert shared is None or min(shared.width, shared.height) <= 4


def test_repeated_gives_the_time_of_one_call():
    calls: list[int] = []
    contestant = repeated(lambda: calls.append(1), 10)
    assert 0 < contestant() < 1
    assert len(calls) == 11  # the first one does not count


@pytest.mark.parametrize("suffix", pictures.SUFFIXES)
def test_pictures_are_written(tmp_path, suffix):
    measured = bench.measure("relu", 100, "float32", {CPU: CEILINGS}, seconds=0.01)
    roofline, ladder = tmp_path / f"roofline{suffix}", tmp_path / f"ladder{suffix}"
    pictures.check(roofline)
    pictures.roofline(roofline, [CEILINGS], [measured])
    pictures.ladder(ladder, {"in python": 1e7, "blas": 1e11}, "A ladder")
    assert roofline.stat().st_size > 10_000
    assert ladder.stat().st_size > 10_000


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    with pytest.raises(
        machine.MissingPackageError, match="needs the package 'jax': pip install jax"
    ):
        machine.package("jax")


def test_the_machine_is_described():
    described = machine.describe()
    assert f"{os.cpu_count()} cores" in described["processor"]
    assert f"numpy {np.__version__}" in described["versions"]


@pytest.mark.parametrize("option", ["--json", "--plot"])
def test_bench_refuses_before_it_measures_what_cannot_be_written(option, tmp_path, capsys):
    folder = tmp_path / "picture.png"
    folder.mkdir()
    for path in (folder, tmp_path / "nowhere" / "picture.png"):
        assert bench_command.main(["relu", option, str(path)]) == 2
        printed = capsys.readouterr()
        assert str(path.parent) in printed.err
        assert printed.out == ""
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("wrong", ["--size=inf", "--size=0", "--seconds=nan", "--seconds=-1"])
def test_bench_refuses_numbers_that_are_none(wrong, capsys):
    with pytest.raises(SystemExit):
        bench_command.main(["relu", wrong])
    assert f"got '{wrong.partition('=')[2]}'" in capsys.readouterr().err
