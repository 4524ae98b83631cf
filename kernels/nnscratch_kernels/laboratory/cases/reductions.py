"""Cases of sums, norms and rankings."""

from __future__ import annotations

from typing import Any

from nnscratch_kernels.laboratory.cases.declaring import Draw, Recipe


def _matrix(draw: Draw) -> tuple[Any, ...]:
    return (draw.normal(*draw.matrix()),)


def _several(draw: Draw) -> tuple[Any, ...]:
    """The gradients of four layers or so."""
    counts = [max(1, draw.count // share) for share in (2, 4, 8, 8)]
    return ([draw.normal(count) for count in counts],)


def _number_of(arrays: Any) -> int:
    return sum(array.size for array in arrays)


RECIPES = {
    "row_sums": Recipe(
        "row_sums",
        _matrix,
        lambda rows: rows.size,
        torch=lambda torch, rows: rows.sum(-1),
        jax=lambda jax, rows: rows.sum(-1),
    ),
    "column_sums": Recipe(
        "column_sums",
        _matrix,
        lambda rows: rows.size,
        torch=lambda torch, rows: rows.sum(0),
        jax=lambda jax, rows: rows.sum(0),
    ),
    "argmax": Recipe(
        "argmax",
        _matrix,
        lambda a: a.size,
        torch=lambda torch, a: a.argmax(-1),
        jax=lambda jax, a: a.argmax(-1),
    ),
    "top_k": Recipe(
        "top_k",
        lambda draw: (draw.normal(*draw.matrix()), min(5, draw.matrix()[1])),
        lambda a, k: a.size,
        torch=lambda torch, a, k: torch.topk(a, k),
        jax=lambda jax, a, k: jax.lax.top_k(a, k),
    ),
    "global_norm": Recipe(
        "global_norm",
        _several,
        lambda arrays: 2 * _number_of(arrays),
        torch=lambda torch, arrays: torch.nn.utils.get_total_norm(arrays),
    ),
    "clip_by_global_norm": Recipe(
        "clip_by_global_norm",
        lambda draw: (*_several(draw), 1.0),
        lambda arrays, limit: 3 * _number_of(arrays),
    ),
}
