"""`nnscratch tune`: the search for the size from which Numba stays faster, and what is kept."""

from __future__ import annotations

import runpy
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from nnscratch_kernels import thresholds, tuned
from nnscratch_kernels.laboratory import tuning
from nnscratch_kernels.laboratory.tuning import THOROUGH, threshold, verdict
from nnscratch_kernels.thresholds import NEVER


def search(faster_from, *, level_from=NEVER, loses_from=NEVER, unit=1):
    """What is found where Numba is faster, level and slower from these sizes on."""
    seen = []

    def compare(count):
        seen.append(count)
        if count < faster_from or count >= loses_from:
            ratio = 2.0
        else:
            ratio = 1.0 if count >= level_from else 0.5
        return unit * count, ratio * 0.99, ratio * 1.01

    return threshold(compare, 1 << 22, THOROUGH), seen


@pytest.mark.parametrize("crossing", [2, 3, 17, 1000, 1 << 14, 1_000_000])
def test_the_crossing_is_found_within_the_gap(crossing):
    found, seen = search(crossing)
    assert crossing <= found <= max(crossing + 1, crossing * THOROUGH.gap)
    assert len(seen) < 20


def test_faster_from_one_element_on():
    found, seen = search(1)
    assert found == 1
    assert seen[-1] == 1


def test_never_faster():
    assert search(NEVER)[0] == NEVER


def test_a_kernel_that_loses_at_the_largest_size_stays_with_numpy():
    assert search(100, loses_from=1 << 21) == (NEVER, [1 << 22])


def test_level_sizes_above_a_clear_win_do_no_harm():
    assert 100 <= search(100, level_from=1 << 20)[0] <= 125


def test_a_kernel_that_is_only_level_stays_with_numpy():
    assert search(100, level_from=100)[0] == NEVER


def test_the_threshold_is_what_dispatch_counts():
    for crossing in (300, 1000):  # found between two sizes, and at one of them
        plain, _ = search(crossing)
        assert search(crossing, unit=3)[0] == 3 * plain


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
