"""`nnscratch tune`: the search for the size from which Numba stays faster, and what is kept."""

from __future__ import annotations

import runpy
import shutil
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from nnscratch_kernels import thresholds, tuned
from nnscratch_kernels.laboratory import tuning
from nnscratch_kernels.laboratory.tuning import THOROUGH, Point, threshold, verdict
from nnscratch_kernels.thresholds import NEVER

MICROSECOND = 1e-6


def search(numba_of_numpy, *, unit=1):
    """The threshold where Numba's time is so many times NumPy's, and the sizes looked at."""
    seen = []

    def compare(count, again=False):
        seen.append(count)
        numpy = 20 * MICROSECOND + 1e-9 * count
        return [Point(unit * count, numpy, numpy * numba_of_numpy(count))]

    return threshold(compare, 1 << 22, THOROUGH), seen


def faster_from(crossing):
    return lambda count: 0.5 if count >= crossing else 2.0


@pytest.mark.parametrize("crossing", [2, 3, 17, 1000, 1 << 14, 1_000_000])
def test_the_crossing_is_found_within_the_gap(crossing):
    found, seen = search(faster_from(crossing))
    assert crossing <= found <= max(crossing + 1, crossing * THOROUGH.gap)
    assert len(seen) < 30


def test_faster_from_one_element_on():
    assert search(lambda count: 0.5)[0] == 1


def test_never_faster():
    assert search(lambda count: 2.0)[0] == NEVER


def test_a_kernel_that_is_only_level_stays_with_numpy():
    assert search(lambda count: 1.0)[0] == NEVER
    assert search(lambda count: 0.97)[0] == NEVER


def test_level_sizes_above_a_clear_win_do_no_harm():
    assert 100 <= search(lambda n: 2.0 if n < 100 else 0.5 if n < 1 << 20 else 1.0)[0] <= 125


def test_one_slow_size_among_fast_ones_is_no_reason_to_stay_with_numpy():
    found, _ = search(lambda n: 2.0 if n < 100 else 1.3 if n == 1 << 20 else 0.3)
    assert 100 <= found <= 125


def test_the_worst_loss_decides_where_one_threshold_cannot_be_right_everywhere():
    wins_twice = [(4, 0.5), (64, 0.5), (1024, 0.5), (1 << 14, 3.0), (1 << 18, 0.8), (1 << 22, 0.8)]
    points = [Point(size, 1e-3, ratio * 1e-3) for size, ratio in wins_twice]
    assert tuning.least_loss([points]) == 1 << 18  # before, NumPy takes 2 times, Numba 3 times
    points = [Point(size, 1e-3, min(ratio, 1.4) * 1e-3) for size, ratio in wins_twice]
    assert tuning.least_loss([points]) == 4


def test_a_microsecond_is_no_loss():
    assert Point(1, 1e-6, 1.7e-6).loss(1) < 1  # and the rest for dispatch
    assert Point(1, 1e-6, 1.9e-6).loss(1) > 1
    assert Point(1, 1e-3, 1.2e-3).loss(1) > 1
    assert Point(1, 1e-3, 1.2e-3).loss(2) < 1


def test_what_seems_to_lose_is_measured_again():
    disturbed = {1 << 20}

    def compare(count, again=False):
        if again:
            disturbed.discard(count)
        ratio = 9.0 if count in disturbed or count < 100 else 0.5
        return [Point(count, 1e-3, ratio * 1e-3)]

    found = threshold(compare, 1 << 22, THOROUGH)
    assert 100 <= found <= 125
    assert not disturbed


def test_all_cases_of_a_kernel_count():
    def compare(count, again=False):
        cheap, dear = (1e-3, 3e-3 if count < 1000 else 1e-3), (1e-1, 1e-2)
        return [Point(count, *cheap), Point(count, *dear)]

    assert threshold(compare, 1 << 22, THOROUGH) == 1  # at 3 times, which is less than 10 times


def test_the_threshold_is_what_dispatch_counts():
    for crossing in (300, 1000):  # found between two sizes, and at one of them
        plain, _ = search(faster_from(crossing))
        assert search(faster_from(crossing), unit=3)[0] == 3 * plain


@pytest.mark.parametrize(
    ("low", "high", "winner"),
    [
        (0.5, 0.6, "numba"),
        (1.2, 3, "numpy"),
        (0.98, 1.02, "level"),
        (0.8, 1.2, None),
        (0.9, 1, None),
    ],
)
def test_a_verdict_needs_the_middle_half_on_one_side(low, high, winner):
    assert verdict(low, high) == winner


