"""The checkers know right answers from wrong, and have a hint for each typical mistake."""

from __future__ import annotations

import ast
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.lessons.answers import NotYetError
from tests.examples.lesson_programs import ALL, NAMES, RIGHT, answered, each_lesson, nnscratch


@each_lesson
def test_right_answers_are_right(lesson, tmp_path):
    answered(lesson, tmp_path, *RIGHT[lesson.name])
    done = nnscratch("check", str(lesson.number), folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.rstrip() for line in done.stdout.splitlines()] == [
        f"Lesson {lesson.number}, your {lesson.path.name}",
        "",
        "Exercise 1  right",
        "Exercise 2  right",
        "",
        "Both are right.",
    ]
    assert done.stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == [lesson.path.name]  # no page, no film


@pytest.fixture(scope="module")
def value() -> type:
    """The engine of the first lesson."""
    engine = ast.parse(ALL[0].path.read_text("utf-8")).body
    names: dict[str, Any] = {"np": np}
    (definition,) = (node for node in engine if isinstance(node, ast.ClassDef))
    exec(compile(ast.Module([definition], []), "engine", "exec"), names)
    return names["Value"]


def judged(name: str, exercise: int, answer: str, value: type) -> str:
    """The hint for an answer, empty if it is right."""
    names: dict[str, Any] = {"np": np, "ns": ns, "Value": value}
    if answer.strip().startswith("def "):
        exec(answer, names)
        given = names["answer_2"]
    else:
        given = eval(answer, names)
    check = getattr(import_module(f"nnscratch.lessons.exercises.{name}"), f"check_{exercise}")
    try:
        check(given, names)
    except NotYetError as hint:
        return str(hint)
    return ""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("exercise", [1, 2])
def test_an_answer_to_another_question_is_not_right_and_has_a_hint(name, exercise, value):
    others = {
        "'no idea'",
        "True",
        "[1, [2, 3]]",
        "object()",
        "{}",
        "lambda: 0",
        "print",
        "-7",
        "[]",
    }
    others |= {RIGHT[other][exercise - 1] for other in NAMES if other != name}
    if exercise == 2:
        others.discard(RIGHT[name][0])
    for answer in others:
        hint = judged(name, exercise, answer, value)
        assert hint.endswith((".", "?")) or "stopped with" in hint, (answer, hint)


