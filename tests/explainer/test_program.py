"""The generated program runs as it is, on NumPy alone, and gives the engine's gradients."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
import nnscratch.ops  # declares every op
from nnscratch.autograd import OPS, Op, SampleSource
from nnscratch.autograd.trees import leaves, rebuild
from nnscratch.explainer.plain_numpy import OPERATORS, SIGNS, Text, expression
from nnscratch.explainer.program import write_program
from nnscratch.explainer.recording import record_tape

TOLERANCE = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-12}


def run(program: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(program, "program.py", "exec"), names)
    return names


def assert_same_gradients(loss: Any, named: dict[str, ns.Tensor]) -> str:
    """The program of a loss gives its value and these tensors' gradients; gives the program."""
    program = write_program(record_tape(loss, {id(tensor): n for n, tensor in named.items()}))
    assert "nnscratch" not in program.partition('"""')[2].partition('"""')[2]
    names = run(program)
    loss.backward()
    expected = [(loss.numpy(), names["loss"])]
    for name, tensor in named.items():
        if tensor.grad is not None:
            expected.append((tensor.grad.numpy(), names["gradients"][name]))
    for ours, theirs in expected:
        tolerance = TOLERANCE[ours.dtype] * max(1.0, float(np.abs(ours).max(initial=0)))
        assert np.shape(theirs) == ours.shape
        assert theirs.dtype == ours.dtype
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=tolerance)
    return program


def leaf(*shape: int, dtype: Any = np.float64, seed: int = 0) -> ns.Tensor:
    values = np.random.default_rng(seed).normal(size=shape).astype(dtype)
    return ns.Tensor(values, requires_grad=True)


def test_the_program_reads_like_the_formulas():
    a = ns.Tensor(3.0, requires_grad=True)
    b = a + a
    c = b * b
    program = ns.backward_source(c)
    assert run(program)["gradients"]["a"] == 24
    function = program.partition("def forward_and_backward")[2].partition("\n\n\n")[0]
    lines = [line.partition("  #")[0].strip() for line in function.splitlines()]
    for line in ("b = a + a", "loss = b * b", "d_b = d_loss * b", "d_b = d_b + d_loss * b"):
        assert line in lines
    assert "d_a = d_a + d_b" in lines
    assert lines[-1] == 'return loss, {"a": d_a}'


def test_it_runs_alone_in_a_new_python(tmp_path):
    w = leaf(40, 30, dtype=np.float32)
    x = np.random.default_rng(1).normal(size=(8, 40)).astype(np.float32)
    program = tmp_path / "program.py"
    program.write_text(ns.backward_source(np.mean(np.square(x @ w))), encoding="utf-8")
    only_numpy = "import sys; sys.modules['nnscratch'] = None; import runpy; runpy.run_path({!r})"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", only_numpy.format(str(program))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "gradient of w (40, 30) norm" in done.stdout


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_broadcasting_and_forks(dtype):
    w, b, scale = leaf(3, 2, dtype=dtype), leaf(2, dtype=dtype, seed=1), leaf(dtype=dtype, seed=2)
    x = np.random.default_rng(3).normal(size=(5, 3)).astype(dtype)
    h = np.tanh(x @ w + b)
    loss = np.mean(np.square(h * scale + h - b)) + 0.5 * np.sum(w * w)
    assert_same_gradients(loss, {"w": w, "b": b, "scale": scale})


