"""Every op in plain NumPy: how it is written in a program that needs nothing else.

Most ops are a function of NumPy's own, or an operator. The others stand here: as an expression,
where that says what happens, or as a short function that is put at the top of the program.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nnscratch.autograd.op import Op

    Literal = Callable[[Any], str]

# How tightly Python binds: what binds less than its surroundings is put in parentheses.
COMPARISON, OR, XOR, AND, SHIFT, SUM, PRODUCT, SIGN, POWER, CALL = range(10)

OPERATORS: dict[str, tuple[str, int]] = {
    "add": ("+", SUM),
    "bitwise_and": ("&", AND),
    "bitwise_or": ("|", OR),
    "bitwise_xor": ("^", XOR),
    "divide": ("/", PRODUCT),
    "equal": ("==", COMPARISON),
    "floor_divide": ("//", PRODUCT),
    "greater": (">", COMPARISON),
    "greater_equal": (">=", COMPARISON),
    "left_shift": ("<<", SHIFT),
    "less": ("<", COMPARISON),
    "less_equal": ("<=", COMPARISON),
    "matmul": ("@", PRODUCT),
    "mod": ("%", PRODUCT),
    "multiply": ("*", PRODUCT),
    "not_equal": ("!=", COMPARISON),
    "power": ("**", POWER),
    "right_shift": (">>", SHIFT),
    "subtract": ("-", SUM),
}

HINTS = frozenset({"probabilities"})
"""Parameters that only save work: what they say is known from the arguments."""

SIGNS = {"invert": "~", "negative": "-"}


class Text:
    """A piece of Python.

    Attributes:
        code: the text.
        binding: how tightly its outermost operator binds.
        needs: names of the functions in `FUNCTIONS` that it calls.
    """

    __slots__ = ("binding", "code", "needs")

    def __init__(self, code: str, binding: int = CALL, needs: frozenset[str] = frozenset()) -> None:
        """Keep the three."""
        self.code, self.binding, self.needs = code, binding, needs

    def within(self, binding: int) -> str:
        """The text as an operand of something that binds so tightly."""
        return self.code if self.binding > binding else f"({self.code})"


def expression(op: Op, operands: Sequence[Text], params: Mapping[str, Any], show: Literal) -> Text:
    """An op's result in plain NumPy.

    Args:
        op: which one.
        operands: its array arguments.
        params: its other arguments.
        show: writes a value of `params` as Python.

    Raises:
        NotImplementedError: an op that is not NumPy's and not written down here.
    """
    own = _written(op.name, operands, params, show)
    if own is None:
        own = _called(op, operands, params, show)
    needs = own.needs.union(*(operand.needs for operand in operands))
    return Text(own.code, own.binding, needs)


def _written(
    name: str, operands: Sequence[Text], params: Mapping[str, Any], show: Literal
) -> Text | None:
    """An operator, or an expression of our own; None where a function is called."""
    if name in OPERATORS:
        sign, binding = OPERATORS[name]
        left, right = operands
        # Both sides in parentheses where Python would chain comparisons or start from the right.
        chains = binding in (COMPARISON, POWER)
        first = left.within(binding if chains else binding - 1)
        return Text(f"{first} {sign} {right.within(binding)}", binding)
    if name in SIGNS:
        return Text(f"{SIGNS[name]}{operands[0].within(SIGN - 1)}", SIGN)
    written = EXPRESSIONS.get(name)
    return None if written is None else written(operands, params, show)


def _called(op: Op, operands: Sequence[Text], params: Mapping[str, Any], show: Literal) -> Text:
    """A call of NumPy's function, or of one of `FUNCTIONS`, with what differs from the defaults."""
    if op.name in FUNCTIONS:
        function, needs = op.name, frozenset({op.name})
    elif op.numpy:
        function, needs = _numpy_name(op.numpy[0]), frozenset[str]()
    else:
        raise NotImplementedError(
            f"The op {op.name!r} cannot be written in plain NumPy: it is not NumPy's, and no text "
            f"for it stands in nnscratch.explainer.plain_numpy."
        )
    given = [operand.code for operand in operands]
    given += [show(value) for name, value in params.items() if name not in op.defaults]
    given += [
        f"{name}={show(value)}"
        for name, value in params.items()
        if name in op.defaults and name not in HINTS and not _same(value, op.defaults[name])
    ]
    return Text(f"{function}({', '.join(given)})", CALL, needs)


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


def _numpy_name(function: Callable[..., Any]) -> str:
    module = getattr(function, "__module__", None) or "numpy"
    prefix = "np.linalg" if module == "numpy.linalg" else "np"
    return f"{prefix}.{function.__name__}"


# --- expressions ----------------------------------------------------------------------------------


