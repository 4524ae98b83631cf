"""The examples run as a newcomer runs them, and reach the scores that they promise."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import matplotlib.image
import numpy as np
import pytest

from nnscratch_kernels.numba_kernels.compilation import COMPILING

EXAMPLES = Path(__file__).parents[2] / "examples"
SEED = 7


def run(name: str, folder: Path, *arguments: str) -> str:
    """What the example prints."""
    return printed(folder, str(EXAMPLES / name), *arguments)


def run_seeded(name: str, folder: Path) -> str:
    """What the example prints when its weights and the order of its data are always the same."""
    seeded = f"""
import runpy, sys
import nnscratch
nnscratch.random.seed({SEED})
runpy.run_path(sys.argv[1], run_name="__main__")
"""
    return printed(folder, "-c", seeded, str(EXAMPLES / name))


def printed(folder: Path, *arguments: str) -> str:
    """What Python prints; it must end well and tell of nothing but the compiler's first work."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.replace(f"{COMPILING}\n", "", 1) == ""
    return done.stdout


def numbers(line: str, text: str) -> list[float]:
    """The numbers on the line of what was printed that starts with these words."""
    found = re.findall(rf"^ *{line} +([-\d. ]+)", text, flags=re.MULTILINE)
    assert len(found) == 1, text
    return [float(number) for number in found[0].split()]


def assert_worth_looking_at(picture: Path) -> None:
    """The file is a picture, large enough and not blank."""
    pixels = matplotlib.image.imread(picture)
    height, width, channels = pixels.shape
    assert height > 300
    assert width > 800
    assert len(np.unique(pixels.reshape(-1, channels), axis=0)) > 20
    assert pixels[..., :3].std() > 0.05


def table(text: str) -> dict[str, list[float]]:
    """The lines of a name and numbers at the end of what was printed."""
    rows = re.findall(r"^ *([a-z]+) +([\d.]+) +([\d.]+)$", text, flags=re.MULTILINE)
    return {name: [float(number) for number in numbers] for name, *numbers in rows}


@pytest.fixture(scope="module")
def breast_cancer(tmp_path_factory):
    """What the example printed, the folder in which it ran, and its picture."""
    folder = tmp_path_factory.mktemp("breast_cancer")
    picture = folder / "learning.png"
    return run("breast_cancer.py", folder, str(picture)), folder, picture


def test_breast_cancer_scores(breast_cancer):
    text, _, _ = breast_cancer
    scores = table(text)
    assert min(scores["accuracy"]) >= 0.95  # after training, and after fine-tuning
    assert min(scores["precision"] + scores["recall"]) >= 0.9
    assert max(scores["accuracy"] + scores["precision"] + scores["recall"]) <= 1
    assert len(re.findall(r"^Epoch \d+/\d+ - ", text, flags=re.MULTILINE)) == 30


def test_breast_cancer_picture(breast_cancer):
    text, folder, picture = breast_cancer
    assert str(picture) in text
    assert list(folder.iterdir()) == [picture]
    assert_worth_looking_at(picture)


def test_breast_cancer_is_the_same_in_every_run(breast_cancer, tmp_path):
    text, _, _ = breast_cancer
    assert table(run("breast_cancer.py", tmp_path)) == table(text)
    assert (tmp_path / "breast_cancer.png").exists()


# Accuracy on what was held out, R2 for the house prices: what a good solution reaches.
SCORES = {
    "digits": 0.96,
    "house_prices": 0.75,
    "memmap": 0.93,
    "mnist": 0.93,
    "sentiment": 0.78,
    "spiral": 0.95,
    "titanic": 0.78,
    "wine": 0.92,
}


