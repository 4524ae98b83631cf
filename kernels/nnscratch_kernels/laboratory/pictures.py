"""Pictures of measurements: the roofline with kernels under it, and the ladder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch_kernels.laboratory.machine import package

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nnscratch_kernels.laboratory.bench import Measurement
    from nnscratch_kernels.laboratory.ceilings import Ceilings

SUFFIXES = (".png", ".svg")
MOST_NAMES = 40  # more would cover each other
COLOURS = {
    "numba": "#0072b2",  # Okabe and Ito's, which most colour-blind people tell apart
    "numpy": "#e69f00",
    "auto": "#009e73",
    "torch": "#d55e00",
    "jax": "#cc79a7",
}


def check(path: Path) -> None:
    """Make sure that a picture can be written there, before anything is measured.

    Raises:
        ValueError: another suffix, or no such folder.
        MissingPackageError: matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"A picture ends in {' or '.join(SUFFIXES)}, got {str(path)!r}.")
    if not path.resolve().parent.is_dir():
        raise ValueError(f"There is no folder {str(path.resolve().parent)!r}: make it first.")
    package("matplotlib")


def roofline(path: Path, ceilings: Ceilings, measurements: Sequence[Measurement]) -> None:
    """Draw what contestants reach over operations a byte, under the machine's limits.

    Each line of dots is a case, one dot a contestant; our own are filled.
    """
    figure, axes = _axes()
    drawn = [it for it in measurements if it.operations > 0]
    intensities = [it.operations / it.moved for it in drawn]
    low = min([0.05, *intensities]) / 2
    high = max([100.0, *intensities]) * 2
    _roof(axes, ceilings, {it.dtype for it in drawn} or {"float32"}, low, high)
    for it, intensity in zip(drawn, intensities, strict=True):
        speeds = {name: it.operations / it.seconds(name) / 1e9 for name in it.timings.seconds}
        axes.plot([intensity] * len(speeds), [*speeds.values()], color="0.85", zorder=1)
        for name, speed in speeds.items():
            peer = name in ("torch", "jax")
            face = "none" if peer else COLOURS[name]
            style = {"facecolors": face, "edgecolors": COLOURS[name]}
            axes.scatter([intensity], [speed], s=24, zorder=2, **style)
    for number, it in enumerate(drawn if len(drawn) <= MOST_NAMES else ()):
        best = max(it.operations / it.seconds(name) / 1e9 for name in it.timings.seconds)
        axes.annotate(
            it.case,
            (intensities[number], best),
            xytext=(0, 6),
            textcoords="offset points",
            rotation=50,
            fontsize=6,
        )
    contestants = {name for it in drawn for name in it.timings.seconds}
    for name in sorted(contestants, key=list(COLOURS).index):
        face = "none" if name in ("torch", "jax") else COLOURS[name]
        axes.scatter([], [], facecolors=face, edgecolors=COLOURS[name], label=name)
    axes.set(xscale="log", yscale="log", xlim=(low, high))
    axes.set_ylim(top=2.5 * axes.get_ylim()[1])  # room for names
    axes.set_xlabel("floating-point operations a byte")
    axes.set_ylabel("GFLOP/s")
    threads = f"{ceilings.threads} thread{'s' if ceilings.threads > 1 else ''}"
    axes.set_title(f"Kernels under the roofline of this machine, {threads}")
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(path)


def ladder(path: Path, speeds: Mapping[str, float], title: str) -> None:
    """Draw the operations a second of each rung, from the bottom to the top."""
    figure, axes = _axes()
    bars = axes.barh([*speeds], [speed / 1e9 for speed in speeds.values()], color="#0072b2")
    first = next(iter(speeds.values()))
    labels = [f" {speed / 1e9:.3g}  (×{speed / first:,.0f})" for speed in speeds.values()]
    axes.bar_label(bars, labels)
    axes.set(xscale="log", xlabel="GFLOP/s", title=title)
    axes.set_xlim(right=max(speeds.values()) / 1e9 * 20)
    figure.savefig(path)


def _axes() -> tuple[Any, Any]:
    """A figure that needs no screen."""
    package("matplotlib")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _roof(axes: Any, ceilings: Ceilings, dtypes: set[str], low: float, high: float) -> None:
    for dtype in sorted(dtypes):
        peak = ceilings.peak(dtype)
        bend = peak / ceilings.bandwidth
        end = max(high, bend)
        axes.plot(
            [low, bend, end],
            [low * ceilings.bandwidth / 1e9, peak / 1e9, peak / 1e9],
            color="black",
            linewidth=1,
        )
        axes.annotate(
            f"{peak / 1e9:.0f} GFLOP/s, BLAS in {dtype}",
            (min(end, high), peak / 1e9),
            xytext=(-4, 4),
            textcoords="offset points",
            ha="right",
            fontsize=8,
        )
    axes.annotate(
        f"{ceilings.bandwidth / 1e9:.0f} GB/s",
        (low, low * ceilings.bandwidth / 1e9),
        xytext=(4, 24),
        textcoords="offset points",
        fontsize=8,
    )