def _dense(operands: Sequence[Text], params: Mapping[str, Any], show: Literal) -> Text:
    x, kernel, *rest = operands
    z = Text(f"{x.within(PRODUCT - 1)} @ {kernel.within(PRODUCT)}", PRODUCT)
    if rest and rest[0].code != "None":
        z = Text(f"{z.code} + {rest[0].within(SUM)}", SUM)
    activation = params.get("activation", "linear")
    if activation == "linear":
        return z
    if activation == "relu":
        return Text(f"np.maximum({z.code}, 0)")
    if activation == "tanh":
        return Text(f"np.tanh({z.code})")
    if activation == "gelu_tanh":
        return Text(f"gelu({z.code}, approximate=True)", needs=frozenset({"gelu"}))
    return Text(f"{activation}({z.code})", needs=frozenset({activation}))


def _relu(operands: Sequence[Text], params: Mapping[str, Any], show: Literal) -> Text:
    if params == {"negative_slope": 0.0, "max_value": None, "threshold": 0.0}:
        return Text(f"np.maximum({operands[0].code}, 0)")
    given = ", ".join(f"{name}={show(value)}" for name, value in params.items())
    return Text(f"relu({operands[0].code}, {given})", needs=frozenset({"relu"}))


def _clamp(operands: Sequence[Text], params: Mapping[str, Any], show: Literal) -> Text:
    code, low, high = (operand.code for operand in operands)
    if low != "None":
        code = f"np.maximum({code}, {low})"
    return Text(code if high == "None" else f"np.minimum({code}, {high})")


def _dropout(operands: Sequence[Text], params: Mapping[str, Any], show: Literal) -> Text:
    x, kept = operands
    if params["rate"] == 1:
        return Text(f"np.zeros_like({x.code})")
    product = f"{x.within(PRODUCT - 1)} * {kept.within(PRODUCT)}"
    return Text(f"{product} / (1 - {show(params['rate'])})", PRODUCT)


def _einsum(operands: Sequence[Text], params: Mapping[str, Any], show: Literal) -> Text:
    return Text(f"np.einsum({', '.join(operand.code for operand in operands)})")


def _joined(function: str) -> Callable[..., Text]:
    def written(operands: Sequence[Text], params: Mapping[str, Any], show: Literal) -> Text:
        arrays = ", ".join(operand.code for operand in operands)
        return Text(f"np.{function}([{arrays}], axis={show(params['axis'])})")

    return written


def _index(value: Any, show: Literal) -> str:
    """An index as it stands between brackets."""
    if isinstance(value, tuple) and value:
        return ", ".join(_index(part, show) for part in value) + "," * (len(value) == 1)
    if isinstance(value, slice):
        start, stop, step = (
            "" if v is None else show(v) for v in (value.start, value.stop, value.step)
        )
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
    return "..." if value is Ellipsis else show(value)


EXPRESSIONS: dict[str, Callable[[Sequence[Text], Mapping[str, Any], Literal], Text]] = {
    "astype": lambda o, p, show: Text(f"{o[0].within(POWER)}.astype({show(np.dtype(p['dtype']))})"),
    "clamp": _clamp,
    "concatenate_arrays": _joined("concatenate"),
    "dense": _dense,
    "dropout": _dropout,
    "einsum": _einsum,
    "embedding": lambda o, p, show: Text(f"{o[0].within(POWER)}[{o[1].code}]"),
    "getitem": lambda o, p, show: Text(f"{o[0].within(POWER)}[{_index(p['index'], show)}]"),
    "mean_squared_error": lambda o, p, show: Text(
        f"np.mean(np.square({o[1].within(SUM - 1)} - {o[0].within(SUM)}))"
    ),
    "relu": _relu,
    "stack_arrays": _joined("stack"),
    "to_device": lambda o, p, show: o[0],
    "transpose": lambda o, p, show: Text(
        f"{o[0].within(POWER)}.T"
        if p["axes"] is None
        else f"np.transpose({o[0].code}, {show(p['axes'])})"
    ),
}
"""Of the array arguments, the parameters, and a function that writes a value as Python."""

# --- functions ------------------------------------------------------------------------------------

