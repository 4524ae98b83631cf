"""The backward pass as a readable program in plain NumPy, generated from the tape.

A value that is used once is written where it is used, as long as that stays readable; the others
become variables. What the program is made from: see `tracing`.
"""

from __future__ import annotations

import base64
import builtins
import keyword
import math
import re
import textwrap
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import numpy as np

from nnscratch.autograd import Tensor
from nnscratch.explainer.plain_numpy import FUNCTIONS, SIGN, Text, expression, functions
from nnscratch.explainer.recording import Entry
from nnscratch.explainer.tracing import Passes, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nnscratch.explainer.recording import Recording

LONGEST_PART = 48
"""Letters of an expression that may stand inside another one."""

LONGEST_LINE = 96

MOST_NUMBERS_INLINE = 6
"""Numbers of an array that is written where it is used."""

MOST_NUMBERS_WRITTEN = 64
"""Numbers of an array that is written as numbers; a larger one is written in base64."""

_TAKEN = {
    *("array", "base64", "forward_and_backward", "gradient", "gradients", "loss", "math", "name"),
    *("np", *FUNCTIONS, *keyword.kwlist, *dir(builtins)),
}

_BASE64 = '''
def array(dtype, shape, text):
    """An array from the base64 of its numbers."""
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape)
'''


def write_program(recording: Recording, most_numbers: float = math.inf) -> str:
    """The backward pass of a recording as Python on plain NumPy, which runs as it is.

    It leaves `loss` and `gradients`, a dictionary by the names of the leaves.

    Args:
        recording: of the loss.
        most_numbers: with more data than this they are left away, and a comment says so.

    Raises:
        NotImplementedError: an op of your own that is not NumPy's.
    """
    writer = _Writer(recording, Passes(recording))
    body = textwrap.indent("\n".join(writer.body()), "    ")
    definition = (
        f"{_call('def forward_and_backward', writer.data)}:\n"
        f'    """The loss, and its gradient for each leaf by name."""\n{body}'
    )
    if sum(value.size for value in writer.data.values()) > most_numbers:
        return _joined(writer, [definition, _missing(writer.data)])
    use = (
        f"{_call('loss, gradients = forward_and_backward', writer.data)}\n"
        f'print("loss", loss)\n'
        f"for name, gradient in gradients.items():\n"
        f'    print("gradient of", name, gradient.shape, "norm", np.linalg.norm(gradient))'
    )
    return _joined(writer, [definition, f"{_statements(writer.data)}\n\n{use}"])


def _joined(writer: _Writer, parts: list[str]) -> str:
    """The whole program: what its parts import and call comes first."""
    helpers = functions(frozenset(writer.needs))
    if any('array("' in part for part in parts):
        helpers.append(_BASE64.strip())
    code = "\n".join([*helpers, *parts])
    imports = [f"import {name}\n" for name in ("base64", "math") if f"{name}." in code]
    head = (
        '"""The backward pass in plain NumPy, written from the tape by nnscratch.\n\n'
        'd_x is the gradient of the loss for x.\n"""\n\n'
        + "".join(imports)
        + ("\n" if imports else "")
        + "import numpy as np"
    )
    return "\n\n\n".join([head, *helpers, *parts]) + "\n"


def _missing(data: dict[str, Any]) -> str:
    """A comment in the place of data that would take too much room."""
    size = sum(value.size for value in data.values())
    return "\n".join(
        [
            f"# The data are {size:,} numbers, too many to stand here: ns.backward_source(loss)",
            "# writes them too.",
            *(f"# {name}: {value.dtype} of shape {value.shape}" for name, value in data.items()),
        ]
    )


def backward_lines(recording: Recording) -> tuple[dict[Entry, str], dict[Entry, list[str]]]:
    """What a program calls each entry, and for each op the lines of its part in the backward pass.

    Where an op cannot be written in plain NumPy there are no lines.
    """
    writer = _Writer(recording, Passes(recording))
    try:
        writer.body()
    except NotImplementedError:
        return writer.name_of, {}
    return writer.name_of, writer.sections


class _Names:
    """Names of variables, each given once."""

    def __init__(self) -> None:
        self.taken = set(_TAKEN)
        self.numbers: dict[str, Iterator[int]] = {}

    def numbered(self, base: str) -> str:
        """`base` with the first number that is free."""
        numbers = self.numbers.setdefault(base, count(1))
        return self.exactly(next(n for i in numbers if (n := f"{base}{i}") not in self.taken))

    def like(self, text: str) -> str:
        """`text` as an identifier, with a number if it is taken."""
        letters = re.sub(r"\W+", "_", normalize("NFKC", text)).strip("_")
        base = letters if letters.isidentifier() else f"value_{letters}".rstrip("_")
        base = base if base.isidentifier() else "value"
        return self.numbered(f"{base}_") if base in self.taken else self.exactly(base)

    def exactly(self, name: str) -> str:
        self.taken.add(name)
        return name


