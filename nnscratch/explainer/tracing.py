"""The recorded pass run once more, forward and backward, while every call is noted.

The gradient rules run on tensors that nothing records: each function of NumPy that a rule calls
comes by as an op. What was called, on what, is the program of the backward pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import OPS, Tensor, no_grad
from nnscratch.autograd.backward import fit
from nnscratch.autograd.modes import note_origins, traced
from nnscratch.autograd.tensor import wrap
from nnscratch.explainer.replay import in_order, one_or_all, op_of, parameters
from nnscratch_kernels.dispatch import backend
from nnscratch_kernels.numpy_kernels.regularization import dropout_mask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnscratch.autograd.op import Op
    from nnscratch.explainer.recording import Entry, Recording


class Step:
    """One call, one of the several results of a call, or another name for a value.

    Attributes:
        op: what is called; None for a result of `operands[0]`, or that itself.
        operands: other steps, entries of leaves, arrays, or plain values of Python.
        params: the other arguments by name.
        output: which of several results it is; None for another name.
        uses: how many steps use it.
    """

    __slots__ = ("op", "operands", "output", "params", "uses")

    def __init__(
        self,
        op: Op | None,
        operands: list[Any],
        params: Mapping[str, Any],
        output: int | None = None,
    ) -> None:
        """Note a call, and that it uses its operands."""
        self.op, self.operands, self.params, self.output = op, operands, params, output
        self.uses = 0
        for operand in operands:
            if isinstance(operand, Step):
                operand.uses += 1


class Passes:
    """Both passes as steps.

    Attributes:
        forward: the step of each op of the recording.
        backward: for each op, in the order of the walk, what its rule adds to the gradients of its
            arguments: the argument's entry, which of its outputs, and the gradient so far.
    """

    def __init__(self, recording: Recording) -> None:
        """Run both passes on the numbers of the recording, on the host."""
        self.forward: dict[Entry, Step] = {}
        self.backward: list[tuple[Entry, list[tuple[Entry, int, Step]]]] = []
        self.seed: Step
        self._known: dict[int, Any] = {}
        self._alive: list[Any] = []  # what has an id in `_known`
        self._masks: dict[tuple[Any, ...], Any] = {}
        self._results: dict[Entry, list[Any]] = {}
        with (
            no_grad(),
            note_origins(False),
            traced(self._note),
            backend("numpy"),
            np.errstate(all="ignore"),
        ):
            self._run_forward(recording)
            self._run_backward(recording)

    def meant(self, value: Any) -> Any:
        """The step or leaf whose result this tensor or array is; the value itself if unknown."""
        if isinstance(value, Tensor):
            return self._known.get(id(value), self._known.get(id(value.data), value.data))
        return self._known.get(id(value), value)

    def _note(self, op: Op, args: tuple[Any, ...], params: dict[str, Any], made: Any) -> None:
        """Called by each op after it has run."""
        operands = [self.meant(arg) for arg in args]
        if op.name == "seeded_dropout":  # the generator is no NumPy: its mask stands as data
            op, operands = OPS["dropout"], [operands[0], self._mask(args[0].shape, params)]  # type: ignore[assignment] # an Op
            params = {"rate": params["rate"]}
        step = Step(op, operands, params)
        if not isinstance(made, tuple):
            self._remember(made, step)
            return
        for output, tensor in enumerate(made):
            self._remember(tensor, Step(None, [step], {}, output))

    def _remember(self, tensor: Any, meaning: Any) -> None:
        self._alive.append(tensor)
        self._known[id(tensor)] = self._known[id(tensor.data)] = meaning

    def _named(self, value: Any) -> tuple[Tensor, Step]:
        """The same numbers as a value that has its own name: one entry's gradient so far."""
        tensor = wrap(value.data if isinstance(value, Tensor) else value, None, 0)
        step = Step(None, [self.meant(value)], {})
        self._alive.append(tensor)
        self._known[id(tensor)] = step
        return tensor, step

    def _mask(self, shape: tuple[int, ...], params: Mapping[str, Any]) -> Any:
        key = (shape, params["rate"], params["seed"], params["offset"])
        if key not in self._masks:
            self._masks[key] = dropout_mask(*key)
        return self._masks[key]

    def _run_forward(self, recording: Recording) -> None:
        for entry in recording.entries:
            if entry.node is None:
                value = entry.outputs[0]
                if hasattr(value, "dtype"):
                    value = wrap(np.asarray(value), None, 0)
                    self._remember(value, value.data if entry.kind == "constant" else entry)
                self._results[entry] = [value]
                continue
            made = entry.node.op.record(tuple(self._arguments(entry)), parameters(entry))
            self._results[entry] = list(made) if isinstance(made, tuple) else [made]
            first = self.meant(self._results[entry][0])
            self.forward[entry] = first.operands[0] if first.op is None else first

    def _arguments(self, entry: Entry) -> list[Any]:
        values = [self._results[edge.source][edge.output] for edge in entry.inputs]
        return in_order(entry, values)

    def _run_backward(self, recording: Recording) -> None:
        received: dict[tuple[Entry, int], Any] = {}
        seed, self.seed = self._named(np.ones_like(self._results[recording.loss][0]))
        received[recording.loss, 0] = seed
        for entry in recording.backward:
            node, outputs = op_of(entry), self._results[entry]
            g = [
                np.zeros_like(output) if (entry, i) not in received else received[entry, i]
                for i, output in enumerate(outputs)
            ]
            arguments = self._arguments(entry)
            sent = node.op.gradients(
                node.wanted, one_or_all(g), one_or_all(outputs), arguments, parameters(entry)
            )
            shares = []
            for edge in entry.inputs:
                if edge.contribution is None:
                    continue
                place = (edge.source, edge.output)
                share = fit(sent[edge.argument], arguments[edge.argument])
                earlier = received.get(place)
                received[place], named = self._named(share if earlier is None else earlier + share)
                shares.append((*place, named))
            self.backward.append((entry, shares))