_TEXTS = '''
def add_at(a, value, index):
    """A copy of `a` with `value` added at `index`; what meets at one place adds up."""
    result = np.array(a)
    np.add.at(result, index, value)
    return result

def batch_normalization(x, gamma, beta, axis=-1, epsilon=1e-3):
    """Normalized over the batch, with the mean and the variance of each channel."""
    others = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
    mean, variance = np.mean(x, axis=others, keepdims=True), np.var(x, axis=others, keepdims=True)
    y = (x - mean) / np.sqrt(variance + epsilon)
    y = y if gamma is None else y * gamma.reshape(mean.shape)
    y = y if beta is None else y + beta.reshape(mean.shape)
    return y, mean.reshape(-1), variance.reshape(-1)

def binary_crossentropy_from_logits(target, logits):
    """-t ln s(z) - (1 - t) ln(1 - s(z)) of the sigmoid s, so written that nothing overflows."""
    return np.maximum(logits, 0) - target * logits + np.log1p(np.exp(-np.abs(logits)))

def celu(x, alpha=1.0):
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) / alpha)

def cholesky(a, *, upper=False):
    lower = np.linalg.cholesky((a + a.mT) / 2)
    return lower.mT if upper else lower

def eigh(a, UPLO="L"):
    return np.linalg.eigh((a + a.mT) / 2, UPLO)

def elu(x, alpha=1.0):
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))

def erf(x):
    return np.vectorize(math.erf, otypes=[np.float64])(x).astype(x.dtype)

def erfc(x):
    return np.vectorize(math.erfc, otypes=[np.float64])(x).astype(x.dtype)

def gelu(x, approximate=False):
    if approximate:
        return x * sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    return 0.5 * x * erfc(-math.sqrt(0.5) * x)

def hard_sigmoid(x):
    return np.clip(x + 3, 0, 6) / 6

def hard_silu(x):
    return x * hard_sigmoid(x)

def layer_normalization(x, gamma, beta, axis=-1, epsilon=1e-3):
    centered = x - np.mean(x, axis=axis, keepdims=True)
    variance = np.mean(np.square(centered), axis=axis, keepdims=True)
    y = centered / np.sqrt(variance + epsilon)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta

def leaky_relu(x, negative_slope=0.2):
    return np.maximum(x, 0) + negative_slope * np.minimum(x, 0)

def linear_recurrence(a, b):
    """y_k = a_k y_{k-1} + b_k along the last axis."""
    y = np.array(b)
    for k in range(1, y.shape[-1]):
        y[..., k] += a[..., k] * y[..., k - 1]
    return y

def log_softmax(x, axis=-1):
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))

def logsumexp(x, axis=None, keepdims=False):
    largest = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    largest = np.where(np.isfinite(largest), largest, 0)
    total = largest + np.log(np.sum(np.exp(x - largest), axis=axis, keepdims=True))
    return total if keepdims else np.squeeze(total, axis=axis)

def mean_binary_crossentropy_from_logits(target, logits):
    return np.mean(binary_crossentropy_from_logits(target, logits))

def mean_softmax_crossentropy(target, logits):
    return np.mean(softmax_crossentropy(target, logits))

def mean_sparse_softmax_crossentropy(labels, logits):
    return np.mean(sparse_softmax_crossentropy(labels, logits))

def minus_one_hot(probabilities, labels):
    """p with 1 taken off the probability of each sample's class."""
    return probabilities - (np.arange(probabilities.shape[-1]) == labels[..., None])

def mish(x):
    return x * np.tanh(softplus(x))

def pad_constant(array, widths, value):
    return np.pad(array, widths, constant_values=value)

def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    above = x if max_value is None else np.clip(x, 0, max_value)
    return np.where(x > threshold, above, negative_slope * (x - threshold))

def relu6(x):
    return np.clip(x, 0, 6)

def scatter(values, shape, index):
    """Zeros with `values` added at `index`; what meets at one place adds up."""
    result = np.zeros(shape, values.dtype)
    np.add.at(result, index, values)
    return result

def selu(x):
    return 1.0507009873554805 * elu(x, 1.6732632423543772)

def set_at(a, value, index):
    """A copy of `a` with `value` at `index`."""
    result = np.array(a)
    result[index] = value
    return result

def sigmoid(x):
    small = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1, small) / (1 + small)

def silu(x):
    return x * sigmoid(x)

def softmax(x, axis=-1):
    exponentials = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return exponentials / np.sum(exponentials, axis=axis, keepdims=True)

def softmax_crossentropy(target, logits):
    return -np.sum(target * log_softmax(logits), axis=-1)

def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

def softsign(x):
    return x / (1 + np.abs(x))

def sparse_softmax_crossentropy(labels, logits):
    return -np.take_along_axis(log_softmax(logits), labels[..., None], axis=-1)[..., 0]

def sparsemax(x, axis=-1):
    """The probabilities nearest to x (Martins and Astudillo 2016)."""
    x = np.moveaxis(x - np.max(x, axis=axis, keepdims=True), axis, -1)
    falling = -np.sort(-x, axis=-1)
    excess = np.cumsum(falling, axis=-1) - 1
    ranks = np.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    count = np.sum(ranks * falling > excess, axis=-1, keepdims=True)
    tau = np.take_along_axis(excess, count - 1, axis=-1) / count.astype(x.dtype)
    return np.moveaxis(np.maximum(x - tau, 0), -1, axis)

def split_array(a, ends, axis=0):
    return np.split(a, ends[1:-1], axis=axis)
'''

FUNCTIONS: dict[str, str] = {
    text.partition("(")[0].removeprefix("def "): text.strip()
    for text in textwrap.dedent(_TEXTS).strip().split("\n\n")
}
"""The text of each function by its name."""


def functions(names: frozenset[str]) -> list[str]:
    """The texts of functions and of those that they call, each after those that it calls."""
    wanted: dict[str, None] = {}

    def add(name: str) -> None:
        for other in re.findall(r"(?<![\w.])(\w+)\(", FUNCTIONS[name]):
            if other != name and other in FUNCTIONS:
                add(other)
        wanted[name] = None

    for name in sorted(names):
        add(name)
    return [FUNCTIONS[name] for name in wanted]