LOSSES = {
    "MeanSquaredError": (None, "random"),
    "MeanAbsoluteError": (None, "random"),
    "Huber": (None, "random"),
    "LogCosh": (None, "random"),
    "BinaryCrossentropy": ("sigmoid", "binary"),
    "BinaryFocalCrossentropy": ("sigmoid", "binary"),
    "CategoricalCrossentropy": ("softmax", "one-hot"),
    "CategoricalFocalCrossentropy": ("softmax", "one-hot"),
    "SparseCategoricalCrossentropy": ("softmax", "labels"),
    "KLDivergence": ("softmax", "one-hot"),
    "Poisson": ("softplus", "binary"),
    "Hinge": ("tanh", "binary"),
    "CosineSimilarity": (None, "random"),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_network_with_each_loss(name, dtype):
    activation, kind = LOSSES[name]
    random = np.random.default_rng(0)
    target = {
        "random": random.normal(size=(6, 3)),
        "binary": random.integers(2, size=(6, 3)).astype(float),
        "one-hot": np.eye(3)[random.integers(3, size=6)],
        "labels": random.integers(3, size=6),
    }[kind]
    model = ns.Sequential(
        [
            ns.layers.Dense(7, "relu", input_shape=(4,), name="first", dtype=dtype),
            ns.layers.Dense(5, "gelu", name="second", dtype=dtype),
            ns.layers.LayerNormalization(dtype=dtype),
            ns.layers.Dropout(0.25, dtype=dtype),
            ns.layers.Dense(3, activation, name="last", dtype=dtype),
        ]
    )
    loss = getattr(ns.losses, name)()(target, model(random.normal(size=(6, 4)), training=True))
    first, second, _, _, last = model.layers
    named = {
        f"{layer.name}_{weight.name}": weight
        for layer in (first, second, last)
        for weight in layer.weights
    }
    assert_same_gradients(loss, named)


ACTIVATIONS = (
    *("elu", "gelu", "hard_sigmoid", "hard_silu", "leaky_relu", "mish", "relu", "relu6", "selu"),
    *("sigmoid", "silu", "softmax", "softplus", "softsign", "sparsemax", "tanh"),
)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_network_with_each_activation(activation):
    random = np.random.default_rng(0)
    layer = ns.layers.Dense(6, activation, dtype="float64")
    loss = np.mean(np.square(layer(random.normal(size=(5, 4))) - random.normal(size=(5, 6))))
    assert_same_gradients(loss, {"kernel": layer.kernel, "bias": layer.bias})


def as_tensors(tree: Any, dtype: Any) -> Any:
    def convert(value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        is_float = value.dtype.kind == "f"
        return ns.Tensor(value.astype(dtype) if is_float else value, requires_grad=is_float)

    return rebuild(tree, iter([convert(value) for value in leaves(tree)]))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the samples at an op's edges
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", OPS.values(), ids=lambda op: op.name)
def test_every_op(op, dtype):
    """The sum of an op's results, for all of its samples."""
    for sample in op.samples(SampleSource()):
        args = as_tensors(sample.args, dtype)
        results = leaves(op(*args, **sample.params))
        outputs = [result for result in results if getattr(result, "requires_grad", False)]
        if not outputs:
            continue
        loss = np.sum(outputs[0])
        for output in outputs[1:]:
            loss = loss + np.sum(output * 0.5)
        recording = record_tape(loss)
        names = run(write_program(recording))
        loss.backward()
        inputs = [entry.tensor for entry in recording.leaves if entry.gradient is not None]
        wanted = {id(value) for value in leaves(args) if getattr(value, "grad", None) is not None}
        assert {id(tensor) for tensor in inputs} == wanted
        pairs = [
            (t.grad.numpy(), g) for t, g in zip(inputs, names["gradients"].values(), strict=True)
        ]
        for ours, theirs in [(loss.numpy(), names["loss"]), *pairs]:
            assert np.shape(theirs) == ours.shape
            assert theirs.dtype == ours.dtype
            largest = float(np.abs(ours[np.isfinite(ours)]).max(initial=1))
            np.testing.assert_allclose(
                theirs, ours, rtol=0, atol=10 * TOLERANCE[ours.dtype] * largest
            )


def test_an_op_that_nobody_has_written_down_is_named():
    own = Op("my_own_op", lambda x: 2 * x, vjps=[lambda g, y, x: 2 * g], formula="2x", samples=None,
             torch=None, numpy=[])  # fmt: skip
    try:
        with pytest.raises(NotImplementedError, match="'my_own_op' cannot be written"):
            ns.backward_source(np.sum(own(leaf(3))))
    finally:
        del OPS["my_own_op"]


def test_the_program_computes_and_does_not_remember():
    """On other numbers it gives the gradients of those: nothing of the run is baked in."""
    random = np.random.default_rng(0)
    model = ns.Sequential(
        [
            ns.layers.Dense(5, "gelu", input_shape=(3,), dtype="float64"),
            ns.layers.Dense(2, "softmax", dtype="float64"),
        ]
    )
    first, second = model.layers
    x, target = ns.Tensor(random.normal(size=(4, 3))), np.eye(2)[[0, 1, 1, 0]]

    def loss() -> Any:
        return ns.losses.CategoricalCrossentropy()(target, model(x))

    function = run(ns.backward_source(loss()))["forward_and_backward"]
    for weight in model.weights:
        weight.assign(random.normal(size=weight.shape))
    x.data[...] = random.normal(size=x.shape)
    values = [first.kernel, first.bias, second.kernel, second.bias]
    result, gradients = function(x.numpy(), *(w.numpy() for w in values), target)
    again = loss()
    again.backward()
    np.testing.assert_allclose(result, again.item(), rtol=1e-12)
    for weight, gradient in zip(values, gradients.values(), strict=True):
        np.testing.assert_allclose(gradient, weight.grad.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("inner", [*OPERATORS, *SIGNS])
@pytest.mark.parametrize("outer", OPERATORS)
def test_parentheses_stand_where_python_needs_them(outer, inner):
    """Each operator inside each other one, on either side, against NumPy's functions."""
    a, b, c = np.array([3, 5, 2]), np.array([2, 3, 1]), np.array([2, 1, 3])
    functions = {name: getattr(np, name if name != "mod" else "remainder") for name in OPERATORS}
    functions |= {name: getattr(np, name) for name in SIGNS}

    def text(name: str, *operands: Text) -> Text:
        return expression(OPS[name], operands, {}, repr)

    names = {"a": a, "b": b, "c": c}
    texts = {name: Text(name) for name in names}
    small = ["a"] if inner in SIGNS else ["a", "b"]
    part = functions[inner](*(names[name] for name in small))
    part_text = text(inner, *(texts[name] for name in small))
    with np.errstate(all="ignore"):
        for left, right in ((part, c), (c, part)):
            try:
                expected = functions[outer](left, right)
            except (TypeError, ValueError):  # NumPy has no such thing for these dtypes
                continue
            order = (part_text, texts["c"]) if left is part else (texts["c"], part_text)
            found = eval(text(outer, *order).code, names)
            np.testing.assert_array_equal(found, expected)


HOSTILE = [
    "'''\nraise SystemExit\n'''",
    '"""',
    "import",
    "np",
    "d_x",
    "loss",
    "a b",
    "1st",
    "π",
    "",
    "\u2028",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_cannot_become_code(name):
    layer = ns.layers.Dense(2, name=name or "x", dtype="float64")
    layer(np.ones((1, 3)))
    for weight in layer.weights:
        weight.name = name
    loss = np.mean(np.square(layer(np.ones((4, 3)))))
    names = run(ns.backward_source(loss))
    loss.backward()
    kernel, bias = names["gradients"].values()
    np.testing.assert_allclose(kernel, layer.kernel.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(bias, layer.bias.grad.numpy(), rtol=1e-12)


def test_the_name_of_a_file_cannot_become_code():
    names: dict[str, Any] = {"ns": ns, "np": np}
    source = "loss = np.exp(ns.Tensor(1.0, requires_grad=True) * 2)"
    exec(compile(source, "a\nraise SystemExit\n.py", "exec"), names)
    assert "gradients" in run(ns.backward_source(names["loss"]))


def test_a_gradient_that_goes_to_several_is_computed_once():
    """The rule of this op gives the same array to both arguments, one of which is used again."""
    own = Op("my_own_op", np.add, vjps=[lambda wanted, g, y, a, b: (t := np.exp(g * y), t)],
             arity=2, joint=True, formula="a + b", samples=None, torch=None,
             numpy=[])  # fmt: skip
    a, b = leaf(3), leaf(3, seed=1)
    OPS["my_own_op"].numpy = (np.add,)
    try:
        program = assert_same_gradients(np.sum(own(a, b) * 0.1 + a), {"a": a, "b": b})
        twice = assert_same_gradients(np.sum(own(a, a) * 0.1), {"a": leaf(0)})
    finally:
        del OPS["my_own_op"]
    assert program.count("np.exp(") == 1
    assert twice.count("np.exp(") == 1


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("size", [3, 50, 500])
def test_data_come_back_to_the_last_bit(size, dtype):
    values = np.random.default_rng(0).normal(size=size).astype(dtype)
    values[:3] = np.nan, np.inf, -0.0
    x = ns.Tensor(values, requires_grad=True)
    names = run(ns.backward_source(np.sum(x * 1)))
    assert names["x"].tobytes() == values.tobytes()
    assert names["x"].dtype == dtype


def test_integers_and_booleans_come_back():
    table = leaf(7, 2)
    indices = np.array([0, 6, 6, 3])
    mask = np.array([[True, False], [False, True], [True, True], [False, False]])
    loss = np.sum(np.where(mask, ns.ops.embedding(table, indices), 0.5))
    program = assert_same_gradients(loss, {"table": table})
    assert "np.array([0, 6, 6, 3])" in program
    assert "np.array([[True, False]" in program


def test_data_may_be_left_away():
    w = leaf(100, 3)
    program = write_program(record_tape(np.sum(np.exp(w))), most_numbers=299)
    assert "too many to stand here" in program
    assert "float64 of shape (100, 3)" in program
    assert "forward_and_backward" in run(program)
    assert "loss, gradients" in write_program(record_tape(np.sum(np.exp(w))), most_numbers=300)


def test_lines_stay_readable():
    random = np.random.default_rng(0)
    model = ns.Sequential(
        [ns.layers.Dense(9, "gelu"), ns.layers.BatchNormalization(), ns.layers.Dense(3, "softmax")]
    )
    target = np.eye(3)[random.integers(3, size=8)]
    loss = ns.losses.CategoricalCrossentropy()(
        target, model(random.normal(size=(8, 5)), training=True)
    )
    assert max(map(len, ns.backward_source(loss).splitlines())) <= 110


def test_where_lines_come_from():
    layer = ns.layers.Dense(2, name="head")
    program = ns.backward_source(layer(np.ones((3, 4))).sum())
    assert re.search(r"head = .* # layer 'head', test_program.py:\d+", program)