@pytest.mark.parametrize("name", SCORES)
def test_it_reaches_its_score_and_draws_its_picture(name, tmp_path):
    text = run(f"{name}.py", tmp_path)
    held_out, *others = numbers("held out", text)
    assert SCORES[name] <= held_out <= 1
    assert held_out - 0.05 <= numbers("training", text)[0] <= 1
    if name == "house_prices":
        (mean_absolute_error,) = others[:1]
        assert 0 < mean_absolute_error < 3.5  # in thousands of dollars
    else:
        precision, recall = others
        assert 0.55 <= min(precision, recall) <= max(precision, recall) <= 1
    if name == "memmap":
        (memory,) = re.findall(r"150 MiB in the file, (\d+) MiB in memory", text)
        assert int(memory) < 20  # its title says 10; a compiler that runs takes a little more
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.png"]
    assert_worth_looking_at(tmp_path / f"{name}.png")


def test_next_character_expects_more_than_counting_does(tmp_path):
    text = run("next_character.py", tmp_path, "chosen.png")
    (unigram,), (bigram,) = numbers("unigram", text), numbers("bigram", text)
    assert 2.8 < unigram < 3.1  # nats: English letters, spaces and stops
    assert 2.3 < bigram < 2.5
    assert numbers("held out", text)[0] < bigram - 0.5
    assert abs(numbers("training", text)[0] - numbers("held out", text)[0]) < 0.2
    made_up = text.partition("It makes up: ")[2].partition("\n\nThe picture")[0]
    assert len(made_up) == 610
    assert len({"the", "a", "of", "and", "is"} & set(made_up.split())) >= 3
    assert_worth_looking_at(tmp_path / "chosen.png")


