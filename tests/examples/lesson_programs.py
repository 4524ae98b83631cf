"""What the tests of the lessons share: the programs, their right answers, and the command."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from nnscratch.lessons import Lesson

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