def _names_of(recording: Recording, names: _Names) -> dict[Entry, str]:
    """What the program calls each entry: as the user does, else after the layer or the op."""
    labels = Counter(entry.label for entry in recording.entries if entry.kind == "parameter")
    ops_of_layers = Counter(entry.layer for entry in recording.forward)
    found = {recording.loss: "loss"}
    for entry in recording.entries:
        if entry in found or entry.kind == "constant":
            continue
        if entry.kind == "parameter" and entry.layer and labels[entry.label] > 1:
            found[entry] = names.like(f"{entry.layer}_{entry.label}")
        elif entry.op is None or entry.label != entry.op:
            found[entry] = names.like(entry.label)
        elif entry.layer and ops_of_layers[entry.layer] == 1:
            found[entry] = names.like(entry.layer)
        elif entry.layer:
            found[entry] = names.like(f"{entry.layer}_{entry.op}")
        else:
            found[entry] = names.numbered(f"{entry.op}_")
    return found


class _Writer:
    """Lines of the program, one after the other.

    Attributes:
        data: the arrays that the function is called with, by the names of its arguments.
        needs: functions that NumPy lacks.
        sections: the lines of the backward pass through each op.
    """

    def __init__(self, recording: Recording, passes: Passes) -> None:
        self.recording, self.passes = recording, passes
        self.names = _Names()
        self.name_of = _names_of(recording, self.names)
        self.data: dict[str, Any] = {}
        self.needs: set[str] = set()
        self.lines: list[str] = []
        self.sections: dict[Entry, list[str]] = {}
        self.variables: dict[Step, str] = {}
        self.constants: dict[int, str] = {}

    def body(self) -> list[str]:
        """The function's lines."""
        self.lines.append("# forward")
        written = {}
        for entry in self.recording.forward:
            written[entry] = self._assign(self.name_of[entry], self.passes.forward[entry])
            self._comment(_origin(entry))
        self.lines += ["", "# backward"]
        gradients: dict[tuple[Entry, int], str] = {
            (self.recording.loss, 0): self.names.exactly("d_loss")
        }
        self._assign("d_loss", self.passes.seed)
        for entry, shares in self.passes.backward:
            self.lines += ["", f"# through {_shortened(written[entry])}"]
            start = len(self.lines)
            for source, output, gradient in shares:
                name = gradients.get((source, output))
                if name is None:
                    several = f"_{output}" if len(source.outputs) > 1 else ""
                    name = self.names.like(f"d_{self.name_of[source]}{several}")
                    gradients[source, output] = name
                self._assign(name, gradient)
            self.sections[entry] = self.lines[start:]
        found = [
            f'"{self.name_of[leaf]}": {gradients[leaf, 0]}'
            for leaf in self.recording.leaves
            if (leaf, 0) in gradients
        ]
        line = f"return loss, {{{', '.join(found)}}}"
        if len(line) <= LONGEST_LINE:
            return [*self.lines, "", line]
        return [*self.lines, "", "return loss, {", *(f"    {pair}," for pair in found), "}"]

    def _comment(self, text: str) -> None:
        """Put a comment behind the last line, or before it where there is no room."""
        if not text:
            return
        if len(self.lines[-1]) + len(text) + 4 <= LONGEST_LINE:
            self.lines[-1] += f"  # {text}"
        else:
            self.lines.insert(-1, f"# {text}")

    def _assign(self, name: str, value: Step) -> str:
        """Write a line that gives a value a name; gives the line."""
        self._write(name, value, self._text(value, own_line=True))
        return self.lines[-1]

    def _write(self, name: str, value: Step, text: Text) -> None:
        self.needs |= text.needs
        self.lines.append(f"{name} = {text.code}")
        self.variables[value] = name

    def _text(self, value: Any, own_line: bool = False) -> Text:
        """A value as an expression, or as the name of the variable that holds it."""
        if isinstance(value, Entry):
            self.data[self.name_of[value]] = np.asarray(value.outputs[0])
            return Text(self.name_of[value])
        if not isinstance(value, Step):
            code = self._shown(value)
            return Text(code, SIGN) if code.startswith("-") else Text(code)
        if value in self.variables:
            return Text(self.variables[value])
        if value.op is None and value.output is None:
            (meant,) = value.operands
            return self._text(meant, own_line and getattr(meant, "uses", 1) <= 1)
        if value.op is None:
            call = value.operands[0]
            if call not in self.variables:
                self._assign(self.names.numbered("t"), call)
            return Text(f"{self.variables[call]}[{value.output}]")
        operands = [self._text(operand) for operand in value.operands]
        text = expression(value.op, operands, value.params, self._shown)
        if own_line or (value.uses <= 1 and len(text.code) <= LONGEST_PART):
            return text
        self._write(self.names.numbered("t"), value, text)
        return Text(self.variables[value])

    def _shown(self, value: Any) -> str:
        """A plain value as Python."""
        if isinstance(value, Tensor):
            return self._text(self.passes.meant(value)).code
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, tuple | list):
            inner = ", ".join(self._shown(part) for part in value)
            if isinstance(value, list):
                return f"[{inner}]"
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        if isinstance(value, slice):
            return f"slice({', '.join(map(self._shown, (value.start, value.stop, value.step)))})"
        return _literal(value)

    def _array(self, value: Any) -> str:
        """An array: its numbers if they are few or all the same, else a variable."""
        written = _uniform(value) or (
            _numbers(value) if value.size <= MOST_NUMBERS_INLINE or not value.ndim else None
        )
        if written is not None:
            return written
        if id(value) not in self.constants:
            name = "mask" if value.dtype.kind == "b" else "constant"
            self.constants[id(value)] = name = self.names.like(name)
            self.data[name] = value
        return self.constants[id(value)]


