"""`model.summary()`: the layers, their shapes and parameters as a table."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscratch.layers import Layer
    from nnscratch.models.model import Model


def print_summary(model: Model, print_fn: Callable[[str], Any] | None = None) -> None:
    """Print the table, through `print_fn` if given."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Model: {model.name}", title_justify="left")
    table.add_column("Layer (type)")
    table.add_column("Output shape")
    table.add_column("Params", justify="right")
    table.add_column("Trainable", justify="center")
    for layer in model.layers:
        trainable = sum(weight.size for weight in layer.trainable_weights)
        table.add_row(
            f"{layer.name} ({type(layer).__name__})",
            _output_shape(layer),
            f"{layer.count_params():,}" if layer.built else "not built yet",
            "-" if not layer.weights else "yes" if trainable else "frozen",
        )
    total = model.count_params()
    trained = sum(weight.size for weight in model.trainable_weights)
    size = sum(weight.data.nbytes for weight in model.weights)
    lines = (
        f"Total params: {total:,} ({_bytes(size)})",
        f"Trainable params: {trained:,}",
        f"Non-trainable params: {total - trained:,}",
    )
    target = None if print_fn is None else io.StringIO()
    console = Console(file=target, width=None if print_fn is None else 100, highlight=False)
    console.print(table)
    for line in lines:
        console.print(line)
    if print_fn is not None and target is not None:
        print_fn(target.getvalue())


def _output_shape(layer: Layer) -> str:
    if not layer.built or layer.input_shape is None:
        return "?"
    return str(layer.compute_output_shape(layer.input_shape))


def _bytes(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.0f} B" if unit == "B" else f"{size:.2f} {unit}"
