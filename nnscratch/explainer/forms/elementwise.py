"""Elementwise ops: what each computes from the numbers at one place, and its slopes there.

In the notes a is the first argument and y the result, as in the op table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnscratch.explainer.forms.expression import (
    LETTERS,
    Case,
    Cases,
    Expression,
    Form,
    Known,
    broadcast_axes,
    cases,
    text_of,
    total,
)
from nnscratch.explainer.replay import arguments, op_of
from nnscratch_kernels import auto as kernels
from nnscratch_kernels.numpy_kernels.activation_functions import (
    SELU_ALPHA,
    SELU_SCALE,
    TANH_GELU_CUBIC,
    TANH_GELU_SLOPE,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nnscratch.explainer.forms.expression import Text
    from nnscratch.explainer.recording import Entry


class Way(NamedTuple):
    """How an elementwise op computes.

    Attributes:
        text: the result.
        slopes: its derivative by each argument; None where it does not depend smoothly on one.
        note: what the text leaves to be said.
        of_slopes: what the slopes leave to be said.
    """

    text: Text
    slopes: tuple[Text | None, ...]
    note: str = ""
    of_slopes: str = ""


_SAME = Way("{0}", ("1",))
_SIZE = Way("|{0}|", ("sign({0})",))
_POWER = Way(
    "{0} ^ {1}",
    (
        cases(("{1} = 0", "0", "the exponent is 0"), ("", "{1} · {0} ^ ({1} − 1)")),
        Cases(
            (
                Case("{0} = 0", (cases(("{1} < 0", "{y} · ln({0})"), ("{1} ≥ 0", "0")),)),
                Case("", ("{y} · ln({0})",)),
            )
        ),
    ),
)
_LARGER = "max({0}, {1})"
_SMALLER = "min({0}, {1})"
_NORMAL = "Φ is the normal distribution's share below a number"
_FLAT = "a step function is flat between its steps"

WAYS: dict[str, Way] = {
    "absolute": _SIZE,
    "add": Way("{0} + {1}", ("1", "1")),
    "arccos": Way("arccos({0})", ("(−1 / √(1 − {0}²))",)),
    "arccosh": Way("arcosh({0})", ("1 / √({0}² − 1)",)),
    "arcsin": Way("arcsin({0})", ("1 / √(1 − {0}²)",)),
    "arcsinh": Way("arsinh({0})", ("1 / √({0}² + 1)",)),
    "arctan": Way("arctan({0})", ("1 / (1 + {0}²)",)),
    "arctan2": Way(
        "arctan2({0}, {1})",
        (
            cases(("{1} = 0", "0"), ("", "{1} / ({0}² + {1}²)")),
            cases(("{0} = 0", "0"), ("", "(−{0} / ({0}² + {1}²))")),
        ),
    ),
    "arctanh": Way("artanh({0})", ("1 / (1 − {0}²)",)),
    "astype": _SAME,
    "binary_crossentropy_from_logits": Way(
        "ln(1 + exp({1})) − {0} · {1}",
        ("(−{1})", "(σ({1}) − {0})"),
        "which is −t · ln(σ(z)) − (1 − t) · ln(1 − σ(z))",
    ),
    "broadcast_to": _SAME,
    "cbrt": Way("∛{0}", ("1 / (3 · {y}²)",)),
    "ceil": Way("⌈{0}⌉", ("0",), of_slopes=_FLAT),
    "copy": _SAME,
    "copysign": Way(
        cases(("{1} ≥ 0", "|{0}|"), ("{1} < 0", "−|{0}|")), ("sign({0}) · sign({y})", "0")
    ),
    "cos": Way("cos({0})", ("(−sin({0}))",)),
    "cosh": Way("cosh({0})", ("sinh({0})",)),
    "deg2rad": Way("{0} · π / 180", ("π / 180",)),
    "divide": Way("{0} / {1}", ("1 / {1}", "(−{0} / {1}²)")),
    "erf": Way("erf({0})", ("2 / √π · exp(−({0}²))",)),
    "erfc": Way("1 − erf({0})", ("(−2 / √π) · exp(−({0}²))",)),
    "exp": Way("exp({0})", ("{y}",)),
    "exp2": Way("2 ^ {0}", ("{y} · ln(2)",)),
    "expm1": Way("exp({0}) − 1", ("({y} + 1)",)),
    "fabs": _SIZE,
    "float_power": _POWER,
    "floor": Way("⌊{0}⌋", ("0",), of_slopes=_FLAT),
    "floor_divide": Way("⌊{0} / {1}⌋", ("0", "0"), of_slopes=_FLAT),
    "fmax": Way(
        _LARGER,
        (
            cases(("{0} ≥ {1}", "1"), ("{1} ≠ {1}", "1"), ("", "0")),
            cases(("{0} ≥ {1}", "0"), ("{1} ≠ {1}", "0"), ("", "1")),
        ),
    ),
    "fmin": Way(
        _SMALLER,
        (
            cases(("{0} ≤ {1}", "1"), ("{1} ≠ {1}", "1"), ("", "0")),
            cases(("{0} ≤ {1}", "0"), ("{1} ≠ {1}", "0"), ("", "1")),
        ),
    ),
    "fmod": Way("{0} − {1} · trunc({0} / {1})", ("1", "(−trunc({0} / {1}))")),
    "hard_sigmoid": Way(
        "min(max({0} / 6 + 1 / 2, 0), 1)",
        (cases(("{0} ≤ −3", "0"), ("{0} ≥ 3", "0"), ("", "1 / 6")),),
    ),
    "hard_silu": Way(
        "{0} · min(max({0} / 6 + 1 / 2, 0), 1)",
        (cases(("{0} ≤ −3", "0"), ("{0} ≥ 3", "1"), ("", "({0} / 3 + 1 / 2)")),),
    ),
    "heaviside": Way(
        cases(("{0} > 0", "1"), ("{0} < 0", "0"), ("{0} = 0", "{1}")),
        ("0", cases(("{0} = 0", "1"), ("{0} ≠ 0", "0"))),
    ),
    "hypot": Way(
        "√({0}² + {1}²)",
        (
            cases(("{y} = 0", "0"), ("", "{0} / {y}")),
            cases(("{y} = 0", "0"), ("", "{1} / {y}")),
        ),
    ),
    "ldexp": Way("{0} · 2 ^ {1}", ("2 ^ {1}",)),
    "log": Way("ln({0})", ("1 / {0}",)),
    "log10": Way("log10({0})", ("1 / ({0} · ln(10))",)),
    "log1p": Way("ln(1 + {0})", ("1 / (1 + {0})",)),
    "log2": Way("log2({0})", ("1 / ({0} · ln(2))",)),
    "logaddexp": Way("ln(exp({0}) + exp({1}))", ("exp({0} − {y})", "exp({1} − {y})")),
    "logaddexp2": Way("log2(2 ^ {0} + 2 ^ {1})", ("2 ^ ({0} − {y})", "2 ^ ({1} − {y})")),
    "maximum": Way(
        _LARGER,
        (
            cases(("{0} > {1}", "1"), ("{0} < {1}", "0"), ("{0} = {1}", "1 / 2")),
            cases(("{1} > {0}", "1"), ("{1} < {0}", "0"), ("{1} = {0}", "1 / 2")),
        ),
    ),
    "minimum": Way(
        _SMALLER,
        (
            cases(("{0} < {1}", "1"), ("{0} > {1}", "0"), ("{0} = {1}", "1 / 2")),
            cases(("{1} < {0}", "1"), ("{1} > {0}", "0"), ("{1} = {0}", "1 / 2")),
        ),
    ),
    "mish": Way(
        "{0} · tanh(ln(1 + exp({0})))",
        (cases(("{0} = 0", "0.6"), ("", "({y} / {0} + {0} · σ({0}) · (1 − ({y} / {0})²))")),),
        of_slopes="y / a is tanh(ln(1 + exp(a)))",
    ),
    "mod": Way("{0} − {1} · ⌊{0} / {1}⌋", ("1", "(−⌊{0} / {1}⌋)")),
    "modf": Way("{0} − trunc({0})", ("1",)),
    "multiply": Way("{0} · {1}", ("{1}", "{0}")),
    "negative": Way("−{0}", ("(−1)",)),
    "positive": _SAME,
    "power": _POWER,
    "rad2deg": Way("{0} · 180 / π", ("180 / π",)),
    "reciprocal": Way("1 / {0}", ("(−1 / {0}²)",)),
    "relu6": Way("min(max({0}, 0), 6)", (cases(("{0} ≤ 0", "0"), ("{0} ≥ 6", "0"), ("", "1")),)),
    "rint": Way("round({0})", ("0",), of_slopes=_FLAT),
    "sigmoid": Way("1 / (1 + exp(−{0}))", ("{y} · (1 − {y})",)),
    "sign": Way("sign({0})", ("0",), of_slopes=_FLAT),
    "silu": Way("{0} · σ({0})", ("σ({0}) · (1 + {0} · (1 − σ({0})))",)),
    "sin": Way("sin({0})", ("cos({0})",)),
    "sinc": Way(
        cases(("{0} = 0", "1"), ("", "sin(π · {0}) / (π · {0})")),
        (cases(("{0} = 0", "0"), ("", "(cos(π · {0}) − {y}) / {0}")),),
    ),
    "sinh": Way("sinh({0})", ("cosh({0})",)),
    "softplus": Way("ln(1 + exp({0}))", ("σ({0})",)),
    "softsign": Way("{0} / (1 + |{0}|)", ("1 / (1 + |{0}|)²",)),
    "sqrt": Way("√{0}", ("1 / (2 · {y})",)),
    "square": Way("{0}²", ("2 · {0}",)),
    "subtract": Way("{0} − {1}", ("1", "(−1)")),
    "tan": Way("tan({0})", ("(1 + {y}²)",)),
    "tanh": Way("tanh({0})", ("(1 − {y}²)",)),
    "to_device": _SAME,
    "trunc": Way("trunc({0})", ("0",), of_slopes=_FLAT),
    "where": Way(
        cases(
            ("{0} ≠ 0", "{1}", "the condition holds here"),
            ("{0} = 0", "{2}", "the condition does not hold here"),
        ),
        (
            None,
            cases(("{0} ≠ 0", "1", "it was chosen"), ("{0} = 0", "0", "the other was chosen")),
            cases(("{0} = 0", "1", "it was chosen"), ("{0} ≠ 0", "0", "the other was chosen")),
        ),
    ),
}
"""Of the ops that have no parameters, or whose parameters do not matter."""


# --- ops with parameters --------------------------------------------------------------------------


def _relu(negative_slope: float, max_value: float | None, threshold: float) -> Way:
    if negative_slope == 0 and max_value is None and threshold == 0:
        return Way("max({0}, 0)", (cases(("{0} > 0", "1"), ("{0} ≤ 0", "0")),))
    slope, start = (
        text_of(negative_slope),
        text_of(threshold).strip("()"),
    )  # a condition has no brackets
    below = f"{slope} · ({{0}} − {text_of(threshold)})" if threshold else f"{slope} · {{0}}"
    if negative_slope == 0:
        below = "0"
    if max_value is None:
        return Way(
            cases((f"{{0}} ≤ {start}", below), ("", "{0}")),
            (cases((f"{{0}} ≤ {start}", slope), ("", "1")),),
        )
    highest = text_of(max_value)
    return Way(
        cases((f"{{0}} ≤ {start}", below), ("", f"min(max({{0}}, 0), {highest})")),
        (
            cases(
                (f"{{0}} ≤ {start}", slope),
                ("{0} < 0", "0"),
                (f"{{0}} > {highest.strip('()')}", "0"),
                ("", "1"),
            ),
        ),
    )


def _exponential(scale: float, alpha: float, inner: float = 1) -> Way:
    """The elus: scale · x above 0, scale · alpha · (exp(x / inner) − 1) below."""
    argument = "{0}" if inner == 1 else f"{{0}} / {text_of(inner)}"
    above = "{0}" if scale == 1 else f"{text_of(scale)} · {{0}}"
    steepness = text_of(scale * alpha / inner)
    return Way(
        cases(("{0} > 0", above), ("{0} ≤ 0", f"{text_of(scale * alpha)} · (exp({argument}) − 1)")),
        (cases(("{0} > 0", text_of(scale)), ("{0} ≤ 0", f"{steepness} · exp({argument})")),),
    )


def _leaky_relu(negative_slope: float) -> Way:
    slope = text_of(negative_slope)
    return Way(
        cases(("{0} > 0", "{0}"), ("{0} ≤ 0", f"{slope} · {{0}}")),
        (cases(("{0} > 0", "1"), ("{0} ≤ 0", slope)),),
    )


def _gelu(approximate: bool) -> Way:
    if not approximate:
        return Way(
            "{0} · Φ({0})", ("(Φ({0}) + {0} · φ({0}))",), _NORMAL, f"{_NORMAL}, φ its density there"
        )
    slope, cubic = text_of(TANH_GELU_SLOPE), text_of(TANH_GELU_CUBIC)
    inner = f"{slope} · (1 + {text_of(3 * TANH_GELU_CUBIC)} · {{0}}²)"
    return Way(
        f"{{0}} · σ({slope} · ({{0}} + {cubic} · {{0}} ^ 3))",
        (
            cases(
                ("{0} = 0", "0.5"), ("", f"({{y}} / {{0}} + {{y}} · (1 − {{y}} / {{0}}) · {inner})")
            ),
        ),
        of_slopes="y / a is σ(…)",
    )


def _clamp(low: bool, high: bool) -> Way:
    """With the bounds that there are."""
    text = "max({0}, {1})" if low else "{0}"
    of_array, of_low, of_high = [], [], []
    if low:
        of_array.append(("{0} < {1}", "0"))
        of_low.append(("{0} ≥ {1}", "0"))
    if high:
        text = f"min({text}, {{2}})"
        of_array.append(("{0} > {2}", "0"))
        of_high.append(("{0} > {2}", "1"))
    if low and high:
        of_low.append(("{1} ≥ {2}", "0"))
        of_high.append(("{1} > {2}", "1"))
    return Way(
        text, (cases(*of_array, ("", "1")), cases(*of_low, ("", "1")), cases(*of_high, ("", "0")))
    )


def _kept(mask: str, rate: float) -> Way:
    """Dropout: what is kept is made larger, so that the sum is about the same."""
    slope = "0" if rate == 1 else f"{mask} / (1 − {text_of(rate)})"
    words = "1 was kept, 0 was dropped"
    return Way(f"{{0}} · {slope}", (slope,), words, words)


def _nan_to_num(params: Mapping[str, Any], largest: float) -> Way:
    nan, posinf, neginf = (params[name] for name in ("nan", "posinf", "neginf"))
    highest, lowest = largest if posinf is None else posinf, -largest if neginf is None else neginf
    odd = [("{0} ≠ {0}", nan), ("{0} = ∞", highest), ("{0} = −∞", lowest)]
    return Way(
        cases(*((condition, text_of(number)) for condition, number in odd), ("", "{0}")),
        (cases(*((condition, "0") for condition, _ in odd), ("", "1")),),
    )


WITH_PARAMETERS: dict[str, Callable[[Mapping[str, Any]], Way]] = {
    "celu": lambda p: _exponential(1, p["alpha"], p["alpha"]),
    "dropout": lambda p: _kept("{1}", p["rate"]),
    "elu": lambda p: _exponential(1, p["alpha"]),
    "gelu": lambda p: _gelu(p["approximate"]),
    "leaky_relu": lambda p: _leaky_relu(p["negative_slope"]),
    "relu": lambda p: _relu(p["negative_slope"], p["max_value"], p["threshold"]),
    "round": lambda p: Way(f"round({{0}}, {p['decimals']})", ("0",), of_slopes=_FLAT),
    "seeded_dropout": lambda p: _kept("{kept}", p["rate"]),
    "selu": lambda p: _exponential(SELU_SCALE, SELU_ALPHA),
}


def way_of(name: str, params: Mapping[str, Any]) -> Way:
    """How the elementwise op of this name computes, with these parameters."""
    return WAYS[name] if name in WAYS else WITH_PARAMETERS[name](params)


def _way(entry: Entry) -> Way:
    node = op_of(entry)
    if node.op.name == "clamp":
        return _clamp(*(argument is not None for argument in arguments(entry)[1:]))
    if node.op.name == "nan_to_num":
        return _nan_to_num(node.params, float(np.finfo(entry.value.dtype).max))
    return way_of(node.op.name, node.params)


def elementwise(entry: Entry) -> Form:
    """The form of an elementwise op."""
    way, arrays, result = _way(entry), arguments(entry), entry.value.shape
    letters = LETTERS[: len(result)]
    axes = {"y": letters, "g": letters}
    backward = {}
    for edge in entry.inputs:
        place = edge.argument
        own = broadcast_axes(np.shape(arrays[place]), result, letters)
        axes[str(place)] = own
        if edge.contribution is not None:
            free = "".join(letter for letter in letters if letter not in own)
            slope = way.slopes[place]
            backward[place] = Expression(
                total(free, "{g} · ", "0" if slope is None else slope),
                note=_note(way, entry.value.size // max(1, np.size(arrays[place]))),
            )
    known = {}
    if op_of(entry).op.name == "seeded_dropout":
        axes["kept"] = letters
        known["kept"] = Known("kept or dropped", _mask(entry))
    return Form(axes, Expression((way.text,), note=way.note), backward, known)


def _note(way: Way, times: int) -> str:
    words = "the gradient that arrived · the slope here"
    if times > 1:
        words += f", summed over the {times} places that it was broadcast to"
    return f"{words}; {way.of_slopes}" if way.of_slopes else words


def _mask(entry: Entry) -> Any:
    params = op_of(entry).params
    return kernels.dropout_mask(entry.value.shape, params["rate"], params["seed"], params["offset"])


FORMS: dict[str, Callable[[Entry], Form]] = dict.fromkeys(
    (*WAYS, *WITH_PARAMETERS, "clamp", "nan_to_num"), elementwise
)
