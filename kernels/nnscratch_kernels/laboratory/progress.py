"""A bar for what takes long."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Item = TypeVar("Item")


def tracked(items: Sequence[Item], what: str, of: Callable[[Item], str]) -> Iterator[Item]:
    """Each item in turn, with a bar on a terminal that says how far it is and which one it is at.

    Args:
        items: all of them.
        what: what is done to them, such as "measuring".
        of: the name of an item.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    errors = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Progress(
        *columns, console=errors, transient=True, disable=not errors.is_terminal
    ) as progress:
        task = progress.add_task(what, total=len(items))
        for item in items:
            progress.update(task, description=f"{what} {of(item)}")
            yield item
            progress.advance(task)
