"""Cases of the rows of a table: a table with four times as many rows as are looked up."""

from __future__ import annotations

from typing import Any

from nnscratch_kernels.laboratory.cases.declaring import Draw, Recipe


def _looked_up(draw: Draw) -> tuple[int, int, int]:
    """Rows that are looked up, their length, and the rows of the table."""
    rows, length = draw.matrix(512)
    return rows, length, 4 * rows


def _gather(draw: Draw) -> tuple[Any, ...]:
    rows, length, vocabulary = _looked_up(draw)
    return draw.normal(vocabulary, length), draw.integers(vocabulary, rows)


def _scatter(draw: Draw) -> tuple[Any, ...]:
    rows, length, vocabulary = _looked_up(draw)
    return draw.normal(rows, length), draw.integers(vocabulary, rows), vocabulary


def _bytes_gathered(table: Any, indices: Any) -> float:
    return float(indices.nbytes + 2 * indices.size * table.shape[1] * table.itemsize)


def _jax_scatter(jax: Any, gradient: Any, indices: Any, vocabulary: int) -> Any:
    table = jax.numpy.zeros((vocabulary, gradient.shape[1]), gradient.dtype)
    return table.at[indices].add(gradient)


RECIPES = {
    "embedding_gather": Recipe(
        "embedding_gather",
        _gather,
        lambda table, indices: 0,
        moved=_bytes_gathered,
        torch=lambda torch, table, indices: torch.nn.functional.embedding(indices, table),
        jax=lambda jax, table, indices: table[indices],
    ),
    "embedding_scatter_add": Recipe(
        "embedding_scatter_add",
        _scatter,
        lambda gradient, *_: gradient.size,
        torch=lambda torch, gradient, indices, vocabulary: torch.ops.aten.embedding_dense_backward(
            gradient, indices, vocabulary, -1, False
        ),
        jax=_jax_scatter,
    ),
}