def test_fine_tuning_gains_over_zero(tmp_path):
    text = run("fine_tune_digits.py", tmp_path)
    means = text.partition("gain over zero")[0]
    rows = [numbers(str(few), means) for few in (2, 5, 10, 20)]
    for from_zero, new_head, fine_tuned in rows:
        assert new_head > from_zero
        assert fine_tuned > from_zero
    (gain,) = numbers("gain over zero:", text)
    assert gain == pytest.approx(np.mean([row[2] - row[0] for row in rows]), abs=1e-4)
    assert gain > 0.08
    assert rows[-1][2] > rows[-1][1] > 0.5  # with 20 images of each, thawing pays
    assert_worth_looking_at(tmp_path / "fine_tune_digits.png")
    assert (tmp_path / "zero_to_four.safetensors").stat().st_size > 4 * 67_000  # its parameters


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("[!k]*.py")), ids=lambda path: path.stem)
def test_a_script_is_short_and_says_what_it_does_to_which_data(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") < 80
    first, blank, *body = (ast.get_docstring(ast.parse(text)) or "").splitlines()
    assert len(first) <= 60, "it is one line of what `nnscratch examples` prints"
    assert first.endswith(".")
    assert blank == ""
    assert body[0].startswith("The data are")
    assert "ns.random.seed(7)" in text


EPOCH = (
    r"Epoch {}/{} - .* - loss: [\d.]+ - accuracy: [\d.]+ - val_loss: [\d.]+ - val_accuracy: [\d.]+"
)


def test_the_first_program(tmp_path):
    lines = run("keras_binary.py", tmp_path).splitlines()
    assert len(lines) == 20
    for epoch, line in enumerate(lines):
        pattern = rf"Epoch {epoch + 1}/20 - .* - loss: [\d.]+ - accuracy: [\d.]+"
        assert re.fullmatch(pattern, line), line
    assert list(tmp_path.iterdir()) == []


def test_the_second_program(tmp_path):
    lines = run("keras_multiclass.py", tmp_path).splitlines()
    expected = [(epoch, 10) for epoch in range(1, 11)] + [(epoch, 5) for epoch in range(1, 6)]
    for line, (epoch, epochs) in zip(lines, expected, strict=True):
        assert re.fullmatch(EPOCH.format(epoch, epochs), line), line
    assert final(lines[-1]) > 0.72
    assert list(tmp_path.iterdir()) == []


def final(line: str) -> float:
    """The last number of a line."""
    return float(line.split()[-1])


def keras_original(name: str, *changed_lines: str) -> str:
    """A seed program as it was written for Keras; only these lines, imports, were changed."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    original = text.replace("from nnscratch.", "from keras.")
    assert "nnscratch" not in original
    lines = zip(text.splitlines(), original.splitlines(), strict=True)
    assert [one for one, other in lines if one != other] == list(changed_lines)
    return original


def run_here(program: str, **names: Any) -> dict[str, Any]:
    """Run a program with these names given, and give all that it has defined."""
    keras.config.disable_interactive_logging()  # a line an epoch: its bar takes most of the time
    try:
        exec(compile(program, "program.py", "exec"), names)
    finally:
        keras.config.enable_interactive_logging()
    return names


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`:UserWarning")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_the_first_program_is_kerass_but_for_its_imports():
    names = run_here(
        keras_original(
            "keras_binary.py",
            "from nnscratch.models import Sequential",
            "from nnscratch.layers import Dense",
        )
    )
    history = names["model"].history
    assert len(history.history["loss"]) == 20
    assert history.params["epochs"] == 20
    assert history.params["steps"] == -(-1000 // 32)
    assert [layer.units for layer in names["model"].layers] == [64, 1]
    assert 0.6 < history.history["loss"][-1] < history.history["loss"][0] < 0.8


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`:UserWarning")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_the_second_program_is_kerass_but_for_its_imports(tmp_path):
    """Each draws its own weights and order: the two end near each other, and each time there."""
    keras.utils.set_random_seed(SEED)
    names = run_here(
        keras_original(
            "keras_multiclass.py",
            "from nnscratch.layers import Dense",
            "from nnscratch.models import Sequential",
        )
    )
    model = names["model"]
    assert [layer.units for layer in model.layers] == [64, 64, 3]
    assert len(names["data"]) == 714  # the passengers whose age is known
    steps = -(-len(names["x_train"]) // 32)
    assert int(model.optimizer.iterations) == (10 + 5) * steps  # the second fit went on
    ours = run_seeded("keras_multiclass.py", tmp_path).splitlines()[-1]
    loss = float(re.search(r"- loss: ([\d.]+)", ours)[1])
    assert loss == pytest.approx(model.history.history["loss"][-1], abs=0.03)
    assert final(ours) == pytest.approx(model.history.history["val_accuracy"][-1], abs=0.03)


def curves(program: str, weights: list[Any]) -> list[dict[str, list[float]]]:
    """What each `fit` of the second program returns, from these weights, in the data's order."""
    program = program.replace("model.compile(", "model.set_weights(weights)\nmodel.compile(")
    fit = r"fits.append(model.fit(\1, shuffle=False, verbose=0).history)"
    program = re.sub(r"^model\.fit\((.*)\)$", fit, program, flags=re.MULTILINE)
    fits: list[dict[str, list[float]]] = []
    run_here(program, weights=weights, fits=fits)
    assert len(fits) == 2
    return fits


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`:UserWarning")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_the_second_program_learns_what_it_learns_in_keras():
    """Seed 48 keeps every hidden unit's input 1e-6 away from 0, where relu could go either way."""
    generator = np.random.default_rng(48)
    weights = []
    for inputs, outputs in ((5, 64), (64, 64), (64, 3)):
        limit = np.sqrt(6 / (inputs + outputs))
        weights.append(generator.uniform(-limit, limit, (inputs, outputs)).astype("float32"))
        weights.append(np.zeros(outputs, "float32"))
    ours = (EXAMPLES / "keras_multiclass.py").read_text(encoding="utf-8")
    original = ours.replace("from nnscratch.", "from keras.")
    for own, theirs in zip(curves(ours, weights), curves(original, weights), strict=True):
        assert list(own) == list(theirs) == ["accuracy", "loss", "val_accuracy", "val_loss"]
        for name in theirs:
            np.testing.assert_allclose(own[name], theirs[name], rtol=1e-5, err_msg=name)