def test_measuring_gives_a_table_that_can_be_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("NNSCRATCH_CACHE_DIR", str(tmp_path))
    briefly = replace(tuning.QUICK, largest=256, rounds=(3, 3), seconds=0.05)
    table = tuning.measure(briefly, ["gelu", "sparse_softmax_crossentropy"])
    assert table.keys() == {"gelu", "sparse_softmax_crossentropy"}
    assert all(entry.keys() == {"f", "d"} for entry in table.values())
    assert all(1 <= n <= 256 or n == NEVER for entry in table.values() for n in entry.values())
    monkeypatch.setitem(thresholds.MEASURED, "gelu", (7, 8))
    path = tuned.save(table)
    try:
        assert path.parent == tmp_path
        assert tuned.thresholds()["gelu"] == table["gelu"]
        assert tuned.source() == "measured here by tune"
    finally:
        path.unlink()
        tuned._in_force.cache_clear()


def test_the_shipped_table_is_written_into_its_module(tmp_path):
    copy = shutil.copy(thresholds.__file__, tmp_path / "thresholds.py")
    table = {"softmax": {"f": 3, "d": NEVER}, "gelu": {"f": 1 << 20, "d": thresholds.LEAST + 1}}
    for _ in range(2):  # also over a table that is there
        tuning.write_shipped(table, tmp_path / "thresholds.py")
        written = runpy.run_path(copy)
        assert written["MEASURED"] == {
            "gelu": (1 << 20, thresholds.LEAST + 1),
            "softmax": (thresholds.LEAST, NEVER),
        }
    original = Path(thresholds.__file__).read_text()
    assert (tmp_path / "thresholds.py").read_text().startswith(original.partition("MEASURED")[0])
    assert (tmp_path / "thresholds.py").read_text().endswith(original.rpartition("}\n")[2])


@pytest.fixture
def costs(monkeypatch):
    """The script that checks what dispatch costs, as when it is run."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    monkeypatch.setitem(sys.modules, "machine", sys)  # it would choose threads for this process
    monkeypatch.delitem(sys.modules, "dispatch_cost", raising=False)
    return import_module("dispatch_cost")


def test_dispatch_may_cost_a_tenth_and_a_microsecond(costs):
    def violates(auto):
        return costs.Cost(
            "gelu", "float32", 1, {"numpy": 5e-6, "numba": 4e-6, "auto": auto}
        ).violates

    assert not violates(5.3e-6)
    assert violates(5.5e-6)


def test_what_dispatch_costs_is_measured_beside_both(costs):
    cost = costs.measure("relu", "float64", 10)
    assert [*cost.seconds] == ["numpy", "numba", "auto"]
    assert all(1e-8 < seconds < 1e-2 for seconds in cost.seconds.values())


@pytest.mark.parametrize(("wasted", "status"), [(0.0, 0), (0.002, 1)])
def test_a_kernel_that_is_slower_for_being_chosen_is_shown(
    costs, monkeypatch, capsys, wasted, status
):
    def measure(name, dtype, count):
        seconds = {"numpy": 1e-3, "numba": 2e-3, "auto": 1e-3 + wasted * (dtype == "float64")}
        return costs.Cost(name, dtype, count, seconds)

    monkeypatch.setattr(costs, "measure", measure)
    monkeypatch.setattr(costs, "warm_up", lambda kernels: None)
    monkeypatch.setattr(sys, "argv", ["dispatch_cost.py", "gelu", "--sizes", "1,1k"])
    assert costs.main() == status
    printed = " ".join(capsys.readouterr().out.split())
    assert ("4 of 8 take at most 1.1 times" if status else "8 of 8 take at most") in printed
    assert ("gelu (tanh) float64" in printed) == bool(status)


def test_a_table_that_is_measured_for_it_is_used_and_not_kept(costs, monkeypatch, tmp_path):
    monkeypatch.setenv("NNSCRATCH_CACHE_DIR", str(tmp_path))
    table = {"gelu": {"f": 12, "d": 34}}
    monkeypatch.setattr(tuning, "measure", lambda thoroughness, kernels: table)
    seen = []

    def measure(name, dtype, count):
        seen.append(tuned.thresholds()["gelu"])
        return costs.Cost(name, dtype, count, dict.fromkeys(("numpy", "numba", "auto"), 1.0))

    monkeypatch.setattr(costs, "measure", measure)
    monkeypatch.setattr(costs, "warm_up", lambda kernels: None)
    monkeypatch.setattr(sys, "argv", ["dispatch_cost.py", "gelu", "--sizes", "1", "--tune"])
    before = tuned.thresholds()["gelu"]
    assert costs.main() == 0
    assert seen == 4 * [table["gelu"]]
    assert [*tmp_path.iterdir()] == []
    assert tuned.thresholds()["gelu"] == before
