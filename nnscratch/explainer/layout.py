"""Where the nodes of a graph stand: rows by the longest path, and few crossings within them.

K. Sugiyama, S. Tagawa and M. Toda, "Methods for visual understanding of hierarchical system
structures" (1981): rank the nodes, give an edge over several rows a place in each of them, order
each row by the means of its neighbours' places, and then move the nodes towards these means.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nnscratch.explainer.recording import Entry, Recording

HEIGHT = 44.0
ROW = 84.0
GAP = 18.0
THIN = 8.0  # of an edge that passes through a row
MARGIN = 12.0
SWEEPS = 12
OP_WEIGHT = 8.0

MOST_ROWS_PASSED = 12
"""An edge over more rows than these goes straight: room for it in all of them would be wasted."""


class Place(NamedTuple):
    """A node's middle and size, in pixels."""

    x: float
    y: float
    width: float
    height: float


class _Spot:
    """A node in its row, or where a long edge passes through a row.

    Ops weigh more than leaves: they stand one above the other, with their weights at their side.
    """

    __slots__ = ("above", "below", "weight", "width", "x")

    def __init__(self, width: float, weight: float = OP_WEIGHT) -> None:
        self.width, self.weight, self.x = width, weight, 0.0
        self.above: list[_Spot] = []
        self.below: list[_Spot] = []


def layout(
    recording: Recording, widths: Mapping[Entry, float]
) -> tuple[dict[Entry, Place], list[str], tuple[float, float]]:
    """Places of all entries, the edges as SVG paths, and the size of the whole.

    Args:
        recording: whose graph it is.
        widths: of the nodes, in pixels.
    """
    rank = _ranks(recording)
    spots = {
        entry: _Spot(widths[entry], OP_WEIGHT if entry.op else 1.0) for entry in recording.entries
    }
    rows: list[list[_Spot]] = [[] for _ in range(max(rank.values()) + 1)]
    for entry, spot in spots.items():
        rows[rank[entry]].append(spot)
    chains = []
    for source, target in dict.fromkeys((e.source, e.target) for e in recording.edges):
        chain = [spots[source]]
        passed = rows[rank[source] + 1 : rank[target]]
        for row in passed if len(passed) <= MOST_ROWS_PASSED else ():
            row.append(_Spot(THIN))
            chain.append(row[-1])
        chain.append(spots[target])
        for upper, lower in pairwise(chain):
            upper.below.append(lower)
            lower.above.append(upper)
        chains.append(chain)
    _order(rows)
    _move(rows)
    left = min(spot.x - spot.width / 2 for row in rows for spot in row)
    right = max(spot.x + spot.width / 2 for row in rows for spot in row)
    y_of = {id(s): MARGIN + HEIGHT / 2 + ROW * i for i, row in enumerate(rows) for s in row}
    for row in rows:
        for spot in row:
            spot.x += MARGIN - left
    places = {e: Place(s.x, y_of[id(s)], s.width, HEIGHT) for e, s in spots.items()}
    size = (right - left + 2 * MARGIN, ROW * (len(rows) - 1) + HEIGHT + 2 * MARGIN)
    return places, [_path(chain, y_of) for chain in chains], size


def _ranks(recording: Recording) -> dict[Entry, int]:
    """The row of each entry: below all that it uses; a leaf just above its first user."""
    rank: dict[Entry, int] = {}
    for entry in recording.entries:
        if entry.node is not None:
            rank[entry] = 1 + max((rank.get(edge.source, 0) for edge in entry.inputs), default=0)
    for entry in recording.entries:
        if entry.node is None:
            rank[entry] = min((rank[edge.target] for edge in entry.uses), default=1) - 1
    return rank


def _order(rows: list[list[_Spot]]) -> None:
    """Sort each row by the mean place of its neighbours, downwards and upwards in turn."""
    place = {id(spot): i for row in rows for i, spot in enumerate(row)}
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            mean = {
                id(spot): _mean([place[id(s)] for s in (spot.above if down else spot.below)])
                for spot in row
            }
            row.sort(key=lambda spot: place[id(spot)] if mean[id(spot)] is None else mean[id(spot)])
            place.update((id(spot), i) for i, spot in enumerate(row))


def _move(rows: list[list[_Spot]]) -> None:
    """Give each spot a place near its neighbours' mean, in the order of its row."""
    for row in rows:
        _spread(row, [0.0] * len(row))
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = []
            for spot in row:
                near = [(s.x, min(spot.weight, s.weight)) for s in (*spot.above, *spot.below)]
                total = sum(weight for _, weight in near)
                wanted.append(sum(x * weight for x, weight in near) / total if near else spot.x)
            _spread(row, wanted)


def _spread(row: Sequence[_Spot], wanted: Sequence[float]) -> None:
    """The places nearest to those wanted at which no two spots of a row overlap.

    Neighbours that would overlap form a block, which stands where its members want it on average.
    """
    blocks: list[
        tuple[float, float, float, int]
    ] = []  # wishes for the start, weight, length, members
    for spot, wish in zip(row, wanted, strict=True):
        weight, length, members = spot.weight, spot.width + GAP, 1
        total = weight * (wish - spot.width / 2)
        while blocks:
            earlier, heavy, before, others = blocks[-1]
            if earlier / heavy + before <= total / weight:
                break
            blocks.pop()
            total += earlier - weight * before
            weight, length, members = heavy + weight, before + length, others + members
        blocks.append((total, weight, length, members))
    spots = iter(row)
    for total, weight, _, members in blocks:
        x = total / weight
        for _ in range(members):
            spot = next(spots)
            spot.x = x + spot.width / 2
            x += spot.width + GAP


def _mean(values: Sequence[float]) -> Any:
    return sum(values) / len(values) if values else None


def _path(chain: Sequence[_Spot], y_of: Mapping[int, float]) -> str:
    """A smooth line from the bottom of one node to the top of another, through its spots."""
    points = [(spot.x, y_of[id(spot)]) for spot in chain]
    points[0] = (points[0][0], points[0][1] + HEIGHT / 2)
    points[-1] = (points[-1][0], points[-1][1] - HEIGHT / 2)
    curves = [
        f"C{x:.1f} {(y + v) / 2:.1f} {u:.1f} {(y + v) / 2:.1f} {u:.1f} {v:.1f}"
        for (x, y), (u, v) in pairwise(points)
    ]
    return f"M{points[0][0]:.1f} {points[0][1]:.1f} " + " ".join(curves)
