"""Every lesson runs and shows what it claims, and its checkers know right answers from wrong."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import sysconfig
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import nnscratch as ns
from nnscratch.lessons import Lesson, lessons
from nnscratch.lessons.answers import NotYetError
from nnscratch.lessons.check import LessonStoppedError, verdicts
from nnscratch_kernels.numba_kernels.compilation import COMPILING

FOLDER = Path(__file__).parents[2] / "examples" / "lessons"
COMMAND = Path(sysconfig.get_path("scripts")) / "nnscratch"
NAMES = [
    "one_neuron",
    "the_tape",
    "topological_order",
    "broadcasting",
    "matrix_product",
    "activations",
    "softmax_cross_entropy",
    "mean_loss",
    "optimizers",
    "initialisation",
    "overfitting",
    "fine_tuning",
]
ALL = [Lesson(i, FOLDER / f"{i:02}_{name}.py") for i, name in enumerate(NAMES, start=1)]
each_lesson = pytest.mark.parametrize("lesson", ALL, ids=NAMES)


def nnscratch(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the command prints and exits with, on a terminal of 80 columns."""
    return subprocess.run(
        [str(COMMAND), *arguments],
        cwd=folder,
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


# --- the programs -----------------------------------------------------------------------------


def test_these_are_all_lessons():
    assert lessons() == ALL
    assert sorted(path.name for path in FOLDER.iterdir() if path.suffix == ".py") == [
        lesson.path.name for lesson in ALL
    ]


@each_lesson
def test_a_lesson_is_short_and_ends_with_two_open_exercises(lesson):
    text = lesson.path.read_text("utf-8")
    assert text.count("\n") < 100
    assert len(lesson.says) <= 51, "one line of `nnscratch lessons` on 80 columns"
    assert lesson.says.endswith(".")
    *_, first, second = ast.parse(text).body
    for number, node in enumerate((first, second), start=1):
        assert ast.unparse(node) == f"answer_{number} = None"
        comment = text.splitlines()[: node.lineno - 1]
        while not comment[-1].startswith(f"# Exercise {number}. "):
            assert comment.pop().startswith("# ")


class Printed:
    """What a lesson prints, by line."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __contains__(self, part: str) -> bool:
        return part in self.text

    def numbers(self, label: str) -> list[float]:
        """The numbers on the only line that starts with a label and then a number."""
        line = rf"^ *{re.escape(label)}( +(?:\(.*?\) +)?-?\d.*)$"
        found = re.findall(line, self.text, flags=re.MULTILINE)
        assert len(found) == 1, f"{label!r} in {self.text}"
        cells = re.sub(r"\([^()]*\)", "", found[0]).replace(",", "").replace("%", "").split()
        return [float(cell) for cell in cells if re.fullmatch(r"-?[\d.]+(e[-+]\d+)?|nan", cell)]


def one_neuron(printed: Printed) -> None:
    turned, ours, theirs = map(printed.numbers, ("turned a little", "our engine", "nnscratch"))
    assert ours == theirs
    assert turned == pytest.approx(ours, abs=2e-4)
    steps = [printed.numbers(str(step)) for step in (0, 25, 50, 75, 100)]
    assert all(ours == theirs for ours, theirs in steps)
    assert steps[0][0] > 6 > 0.03 > steps[-1][0]


def the_tape(printed: Printed) -> None:
    assert "node 2 is add: b and b make 12" in printed
    assert printed.text.count("b sends 2 to a, which has 4 now") == 1
    assert printed.text.count("b sends 1 to a, which has 1 now") == 2
    assert "added 4, replaced 1, nnscratch 4: when a grows by 0.001, c grows by 0.004." in printed
    assert printed.numbers("emptied") == pytest.approx(
        [5 - 5 * 0.6**k for k in range(1, 11)], abs=0.051
    )
    assert max(abs(w - 5) for w in printed.numbers("not emptied")[-3:]) > 3


def topological_order(printed: Printed) -> None:
    assert "depth_first: gradient of a   8, visiting d, b, c\n" in printed
    assert "along_every_path: gradient of a  16, visiting d, b, c, b\n" in printed
    assert "topological: gradient of a  16, visiting d, c, b\n" in printed
    assert "nnscratch: gradient of a  16" in printed
    for nodes in (1, 2, 4, 8, 16):
        assert printed.numbers(str(nodes)) == [2**nodes - 1, nodes]


def broadcasting(printed: Printed) -> None:
    assert printed.numbers("sum of x * g") == printed.numbers("w.grad")
    assert printed.numbers("sum of g") == printed.numbers("b.grad")
    assert "b has the shape (4,), but b - 0.05 * g has (150, 4): 600 numbers!" in printed
    right = [float(share) for share in re.findall(r"\(cm\): +(\d+)% right", printed.text)]
    assert len(right) == 4
    assert right[3] >= 99 > 90 > min(right) > 75
    assert printed.text.count("the same as nnscratch") == 6
    assert "(150, 1): axes (1,) " in printed


def matrix_product(printed: Printed) -> None:
    (x_gradient,) = {tuple(printed.numbers(name)) for name in ("g @ w.T", "x.grad")}
    (w_gradient,) = {tuple(printed.numbers(name)) for name in ("x.T @ g", "w.grad")}
    assert len(x_gradient) == len(w_gradient) == 4
    (apart,) = re.findall(r"differ by (\S+) at most", printed.text)
    assert float(apart) < 1e-12
    losses, right = zip(*(printed.numbers(str(k)) for k in range(0, 501, 100)), strict=True)
    assert sorted(losses, reverse=True) == list(losses)
    assert right[-1] > 80 > right[0]


def activations(printed: Printed) -> None:
    number = r" +([\d.e-]+)"
    slopes = {
        name: re.search(rf"^ *{name}{number * 7}$", printed.text, flags=re.MULTILINE).groups()
        for name in ("sigmoid", "tanh", "relu", "leaky relu")
    }
    z = np.array([-20.0, -8.0, -2.0, 0.0, 2.0, 8.0, 20.0])
    for name, function in (("sigmoid", ns.ops.sigmoid), ("relu", ns.ops.relu), ("tanh", np.tanh)):
        shown = [float(slope) for slope in slopes[name]]
        np.testing.assert_allclose(shown, ns.elementwise_grad(function)(z), rtol=0.05)
    trained = {
        name: [float(cell.rstrip("%")) for cell in cells]
        for name, *cells in re.findall(
            r"^ *(sigmoid|tanh|relu|leaky relu) +(\S+) +(\S+%) +(\S+) +(\S+%)$",
            printed.text,
            flags=re.MULTILINE,
        )
    }
    assert trained["relu"][2] == 0
    assert trained["tanh"][2] < trained["sigmoid"][2] < 0.01 < trained["leaky relu"][2]
    assert max(trained[name][3] for name in ("relu", "tanh", "sigmoid")) < 70
    assert min(trained["leaky relu"][3], trained["relu"][1], trained["tanh"][1]) > 92
    (straight,) = re.findall(r"^ *no bend +\S+ +(\d+)%$", printed.text, flags=re.MULTILINE)
    assert 80 <= int(straight) <= 90


def softmax_cross_entropy(printed: Printed) -> None:
    p, y, difference, gradient = map(printed.numbers, ("p", "y", "p - y", "z.grad"))
    assert difference == gradient
    assert gradient == pytest.approx(np.subtract(p, y), abs=0.0011)
    assert y.count(1) == 1
    sure, flat = map(printed.numbers, ("cross-entropy", "squared error of p"))
    assert sorted(sure) == sure
    assert sure[-1] == pytest.approx(1, abs=1e-3)
    assert flat[-1] < 0.001
    assert printed.numbers("300")[1] > 95


def mean_loss(printed: Printed) -> None:
    sizes = (1, 4, 16, 64, 256, 1024)
    sums, means = zip(*(printed.numbers(str(size)) for size in sizes), strict=True)
    far = [float(part) for part in re.findall(r"\((\d+\.\d+)\)", printed.text)]
    assert sums[-1] / sums[0] > 100
    np.testing.assert_allclose(np.divide(sums, sizes), means, atol=0.006)
    np.testing.assert_allclose(np.divide(far, far[0]), 1 / np.sqrt(sizes), rtol=0.2)
    large_sum, large_mean = (printed.numbers(f"the {name}, batch  512") for name in ("sum", "mean"))
    assert np.argmin(large_sum) == 1
    assert np.argmin(large_mean) == 3
    assert large_sum[3] > 100 > 1 > large_mean[3]


def optimizers(printed: Printed) -> None:
    rules = {name: printed.numbers(name) for name in ("sgd", "momentum", "rmsprop", "adam")}
    for *heights, apart in rules.values():
        assert len(heights) == 5
        assert heights[0] == pytest.approx(4.7604, abs=1e-4)
        assert apart < 1e-4
    assert rules["sgd"][4] > 0.1 > 0.05 > max(rules[name][4] for name in ("momentum", "adam"))


def initialisation(printed: Printed) -> None:
    zero, alike, small, right, large = (
        printed.numbers(f"{name}")
        for name in ("all 0", "all 0.02", "random 0.05", "random 0.177", "random 0.5")
    )
    assert zero[-1] == alike[-1] == 1
    assert small[-1] == right[-1] == large[-1] == 64
    assert max(zero[:3]) == max(zero[4:6]) == 0
    assert small[5] < 1e-5 * small[3]
    assert 0.1 * right[3] < right[5] < 10 * right[3]
    assert large[5] > 100 * large[3]
    assert right[7] > 85 > 30 > max(zero[7], alike[7], small[7], large[7])


def overfitting(printed: Printed) -> None:
    in_training = printed.numbers("dropout of 0.25 in training")
    assert set(in_training) == {0.0, 1.33}
    assert set(printed.numbers("dropout of 0.25 afterwards")) == {1.0}
    plain, stopped, dropout, both = (
        printed.numbers(name)
        for name in (
            "no dropout",
            "no dropout, stopped early",
            "dropout",
            "dropout, stopped early",
        )
    )
    assert plain[5] > 1.4 * min(plain[:6])
    assert plain[-2] > 99 > plain[-1] + 15
    assert min(stopped[-1], dropout[-1], both[-1]) > plain[-1] + 3


def fine_tuning(printed: Printed) -> None:
    moved = re.findall(r"^(first|middle|last) +(yes|no) +(\S+) +(\S+)$", printed.text, flags=re.M)
    assert [row[:2] for row in moved] == [("first", "yes"), ("middle", "no"), ("last", "yes")]
    assert moved[1][2:] == ("none", "0.0000")
    assert min(float(cell) for row in moved[::2] for cell in row[2:]) > 0
    (from_zero,), (new_head,), (tuned,) = map(
        printed.numbers, ("from zero", "new head", "fine-tuned")
    )
    assert from_zero < new_head < tuned
    assert tuned > from_zero + 2


@each_lesson
def test_it_shows_what_it_claims_and_writes_its_page(lesson, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(lesson.path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.replace(f"{COMPILING}\n", "", 1) == ""
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert not re.search(r" $", done.stdout, flags=re.MULTILINE)
    globals()[lesson.name](Printed(done.stdout))
    page = tmp_path / f"{lesson.path.stem}.html"
    assert page.name in done.stdout
    text = page.read_text("utf-8")
    assert f"<title>Lesson {lesson.number}: " in text
    films = list(tmp_path.glob("*.gif"))
    assert set(tmp_path.iterdir()) == {page, *films}
    assert [film.name for film in films] == ["09_optimizers.gif"] * (lesson.number == 9)
    for film in films:
        assert_it_moves(film)


def assert_it_moves(path: Path) -> None:
    """The film shows the race, and nothing but the racers moves."""
    with Image.open(path) as film:
        assert film.n_frames > 40
        assert film.info["loop"] == 0  # for ever
        frames = []
        for place in (0, film.n_frames // 2, film.n_frames - 1):
            film.seek(place)
            frames.append(np.asarray(film.convert("RGB"), dtype=float))
    assert frames[0].shape == (400, 700, 3)
    for one, other in pairwise(frames):
        changed = np.abs(one - other).max(axis=-1) > 60
        assert 0.001 < changed.mean() < 0.2  # the paths and the clock, not the valley
    assert path.stat().st_size < 1_000_000


# --- the answers ------------------------------------------------------------------------------

RIGHT = {
    "one_neuron": ("1.57", "lambda v: Value(np.exp(v.data), (v,), (np.exp(v.data),))"),
    "the_tape": (
        "114",
        "lambda pairs: {n: sum(c for m, c in pairs if m == n) for n, _ in pairs}",
    ),
    "topological_order": ("2**30 - 1", "'fedcb'"),
    "broadcasting": ("(0, 2)", "lambda x, n, g: (-g * x / n**2).sum(axis=1, keepdims=True)"),
    "matrix_product": ("[[1, 1], [2, 2]]", "lambda x, w, g: g.T @ x"),
    "activations": (
        "0.000977",
        "lambda x, w, b: np.sum(np.all(x @ w + b <= 0, axis=0))",
    ),
    "softmax_cross_entropy": (
        "[0.665, 0.245, -0.910]",
        "lambda z, truth: np.log(np.sum(np.exp(z - z.max()))) - (z - z.max())[truth]",
    ),
    "mean_loss": (
        "0.32",
        "lambda gradients, sizes: sum(g * n for g, n in zip(gradients, sizes)) / sum(sizes)",
    ),
    "optimizers": ("0.3", "(0.001, 0.2)"),
    "initialisation": (
        "0.00391",
        "lambda inputs, units, random: random.normal(size=(inputs, units)) * (2 / inputs) ** 0.5",
    ),
    "overfitting": (
        "3.75",
        """
def answer_2(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        elif epoch - best >= patience:
            break
    return best + 1
""",
    ),
    "fine_tuning": (
        "66",
        """
def answer_2(model, count):
    for layer in model.layers:
        layer.trainable = False
    for layer in model.layers[-count:]:
        layer.trainable = True
""",
    ),
}


def answered(lesson: Lesson, folder: Path, *answers: str) -> Path:
    """A copy of a lesson with answers in the place of None: expressions or definitions."""
    text = lesson.path.read_text("utf-8")
    for number, answer in enumerate(answers, start=1):
        is_definition = answer.strip().startswith("def ")
        line = answer if is_definition else f"answer_{number} = {answer}"
        assert text.count(f"answer_{number} = None\n") == 1
        text = text.replace(f"answer_{number} = None\n", f"{line}\n")
    path = folder / lesson.path.name
    path.write_text(text, "utf-8")
    return path


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
        ("the_tape", 1, "27", "replaced the one before"),
        ("the_tape", 1, "19", "with respect to b"),
        ("the_tape", 1, "108", "used three times"),
        ("the_tape", 1, "90", "c itself"),
        ("the_tape", 2, "lambda pairs: dict(pairs)", "They must be added"),
        ("the_tape", 2, "lambda pairs: [5.0, 1.0]", "should give a dictionary"),
        ("the_tape", 2, "lambda pairs: {'a': 5.0, 'b': 1.0}", "For [] it should give {}"),
        ("topological_order", 1, "2**30", "One too many"),
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
        ("optimizers", 1, "0.27", "The gradient pushes once more"),
        ("optimizers", 2, "(0.001, 0.632)", "`larger` is not 1"),
        ("optimizers", 2, "(0.001, 0.002)", "about as large as the gradient"),
        ("optimizers", 2, "(0.01, 0.2)", "learning rate times the gradient"),
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


# --- the commands -----------------------------------------------------------------------------


def test_lessons_lists_each_on_a_line(tmp_path):
    done = nnscratch("lessons", folder=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    for lesson, line in zip(ALL, lines, strict=False):
        assert line.split(maxsplit=2) == [str(lesson.number), lesson.name, lesson.says]
    how = ["nnscratch lessons 1", "nnscratch lessons 1 --copy", "nnscratch check 1"]
    assert [line.partition(":")[2].strip() for line in lines[13:]] == how


@pytest.mark.parametrize(
    "name", ["2", "02", "the_tape", "02_the_tape", "02_the_tape.py", "the_tape.py"]
)
def test_a_lesson_has_several_names(name, tmp_path):
    done = nnscratch("lessons", name, "--copy", folder=tmp_path)
    assert done.returncode == 0
    (copy,) = tmp_path.iterdir()
    assert copy.name == "02_the_tape.py"
    assert copy.read_bytes() == ALL[1].path.read_bytes()
    assert "nnscratch check 2" in done.stdout


def test_lessons_runs_one_in_this_folder(tmp_path):
    done = nnscratch("lessons", "3", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    topological_order(Printed(done.stdout))
    assert [path.name for path in tmp_path.iterdir()] == ["03_topological_order.html"]


def test_a_copy_is_never_overwritten(tmp_path):
    mine = tmp_path / "01_one_neuron.py"
    mine.write_text("answer_1 = 1\n")
    done = nnscratch("lessons", "1", "--copy", folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "01_one_neuron.py is here already and was left as it is" in done.stderr
    assert mine.read_text() == "answer_1 = 1\n"


@pytest.mark.parametrize("command", [["lessons"], ["lessons", "--copy"], ["check"]])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("13", "There is no lesson '13': they have the numbers 1 to 12."),
        ("0", "There is no lesson '0': they have the numbers 1 to 12."),
        (
            "topologic_order",
            "There is no lesson 'topologic_order': did you mean topological_order?",
        ),
    ],
)
def test_an_unknown_lesson_is_one_sentence(command, name, says, tmp_path):
    done = nnscratch(*command, name, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{says}\n")


def test_copying_without_a_name_says_what_is_missing(tmp_path):
    done = nnscratch("lessons", "--copy", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "Say which lesson to copy, as in: nnscratch lessons 1 --copy\n"


def test_check_without_a_copy_checks_the_bundled_lesson(tmp_path):
    done = nnscratch("check", "3", folder=tmp_path)
    assert done.returncode == 1
    assert [line.rstrip() for line in done.stdout.splitlines()] == [
        "Lesson 3, the bundled 03_topological_order.py",
        "",
        "Exercise 1  not answered",
        "Exercise 2  not answered",
        "",
        "To answer them, get a copy: nnscratch lessons 3 --copy",
    ]
    assert list(tmp_path.iterdir()) == []


def test_check_takes_a_file_and_looks_at_each_exercise_by_itself(tmp_path):
    (tmp_path / "mine").mkdir()
    answered(ALL[2], tmp_path / "mine", "30", "'fedcb'")
    done = nnscratch("check", "mine/03_topological_order.py", folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("Lesson 3, your 03_topological_order.py\n")
    assert "Exercise 1  not yet  In topological order it would be that many." in done.stdout
    assert "Exercise 2  right" in done.stdout
    assert "Change the answers at the end of 03_topological_order.py" in done.stdout
    missing = nnscratch("check", "yours/03_topological_order.py", folder=tmp_path)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr == "There is no file 'yours/03_topological_order.py'.\n"


def states(path: Path, **seconds: float) -> list[tuple[str, str]]:
    """What is said of the two exercises of the third lesson."""
    return [(verdict.state, verdict.hint) for verdict in verdicts(path, ALL[2], **seconds)]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("def answer_2():\n    while True:\n        pass", "a string of five letters"),
        ("__import__('os')", "a string of five letters"),
        ("''", "once"),
    ],
)
def test_what_is_no_answer_at_all_is_not_yet_right(answer, says, tmp_path):
    (one, _), (two, hint) = states(answered(ALL[2], tmp_path, "None", answer))
    assert (one, two) == ("not answered", "not yet")
    assert says in hint


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("while True: pass", "It took longer than 2 seconds: is there a loop without end?"),
        ("return sum(range(10**12))", "It took longer than 2 seconds"),  # never lets others run
        ("raise KeyError('w')", "The function stopped with KeyError: 'w'"),
        ("raise SystemExit(3)", "The function stopped with SystemExit: 3"),
        ("return answer_2(x, w, g)", "The function stopped with RecursionError"),
        ("input('w? ')", "The function stopped with EOFError"),
        ("g.T @ x", "The function gives None: it should end with `return ...`."),
        ("__import__('os')._exit(7)", "It ended the process that ran it (exit status 7)."),
        ("x[:] = w[:] = g[:] = 0", "The function gives None"),
    ],
)
def test_whatever_a_function_does_gets_a_sentence(body, says, tmp_path):
    lesson = ALL[4]
    path = answered(lesson, tmp_path, "[[1, 1], [2, 2]]", f"def answer_2(x, w, g):\n    {body}\n")
    one, two = verdicts(path, lesson, seconds_for_exercise=2.0)
    assert one.state == "right"
    assert two.state == "not yet"
    assert says in two.hint


def test_the_second_exercise_is_checked_although_the_first_has_no_end(tmp_path):
    lesson = ALL[0]
    endless = "type('X', (), {'__array__': lambda *a, **k: exec('while True: pass')})()"
    path = answered(lesson, tmp_path, endless, RIGHT["one_neuron"][1])
    one, two = verdicts(path, lesson, seconds_for_exercise=2.0)
    assert (one.state, two.state) == ("not yet", "right")
    assert "longer than 2 seconds" in one.hint


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1 / 0", r"stopped before .*: ZeroDivisionError in line \d+: division by zero$"),
        ("answer_1 = = 2", r"stopped before .*: SyntaxError in line \d+: invalid syntax$"),
        ("import no_such_package", "needs the package 'no_such_package': pip install"),
        ("while True: pass", "took longer than 4 seconds: is there a loop"),
        ("exit()", "stopped before .*: SystemExit in line"),
        ("__import__('os')._exit(7)", r"ended the process that ran it \(exit status 7\)"),
    ],
)
def test_a_lesson_that_does_not_reach_its_end_says_why(line, says, tmp_path):
    path = answered(ALL[2], tmp_path)
    path.write_text(f"{path.read_text('utf-8')}\n{line}\n", "utf-8")
    with pytest.raises(LessonStoppedError, match=says) as stopped:
        verdicts(path, ALL[2], seconds_for_lesson=4.0)
    assert "\n" not in str(stopped.value)
    assert str(stopped.value).startswith("03_topological_order.py ")


def test_check_prints_why_a_lesson_stopped(tmp_path):
    path = answered(ALL[2], tmp_path)
    path.write_text(f"import no_such_package\n{path.read_text('utf-8')}", "utf-8")
    done = nnscratch("check", "3", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "03_topological_order.py needs the package 'no_such_package': "
        "pip install 'nnscratch[data,plot]'.\n"
    )


def test_a_lesson_may_use_files_and_modules_beside_it(tmp_path):
    (tmp_path / "beside.py").write_text("ORDER = 'fdecb'\n")
    path = answered(ALL[2], tmp_path, "2**30 - 1", "__import__('beside').ORDER")
    assert states(path) == [("right", ""), ("right", "")]


def test_an_answer_that_was_removed_counts_as_not_answered(tmp_path):
    path = answered(ALL[2], tmp_path, "2**30 - 1")
    path.write_text(path.read_text("utf-8").replace("answer_2 = None\n", ""), "utf-8")
    assert states(path) == [("right", ""), ("not answered", "")]
