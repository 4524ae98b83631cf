"""What a person looks at: the recorded backward pass of their own program, as a page and as text.

`ns.explain(loss)` writes the page, `ns.explain_text(loss)` the same as a table for a terminal,
`ns.graph(loss)` draws the graph alone, `ns.backward_source(loss)` writes the backward pass as a
program in plain NumPy, and `ns.record(model)` watches the steps of a training.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nnscratch.explainer.document import document
from nnscratch.explainer.drawing import Graph
from nnscratch.explainer.page import TITLE, Explanation, write_page
from nnscratch.explainer.program import write_program
from nnscratch.explainer.recording import MOST_OPS, record_named, record_tape
from nnscratch.explainer.run import Run, arrays_of, layer_kinds, record
from nnscratch.explainer.text import MOST_ROWS, write_table

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from nnscratch.autograd import Tensor
    from nnscratch.explainer.recording import Recording
    from nnscratch.models import Model
    from nnscratch.training.batches import Batch

__all__ = [
    "Explanation",
    "Graph",
    "Run",
    "backward_source",
    "explain",
    "explain_batch",
    "explain_text",
    "graph",
    "record",
]


def explain(
    loss: Tensor, path: str | Path = "backprop.html", title: str | None = None
) -> Explanation:
    """Write a page that shows the backward pass of `loss`, step by step, with its numbers.

    Call it before `loss.backward()`, which frees the tape, or keep the tape with
    `loss.backward(retain_graph=True)`. Nothing is changed, not even `.grad`. The page is one file
    that needs neither network nor server.

    Args:
        loss: a tensor with one element.
        path: the file to write; what was there is replaced.
        title: what the page is called.

    Returns:
        Where the page is; in a notebook it shows itself.

    Raises:
        TypeError: not a Tensor.
        RuntimeError: nothing recorded the tensor, or a backward pass has freed the tape.
        ValueError: more than one element.
        OSError: the file cannot be written.
    """
    recording = _recorded(loss, sys._getframe(1))
    return write_page(document(recording, title or TITLE), path)


def explain_batch(
    model: Model, batch: Batch, loss: Tensor, path: str | Path, title: str | None
) -> Explanation:
    """Write the page of a model's loss on a batch; `model.explain` calls this.

    Args:
        model: whose loss it is.
        batch: what it was computed from.
        loss: a tensor with one element.
        path: the file to write.
        title: what the page is called, by default after the model.

    Raises:
        RuntimeError: nothing recorded the loss.
        ValueError: more than one element.
        OSError: the file cannot be written.
    """
    arrays = arrays_of(batch.x, batch.y)
    names = {id(array): name for name, array in arrays.items()}
    recording = record_tape(loss, names, arrays=arrays)
    title = title or f"Backpropagation in {model.name}"
    return write_page(document(recording, title, layer_kinds(model)), path)


def explain_text(loss: Tensor, width: int | None = None) -> str:
    """The backward pass as a table: who sends which gradient to whom, and by which formula.

    Args:
        loss: a tensor with one element, before its backward pass.
        width: columns, by default those of the terminal.

    Raises:
        TypeError: not a Tensor.
        RuntimeError: nothing recorded the tensor, or a backward pass has freed the tape.
        ValueError: more than one element.
    """
    return write_table(_recorded(loss, sys._getframe(1), MOST_ROWS), width)


def graph(loss: Tensor) -> Graph:
    """The graph of a loss, as `.svg`, `.dot` and `.mermaid`; in a notebook it shows itself.

    Args:
        loss: a tensor with one element, before its backward pass.

    Raises:
        TypeError: not a Tensor.
        RuntimeError: nothing recorded the tensor, or a backward pass has freed the tape.
        ValueError: more than one element.
    """
    return Graph(_recorded(loss, sys._getframe(1)))


def backward_source(loss: Tensor) -> str:
    """The forward and the backward pass of a loss as a Python program in plain NumPy.

    It runs as it is, with the numbers of the tape in it, and ends with `loss` and the dictionary
    `gradients`.

    Args:
        loss: a tensor with one element, before its backward pass.

    Raises:
        TypeError: not a Tensor.
        RuntimeError: nothing recorded the tensor, or a backward pass has freed the tape.
        ValueError: more than one element.
        NotImplementedError: an op of your own that is not NumPy's.
    """
    return write_program(_recorded(loss, sys._getframe(1), sys.maxsize))


def _recorded(loss: Tensor, frame: FrameType, most_ops: int = MOST_OPS) -> Recording:
    """The tape of a loss, with the names that the program gives to its tensors and arrays.

    Args:
        loss: what to record.
        frame: of the function that asks; the names in it count, and those of its module.
        most_ops: how many ops to keep.
    """
    return record_named(loss, frame.f_globals | frame.f_locals, most_ops)
