"""Pictures of measurements: the roofline with kernels under it, and the ladder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from nnscratch_kernels.laboratory.contestants import TORCH_ON_GPU
from nnscratch_kernels.laboratory.machine import package

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from nnscratch_kernels.laboratory.bench import Measurement
    from nnscratch_kernels.laboratory.ceilings import Roof

SUFFIXES = (".png", ".svg")
MOST_NUMBERS = 40  # more would cover the lines
APART = 10.0  # points between cases that do as many operations on a byte, or less if there are many
SPREAD = 60.0  # points that these take at most
COLOURS = {
    "numba": "#0072b2",  # Okabe and Ito's, which most colour-blind people tell apart
    "numpy": "#e69f00",
    "auto": "#009e73",
    "cupy": "#56b4e9",
    "torch": "#d55e00",
    TORCH_ON_GPU: "#f0a070",
    "jax": "#cc79a7",
}
PEERS = ("torch", TORCH_ON_GPU, "jax")


class Column(NamedTuple):
    """A case in the picture: dots above each other.

    Attributes:
        name: of the case.
        intensity: operations a byte.
        speeds: GFLOP/s by contestant.
        shift: points by which it stands beside its place, for room.
    """

    name: str
    intensity: float
    speeds: dict[str, float]
    shift: float


def check(path: Path) -> None:
    """Make sure that a picture can be written there, before anything is measured.

    Raises:
        ValueError: another suffix.
        MissingPackageError: matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"A picture ends in {' or '.join(SUFFIXES)}, got {str(path)!r}.")
    package("matplotlib")


def roofline(path: Path, roofs: Sequence[Roof], measurements: Sequence[Measurement]) -> None:
    """Draw what contestants reach over operations a byte, under the machines' limits.

    Each line of dots is a case, one dot a contestant; our own are filled. A number says which case,
    and the list beside the picture what it is called.
    """
    figure, axes = _axes()
    columns = _columns(measurements)
    low = min([0.05, *(column.intensity for column in columns)]) / 2
    high = max([100.0, *(column.intensity for column in columns)]) * 2
    dtypes = {it.dtype for it in measurements} or {"float32"}
    names = [_roof(axes, roof, dtypes, low, high) for roof in roofs]
    for column in columns:
        _dots(axes, column)
    contestants = {name for column in columns for name in column.speeds}
    for name in sorted(contestants, key=list(COLOURS).index):
        axes.scatter([], [], **_style(name), label=name)
    speeds = [speed for column in columns for speed in column.speeds.values()]
    tops = [roof.peak(dtype) / 1e9 for roof in roofs for dtype in dtypes]
    bottom = min([low * roof.bandwidth / 1e9 for roof in roofs] + speeds) / 1.5
    limits = {"xlim": (low, high), "ylim": (bottom, 2 * max(tops + speeds))}
    axes.set(xscale="log", yscale="log", **limits)
    axes.set_xlabel("floating-point operations a byte")
    axes.set_ylabel("GFLOP/s")
    axes.set_title(f"Kernels under the roofline of {' and of '.join(roof.of for roof in roofs)}")
    if contestants:
        axes.legend(loc="lower right", frameon=False)
    if 0 < len(columns) <= MOST_NUMBERS:
        listed = [f"{number} {column.name}" for number, column in enumerate(columns, 1)]
        room = 0.02 + 0.006 * max(map(len, listed))
        figure.get_layout_engine().set(rect=(0, 0, 1 - room, 1))
        figure.text(1.01 - room, 0.5, "\n".join(listed), fontsize=7, va="center")
        _numbers(axes, columns, [text for texts in names for text in texts])
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


def _columns(measurements: Sequence[Measurement]) -> list[Column]:
    """The cases that do operations, from few operations a byte to many."""
    drawn = [it for it in measurements if it.operations > 0]
    drawn.sort(key=lambda it: it.operations / it.moved)
    alike: dict[str, list[Measurement]] = {}
    for it in drawn:
        alike.setdefault(f"{it.operations / it.moved:.2g}", []).append(it)
    return [
        Column(
            it.case,
            it.operations / it.moved,
            {name: it.operations / it.seconds(name) / 1e9 for name in it.timings.seconds},
            min(APART, SPREAD / len(group)) * (place - (len(group) - 1) / 2),
        )
        for group in alike.values()
        for place, it in enumerate(group)
    ]


def _dots(axes: Any, column: Column) -> None:
    """Draw one case."""
    there = {"transform": _place(axes, column)}
    speeds = column.speeds
    axes.plot([column.intensity] * len(speeds), [*speeds.values()], color="0.85", zorder=1, **there)
    for name, speed in speeds.items():
        axes.scatter([column.intensity], [speed], s=24, zorder=2, **_style(name), **there)


def _place(axes: Any, column: Column) -> Any:
    """The axes' coordinates, moved by a case's shift."""
    from matplotlib.transforms import ScaledTranslation

    return axes.transData + ScaledTranslation(column.shift / 72, 0, axes.figure.dpi_scale_trans)


def _style(contestant: str) -> dict[str, str]:
    """Ours are filled."""
    colour = COLOURS[contestant]
    return {"facecolors": "none" if contestant in PEERS else colour, "edgecolors": colour}


def _numbers(axes: Any, columns: Sequence[Column], names: Iterable[Any]) -> None:
    """Put a number above each case, with a line to it where others leave no room."""
    from matplotlib.transforms import Bbox

    axes.figure.draw_without_rendering()  # now it is known where everything is
    point = axes.figure.dpi / 72
    taken = [text.get_window_extent() for text in names]
    for number, column in enumerate(columns, 1):
        top = column.intensity, max(column.speeds.values())
        x, y = _place(axes, column).transform(top)
        above, width, height = 5, 5 * len(str(number)) + 1, 8
        left = x - width / 2 * point
        room = Bbox.from_bounds(left, y + above * point, width * point, height * point)
        while any(room.overlaps(other) for other in taken):
            above += 2
            room = room.translated(0, 2 * point)
        taken.append(room)
        axes.annotate(
            str(number),
            top,
            xycoords=_place(axes, column),
            xytext=(0, above),
            textcoords="offset points",
            fontsize=7,
            ha="center",
            va="bottom",
            zorder=1.5,  # above the lines, below the dots
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.5} if above > 9 else None,
        )


def _roof(axes: Any, roof: Roof, dtypes: set[str], low: float, high: float) -> list[Any]:
    """Draw the limits of a machine; gives the texts."""
    texts = []
    for dtype in sorted(dtypes):
        peak = roof.peak(dtype)
        bend = peak / roof.bandwidth
        end = max(high, bend)
        axes.plot(
            [low, bend, end],
            [low * roof.bandwidth / 1e9, peak / 1e9, peak / 1e9],
            color="black",
            linewidth=1,
            zorder=1,
        )
        texts.append(
            axes.annotate(
                f"{peak / 1e9:.0f} GFLOP/s, BLAS in {dtype}",
                (min(end, high), peak / 1e9),
                xytext=(-4, 4),
                textcoords="offset points",
                ha="right",
                fontsize=8,
            )
        )
    axes.annotate(
        f"{roof.bandwidth / 1e9:.0f} GB/s",
        (low, low * roof.bandwidth / 1e9),
        xytext=(12, 4),
        textcoords="offset points",
        va="center",
        fontsize=8,
    )
    return texts