# --- how values are written -----------------------------------------------------------------------


def _literal(value: Any) -> str:
    if value is Ellipsis:
        return "..."
    if isinstance(value, np.dtype):
        return f"np.{value.name}"
    if isinstance(value, type):
        return f"np.{np.dtype(value).name}"
    if isinstance(value, np.generic):
        return _typed(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "np.nan" if math.isnan(value) else "np.inf" if value > 0 else "-np.inf"
    return repr(value)


def _typed(number: Any) -> str:
    """A number with NumPy's type."""
    return f"np.{number.dtype.name}({_plain_number(number)})"


def _plain_number(number: Any) -> str:
    """The shortest text that gives this number of NumPy's in its dtype."""
    if number.dtype.kind != "f":
        return repr(number.item())
    return _literal(number.item()) if not np.isfinite(number) else str(number)


def _uniform(value: Any) -> str | None:
    """Zeros, ones, or the identity."""
    dtype = "" if value.dtype == np.float64 else f", dtype=np.{value.dtype.name}"
    shape = value.shape[0] if value.ndim == 1 else value.shape
    if value.ndim and value.size > 1 and value.dtype.kind == "f":
        if not value.any() and not np.signbit(value).any():
            return f"np.zeros({shape}{dtype})"
        if (value == 1).all():
            return f"np.ones({shape}{dtype})"
        if value.ndim == 2 and np.array_equal(value, np.eye(*value.shape)):
            return f"np.eye({value.shape[0]}, {value.shape[1]}{dtype})"
    return None


def _numbers(value: Any) -> str:
    """An array as nested lists of numbers."""
    if not value.ndim:
        return _typed(value[()])
    if not value.size:
        return f"np.zeros({value.shape}, dtype=np.{value.dtype.name})"
    known = value.dtype in (np.float64, np.int64, np.bool_)
    dtype = "" if known else f", dtype=np.{value.dtype.name}"
    return f"np.array({_nested(value)}{dtype})"


def _nested(value: Any) -> str:
    parts = [
        _nested(part) if part.ndim else _plain_number(part[()]) for part in map(np.asarray, value)
    ]
    return f"[{', '.join(parts)}]"


def _statements(data: dict[str, Any]) -> str:
    """What gives each of the data its name: the small ones first."""
    small = {name: v for name, v in data.items() if v.size <= MOST_NUMBERS_WRITTEN}
    statements = [_assigned(name, value) for name, value in small.items()]
    for name, value in data.items():
        if name not in small:
            statements.append(f"{name} = {_encoded(value)}")
    return "\n".join(statements)


def _assigned(name: str, value: Any) -> str:
    """An array as a statement; a matrix that is too long for a line has a line for each row."""
    line = f"{name} = {_numbers(value)}"
    if len(line) <= LONGEST_LINE:
        return line
    if value.ndim > 1 and value.size:
        start, end = line[: line.index("[") + 1], line[line.rindex("]") :]
        rows = [_wrapped(f"    {_nested(row)},", indent="     ") for row in value]
        return "\n".join([start, *rows, end])
    return _wrapped(line, indent="    ")


def _wrapped(line: str, indent: str) -> str:
    return "\n".join(textwrap.wrap(line, LONGEST_LINE, subsequent_indent=indent))


def _call(function: str, arguments: Iterable[str]) -> str:
    """A call or a head, an argument a line if they do not fit in one."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) < LONGEST_LINE:
        return line
    return f"{function}(\n" + "".join(f"    {name},\n" for name in arguments) + ")"


def _encoded(value: Any) -> str:
    little = np.ascontiguousarray(value.astype(value.dtype.newbyteorder("<")))
    text = base64.b64encode(little.tobytes()).decode("ascii")
    lines = "\n".join(f'    "{line}"' for line in textwrap.wrap(text, LONGEST_LINE - 6))
    return f'array("{little.dtype.str}", {value.shape}, (\n{lines}\n))'


def _origin(entry: Entry) -> str:
    """Where a line comes from, as a comment: only letters that cannot end it."""
    if entry.origin is None:
        return ""
    layer = f"layer {entry.origin.layer!r}, " if entry.origin.layer else ""
    file = entry.origin.file.replace("\\", "/").rpartition("/")[2]
    text = f"{layer}{file}:{entry.origin.line}"
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _shortened(line: str) -> str:
    return line if len(line) <= LONGEST_LINE - 10 else f"{line[: LONGEST_LINE - 13]}..."