@pytest.mark.parametrize(
    ("name", "exercise", "answer", "hint"),
    [
        ("one_neuron", 1, "0.786", "slope of tanh"),
        ("one_neuron", 1, "2", "The tanh after it has a slope too"),
        ("one_neuron", 1, "0.590", "with respect to w"),
        ("one_neuron", 1, "-1.573", "sign"),
        ("one_neuron", 1, "1.55", "Nearly"),
        ("one_neuron", 2, "lambda v: np.exp(v.data)", "should give a Value"),
        ("one_neuron", 2, "lambda v: Value(np.exp(v.data))", "among the parents"),
        ("one_neuron", 2, "lambda v: Value(np.exp(v.data), (v,), (1.0,))", "a slope of 1"),
        ("one_neuron", 2, "lambda v: Value(np.exp(v.data), (v,), (v.data,))", "the value itself"),
        ("one_neuron", 2, "lambda v: Value(v.data, (v,), (1.0,))", "The data of exp(0.7)"),
        ("one_neuron", 2, "lambda v: Value(np.exp(v), (v,), (np.exp(v),))", "value.data"),
        ("one_neuron", 2, "lambda v: Value(np.exp(v.data), (v), (1.0))", "with a comma"),
        ("one_neuron", 2, "lambda v: Value(np.exp(v.data), (v, v), (1.0,))", "got 1 for 2"),
        ("one_neuron", 2, "lambda v: Value(np.exp(v.data), (v,), (v.grad,))", "nowhere flat"),
        ("the_tape", 1, "27", "replaced the one before"),
        ("the_tape", 1, "19", "with respect to b"),
        ("the_tape", 1, "108", "used three times"),
        ("the_tape", 1, "60", "sends b two contributions"),
        ("the_tape", 1, "90", "c itself"),
        ("the_tape", 2, "lambda pairs: dict(pairs)", "They must be added"),
        ("the_tape", 2, "lambda pairs: [5.0, 1.0]", "should give a dictionary"),
        ("the_tape", 2, "lambda pairs: {'a': 5.0, 'b': 1.0}", "For [] it should give {}"),
        ("topological_order", 1, "2**30", "One too many"),
        ("topological_order", 1, "2**31 - 1", "a chain of 31"),
        ("topological_order", 1, "30", "In topological order it would be that many"),
        ("topological_order", 2, "'fdceb'", "c goes before e"),
        ("topological_order", 2, "'bcdef'", "b goes before c"),
        ("topological_order", 2, "'fedc'", "each of b, c, d, e, f once"),
        ("broadcasting", 1, "(0,)", "Not all"),
        ("broadcasting", 1, "-1", "Not all"),
        ("broadcasting", 1, "(1,)", "x was repeated"),
        ("broadcasting", 1, "(0, 1)", "Line the shapes up"),
        ("broadcasting", 1, "(0, 5)", "a tuple of axes"),
        ("broadcasting", 2, "lambda x, n, g: -g * x / n**2", "must be summed"),
        ("broadcasting", 2, "lambda x, n, g: (-g * x / n**2).sum(axis=1)", "keepdims=True"),
        ("broadcasting", 2, "lambda x, n, g: (g * x).sum(axis=0)", "sum over those, axis=1"),
        (
            "broadcasting",
            2,
            "lambda x, n, g: (g * x / n**2).sum(axis=1, keepdims=True)",
            "the sign is wrong",
        ),
        (
            "broadcasting",
            2,
            "lambda x, n, g: (g / n).sum(axis=1, keepdims=True)",
            "what x receives",
        ),
        ("matrix_product", 1, "[[1, 2], [1, 2]]", "exchanged"),
        ("matrix_product", 1, "[[7, 11]]", "gradient of x"),
        ("matrix_product", 1, "[1, 1, 2, 2]", "should have the shape (2, 2)"),
        ("matrix_product", 2, "lambda x, w, g: x.T @ g", "it is transposed"),
        ("matrix_product", 2, "lambda x, w, g: g @ w", "has the shape of x"),
        ("matrix_product", 2, "lambda x, w, g: x @ g", "The function stopped with ValueError"),
        ("matrix_product", 2, "lambda x, w, g: -g.T @ x", "The shape is right"),
        ("activations", 1, "0.25", "This is one layer"),
        ("activations", 1, "1.25", "not added"),
        ("activations", 1, "0.03125", "0.5 is the height"),
        ("activations", 1, "1", "So it is with tanh"),
        ("activations", 2, "lambda x, w, b: np.all(x @ w + b <= 0, axis=0)", "one number"),
        ("activations", 2, "lambda x, w, b: np.sum(np.any(x @ w + b <= 0, axis=0))", "every row"),
        ("activations", 2, "lambda x, w, b: np.sum(np.any(x @ w + b > 0, axis=0))", "are alive"),
        ("activations", 2, "lambda x, w, b: np.sum(np.all(x @ w + b < 0, axis=0))", "exactly 0"),
        ("activations", 2, "lambda x, w, b: np.sum(b < -10)", "x and w count as well"),
        ("softmax_cross_entropy", 1, "[0.67, 0.24, -0.91]", "more digits"),
        ("softmax_cross_entropy", 1, "[0.665, 0.245, 0.090]", "This is p."),
        ("softmax_cross_entropy", 1, "[-0.665, -0.245, 0.910]", "signs"),
        ("softmax_cross_entropy", 1, "[-0.335, 0.245, 0.090]", "It is the last"),
        (
            "softmax_cross_entropy",
            2,
            "lambda z, truth: -np.log(np.exp(z)[truth] / np.exp(z).sum())",
            "exp(1000) overflows",
        ),
        (
            "softmax_cross_entropy",
            2,
            "lambda z, truth: -np.log(np.exp(z - z.max())[truth] / np.exp(z - z.max()).sum())",
            "rounded to 0",
        ),
        (
            "softmax_cross_entropy",
            2,
            "lambda z, truth: -np.log(ns.ops.softmax(z)[truth] + 1e-12)",
            "nothing must be added to p",
        ),
        (
            "softmax_cross_entropy",
            2,
            "lambda z, truth: np.exp(z)[truth] / np.exp(z).sum()",
            "This is p of the truth",
        ),
        ("mean_loss", 1, "0.0003125", "other way round"),
        ("mean_loss", 1, "0.01", "32 times as short"),
        ("mean_loss", 1, "32", "What is the rate?"),
        ("mean_loss", 2, "lambda gradients, sizes: np.mean(gradients, axis=0)", "differ in size"),
        ("mean_loss", 2, "lambda gradients, sizes: sum(gradients)", "A sum of means"),
        (
            "mean_loss",
            2,
            "lambda gradients, sizes: sum(g * n for g, n in zip(gradients, sizes))",
            "gradient of the sum",
        ),
        ("optimizers", 1, "0.03", "the first step"),
        ("optimizers", 1, "0.057", "the second step"),
        ("optimizers", 1, "10", "Here it is 0.03"),
        ("optimizers", 1, "0.27", "The gradient pushes once more"),
        ("optimizers", 2, "(0.001, 0.632)", "`larger` is not 1"),
        ("optimizers", 2, "(0.001, 0.002)", "about as large as the gradient"),
        ("optimizers", 2, "(0.01, 0.2)", "learning rate times the gradient"),
        ("optimizers", 2, "(0.1, 0.2)", "this is the learning rate"),
        ("optimizers", 2, "(0.2, 0.001)", "the second one that of adam"),
        ("optimizers", 2, "0.001", "two numbers"),
        ("initialisation", 1, "0.5", "This is one layer"),
        ("initialisation", 1, "4", "not added"),
        (
            "initialisation",
            2,
            "lambda inputs, units, random: random.normal(size=(inputs, units))",
            "too large",
        ),
        (
            "initialisation",
            2,
            "lambda inputs, units, random: random.normal(size=(inputs, units)) / inputs ** 0.5",
            "Half of its units are off",
        ),
        (
            "initialisation",
            2,
            "lambda inputs, units, random: random.normal(size=(units, inputs)) / inputs ** 0.5",
            "should have the shape (50, 900)",
        ),
        (
            "initialisation",
            2,
            "lambda inputs, units, random: np.full((inputs, units), (2 / inputs) ** 0.5)",
            "stay alike",
        ),
        ("overfitting", 1, "3", "made larger"),
        ("overfitting", 1, "2.4", "The other way"),
        ("overfitting", 1, "15", "the share that is switched off"),
        ("overfitting", 1, "3.6", "0.8 times what"),
        ("overfitting", 2, "lambda losses, patience: np.argmin(losses) + 1", "are never run"),
        ("overfitting", 1, "0.6", "switched off on average"),
        ("overfitting", 2, "lambda losses, patience: np.argmin(losses)", "first epoch has"),
        ("overfitting", 2, "lambda losses, patience: losses.index(2.0)", "One too few"),
        ("fine_tuning", 1, "64", "a bias too"),
        ("fine_tuning", 1, "6306", "of all layers"),
        ("fine_tuning", 1, "6240", "do not change"),
        ("fine_tuning", 2, "lambda model, count: None", "nothing has changed"),
        (
            "fine_tuning",
            2,
            "lambda model, count: [setattr(m, 'trainable', False) for m in model.layers[:-count]]",
            "still frozen: thaw them",
        ),
        (
            "fine_tuning",
            2,
            "lambda model, count: [setattr(m, 'trainable', False) for m in model.layers[-count:]]",
            "the wrong way round",
        ),
        (
            "fine_tuning",
            2,
            "lambda model, count: [setattr(m, 'trainable', i > 0)"
            " for i, m in enumerate(model.layers)]",
            "model.layers[1] should be frozen",
        ),
    ],
)
def test_a_typical_mistake_gets_a_hint_of_its_own(name, exercise, answer, hint, value):
    assert hint in judged(name, exercise, answer, value)


@pytest.mark.parametrize("name", NAMES)
def test_answers_given_otherwise_are_right_too(name, value):
    more = {
        "one_neuron": [(1, "1.573"), (1, "np.float64(1.5729)"), (1, "ns.Tensor(1.5729)")],
        "topological_order": [(2, "['f', 'e', 'd', 'c', 'b']"), (2, "'F, D, E, C, B'")],
        "broadcasting": [(1, "{0, 2}"), (1, "[0, -1]")],
        "matrix_product": [(1, "np.array([[1.0, 1.0], [2.0, 2.0]])")],
        "optimizers": [(1, "-0.3"), (2, "[-0.001, -0.19994]")],
        "fine_tuning": [(1, "66.0")],
    }
    for exercise, answer in [*enumerate(RIGHT[name], start=1), *more.get(name, [])]:
        assert judged(name, exercise, answer, value) == "", answer
