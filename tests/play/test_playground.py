"""The playground: what may be chosen, the same steps as `fit`, and the numbers of PyTorch."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import threading
import warnings
from dataclasses import asdict

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt

import nnscratch as ns
from nnscratch.play.choices import (
    ACTIVATIONS,
    INITIALIZERS,
    PLAYED_OPTIMIZERS,
    REGULARIZERS,
    Choices,
    checked,
    options,
)
from nnscratch.play.datasets import CLASSES, DATASETS, POINTS, VALUES, make
from nnscratch.play.features import FEATURES, Features
from nnscratch.play.playground import GRID, KEPT_LOSSES, REACH, UNIT_GRID, Playground
from nnscratch.play.program import program

TRAINING = Choices().training_points
TORCH_ACTIVATIONS = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "gelu": torch.nn.functional.gelu,
    "linear": lambda x: x,
}


def torch_forward(playground, x):
    """What each layer of the playground's network gives, from its weights alone, by PyTorch."""
    values = torch.tensor(x, dtype=torch.float64)
    weights = [
        torch.tensor(w.numpy(), dtype=torch.float64, requires_grad=True)
        for w in playground.model.weights
    ]
    act, outputs = TORCH_ACTIVATIONS[playground.choices.activation], []
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        last = bias is weights[-1]
        if last:
            act = torch.sigmoid if playground.choices.has_classes else TORCH_ACTIVATIONS["linear"]
        values = act(values @ kernel + bias)
        outputs.append(values)
    return outputs, weights


def numbers(text, dtype=np.uint8):
    return np.frombuffer(base64.b64decode(text), dtype=np.dtype(dtype).newbyteorder("<"))


# --- the data -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_is_points_in_the_plane_with_classes_or_values(name):
    x, y = make(name, noise=0.0, seed=3)
    assert (x.shape, x.dtype) == ((POINTS, 2), np.float32)
    assert (y.shape, y.dtype) == ((POINTS,), np.float32)
    for part in (y[:TRAINING], y[TRAINING:]):
        if name in CLASSES:
            assert set(part) == {0, 1}
            assert 0.35 < part.mean() < 0.65
        else:
            assert -1 <= part.min() < -0.5 < 0.5 < part.max() <= 1
    assert (np.abs(x) < REACH).all(axis=1).mean() >= 0.99  # clouds have no edge
    again, _ = make(name, noise=0.0, seed=3)
    np.testing.assert_array_equal(x, again)
    other, _ = make(name, noise=0.0, seed=4)
    assert not np.array_equal(x, other)


@pytest.mark.parametrize("name", DATASETS)
def test_noise_moves_the_points_by_as_much_as_it_says(name):
    x, y = make(name, noise=0.0, seed=0)
    moved, same = make(name, noise=0.2, seed=0)
    np.testing.assert_array_equal(y, same)
    assert np.std(moved - x) == pytest.approx(0.2, rel=0.1)


def test_circle_and_xor_are_what_they_are_called():
    x, y = make("circle", noise=0.0, seed=0)
    np.testing.assert_array_equal(np.hypot(*x.T) < 0.55, y == 1)
    x, y = make("xor", noise=0.0, seed=0)
    np.testing.assert_array_equal(np.prod(x, axis=1) > 0, y == 1)


def test_slope_and_hills_are_what_they_are_called():
    x, y = make("slope", noise=0.0, seed=0)
    np.testing.assert_allclose(y, (x[:, 0] + x[:, 1]) / 2, atol=1e-6)
    x, y = make("hills", noise=0.0, seed=0)
    assert np.all(np.sign(y) == np.sign(x[:, 0]))  # a hill on the right, a hollow on the left
    for side, peak in ((1, y.argmax()), (-1, y.argmin())):
        np.testing.assert_allclose(x[peak], [side / 2, 0], atol=0.2)


def test_the_points_have_nothing_to_do_with_the_first_weights():
    """Both come from the same seed, and must not come from the same numbers."""
    x, _ = make("slope", noise=0.0, seed=7)
    drawn = np.random.default_rng(7).uniform(-1, 1, (POINTS, 2))
    assert abs(np.corrcoef(x.ravel(), drawn.ravel())[0, 1]) < 0.2


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_is_what_its_name_says_in_python(name):
    points = np.random.default_rng(0).uniform(-1, 1, (20, 2)).astype("float32")
    scope = {"x1": points[:, 0], "x2": points[:, 1], "sin": np.sin, "pi": np.pi}
    outputs = np.asarray(Features([name])(points).data)
    np.testing.assert_allclose(outputs[:, 0], eval(name, scope), rtol=1e-5, atol=1e-6)


# --- choices --------------------------------------------------------------------------------------


def test_choices_change_by_name_and_keep_the_rest():
    before = Choices(dataset="moons", layers=(5,))
    after = checked({"layers": [2, 3], "learning_rate": 1, "seed": 7}, before)
    assert after == Choices(dataset="moons", layers=(2, 3), learning_rate=1.0, seed=7)
    assert type(after.learning_rate) is float
    assert checked({}, before) == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ([], "Choices are an object"),
        (None, "Choices are an object"),
        ({"colour": 1}, "nothing called 'colour'"),
        ({"x" * 4000: 1}, "nothing called 'xxx"),
        (
            {"dataset": "iris"},
            "dataset is one of circle, xor, blobs, moons, spiral, slope, hills, got 'iris'",
        ),
        ({"dataset": ["circle"]}, "dataset is one of"),
        ({"activation": {"tanh": 1}}, "activation is one of"),
        ({"activation": "__class__"}, "activation is one of"),
        ({"optimizer": None}, "optimizer is one of adam, sgd, momentum, rmsprop, got None"),
        ({"initializer": True}, "initializer is one of"),
        ({"noise": -0.1}, "noise is a number from 0 to 0.5"),
        ({"noise": float("nan")}, "noise is a number"),
        ({"noise": "0.1"}, "noise is a number"),
        ({"noise": True}, "noise is a number"),
        ({"learning_rate": 0}, "learning_rate is a number from 1e-06 to 10, got 0"),
        ({"learning_rate": float("inf")}, "learning_rate is a number"),
        ({"batch_size": 0}, "batch_size is a whole number from 1 to 300"),
        ({"training_points": 0}, "training_points is a whole number from 10 to 290"),
        ({"features": []}, "features are one or more of x1, x2, x1*x1"),
        ({"features": "x1"}, "features are one or more of"),
        ({"features": ["__import__('os')"]}, "features are one or more of"),
        ({"features": [["x1"]]}, "features are one or more of"),
        ({"regularizer": "l3"}, "regularizer is one of none, l1, l2, got 'l3'"),
        ({"penalty": 11}, "penalty is a number from 1e-06 to 10, got 11"),
        ({"batch_size": 1.5}, "batch_size is a whole number"),
        ({"batch_size": 10**400}, "batch_size is a whole number"),
        ({"seed": -1}, "seed is a whole number"),
        ({"seed": None}, "seed is a whole number"),
        ({"layers": 3}, "layers is a list of at most 6"),
        ({"layers": [1] * 7}, "layers is a list of at most 6"),
        ({"layers": [0]}, "units of a layer is a whole number from 1 to 12, got 0"),
        ({"layers": [13]}, "units of a layer"),
        ({"layers": [[4]]}, "units of a layer"),
        ({"layers": "44"}, "layers is a list"),
    ],
)
def test_what_cannot_be_chosen_is_refused_in_a_short_sentence(changes, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        checked(changes, Choices())
    assert len(str(caught.value)) < 200


def test_all_that_is_offered_can_be_chosen():
    offered = options()
    for name in ("dataset", "activation", "optimizer", "initializer", "regularizer"):
        for value in offered[name]:
            assert asdict(checked({name: value}, Choices()))[name] == value
    for rate in offered["learningRates"]:
        checked({"learning_rate": rate}, Choices())
    for penalty in offered["penalties"]:
        checked({"penalty": penalty}, Choices())
    for count in offered["trainingPoints"]:
        checked({"training_points": count}, Choices())
    names = list(offered["features"])
    assert checked({"features": names[::-1] * 2}, Choices()).features == tuple(names)
    for size in offered["batchSizes"]:
        checked({"batch_size": size}, Choices())
    most = [offered["mostUnits"]] * offered["mostLayers"]
    checked(
        {"layers": most, "noise": offered["mostNoise"], "seed": offered["largestSeed"]}, Choices()
    )


# --- training -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "choices",
    [
        Choices(),
        Choices(dataset="xor", layers=(), optimizer="sgd", learning_rate=0.1, seed=1),
        Choices(dataset="blobs", optimizer="momentum", activation="relu", batch_size=1),
        Choices(dataset="moons", optimizer="rmsprop", activation="gelu", batch_size=150),
        Choices(dataset="spiral", initializer="he_normal", activation="sigmoid", batch_size=7),
        Choices(layers=(12,) * 6, initializer="zeros", activation="linear", noise=0.5),
        Choices(features=("x1*x1", "sin(pi*x2)"), regularizer="l1", penalty=0.01),
        Choices(dataset="slope", layers=(), training_points=10, batch_size=300),
        Choices(dataset="hills", features=tuple(FEATURES), regularizer="l2", training_points=290),
    ],
)
def test_the_program_trains_to_the_very_weights_of_the_page(choices, tmp_path, monkeypatch, capsys):
    playground = Playground(choices)
    for _ in range(3):
        playground.finish_epoch()
    shown = playground.snapshot()
    assert shown["step"] == 3 * int(np.ceil(choices.training_points / choices.batch_size))
    assert shown["epoch"] == 3

    monkeypatch.chdir(tmp_path)
    names: dict = {}
    with mpl.rc_context({"backend": "agg"}):
        exec(compile(shown["program"], "program.py", "exec"), names)
        plt.close("all")
    for own, theirs in zip(playground.model.weights, names["model"].weights, strict=True):
        np.testing.assert_array_equal(own.numpy(), theirs.numpy())
    scale = 100 if choices.has_classes else 1
    printed = re.findall(r"loss ([\d.e+-]+), .* ([\d.e-]+)%?\n", capsys.readouterr().out)
    for (loss, metric), place in zip(printed, (0, 1), strict=True):
        assert float(loss) == pytest.approx(shown["loss"][place], rel=1e-3)
        assert float(metric) == pytest.approx(scale * shown["metric"][place], abs=0.06, rel=1e-3)


def test_the_program_runs_as_it_is(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", program(Choices(), epochs=2)],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"training: loss .*\nheld out: loss .*\n", done.stdout)
    assert (tmp_path / "boundary.png").read_bytes().startswith(b"\x89PNG")


def test_before_training_the_program_trains_and_in_an_epoch_it_completes_it():
    playground = Playground(Choices())
    assert "epochs=100," in playground.snapshot()["program"]
    playground.step()
    assert "epochs=1," in playground.snapshot()["program"]
    playground.finish_epoch()
    playground.step()
    assert "epochs=2," in playground.snapshot()["program"]


def test_each_step_is_one_batch_and_an_epoch_sees_each_point_once():
    playground = Playground(Choices(batch_size=64))
    seen = []
    train = playground.model.train_on_batch
    playground.model.train_on_batch = lambda x, y: (seen.append(x), train(x, y))
    playground.step()
    assert (playground.step_count, [len(x) for x in seen]) == (1, [64])
    playground.finish_epoch()
    assert (playground.step_count, [len(x) for x in seen]) == (3, [64, 64, 22])
    rows = np.concatenate(seen)
    np.testing.assert_array_equal(
        np.unique(rows, axis=0), np.unique(playground.x[:TRAINING], axis=0)
    )
    playground.finish_epoch()
    assert playground.step_count == 6
    assert not np.array_equal(np.concatenate(seen[3:]), rows)  # another order


def test_playgrounds_in_threads_do_not_disturb_each_other():
    def train(into):
        playground = Playground(Choices(layers=(3,)))
        for _ in range(20):
            playground.step()
        into.append(playground.snapshot()["weights"])

    alone: list = []
    train(alone)
    together: list = []
    threads = [threading.Thread(target=train, args=(together,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert together == alone * 4


def test_playing_leaves_the_global_generator_alone():
    before = ns.random.get_state()
    playground = Playground(Choices())
    playground.finish_epoch()
    assert ns.random.get_state() == before


# --- what there is to see -------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_loss_accuracy_and_gradients_are_those_of_pytorch(activation):
    playground = Playground(Choices(activation=activation, initializer="he_normal", seed=2))
    for _ in range(5):
        playground.step()
    shown = playground.snapshot()
    for place, rows in enumerate((slice(None, TRAINING), slice(TRAINING, None))):
        outputs, weights = torch_forward(playground, playground.x[rows])
        targets = torch.tensor(playground.y[rows], dtype=torch.float64)
        predicted = outputs[-1][:, 0]
        loss = torch.nn.functional.binary_cross_entropy(predicted, targets)
        assert shown["loss"][place] == pytest.approx(loss.item(), rel=1e-5)
        accuracy = ((predicted > 0.5) == (targets == 1)).double().mean()
        assert shown["metric"][place] == pytest.approx(accuracy.item(), rel=1e-5)
        if place == 0:
            loss.backward()
            for own, theirs in zip(shown["gradients"], weights, strict=True):
                np.testing.assert_allclose(own, theirs.grad, rtol=1e-4, atol=1e-7)
    for own, weight in zip(shown["weights"], playground.model.weights, strict=True):
        np.testing.assert_allclose(own, weight.numpy(), rtol=1e-5)


@pytest.mark.parametrize("dataset", VALUES)
@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_loss_and_gradients_with_values_and_penalties_are_those_of_pytorch(dataset, regularizer):
    choices = Choices(dataset=dataset, regularizer=regularizer, penalty=0.03, training_points=40)
    playground = Playground(choices)
    for _ in range(5):
        playground.step()
    shown = playground.snapshot()
    for place, rows in enumerate((slice(None, 40), slice(40, None))):
        outputs, weights = torch_forward(playground, playground.x[rows])
        wrong = outputs[-1][:, 0] - torch.tensor(playground.y[rows], dtype=torch.float64)
        loss = (wrong**2).mean()
        for kernel in weights[::2]:
            if regularizer != "none":
                loss = loss + 0.03 * (kernel.abs() if regularizer == "l1" else kernel**2).sum()
        assert shown["loss"][place] == pytest.approx(loss.item(), rel=1e-5)
        assert shown["metric"][place] == pytest.approx(wrong.abs().mean().item(), rel=1e-5)
        if place == 0:
            loss.backward()
            for own, theirs in zip(shown["gradients"], weights, strict=True):
                np.testing.assert_allclose(own, theirs.grad, rtol=1e-4, atol=1e-7)


def test_pictures_show_what_network_and_units_give_over_the_plane():
    playground = Playground(Choices(layers=(4, 3)))
    playground.finish_epoch()
    shown = playground.snapshot()
    middles = REACH * ((np.arange(GRID) + 0.5) / GRID * 2 - 1)
    plane = np.array([(x, y) for y in middles[::-1] for x in middles])  # the top row first
    outputs, _ = torch_forward(playground, plane)
    boundary = numbers(shown["boundary"], np.uint16) / 65535
    np.testing.assert_allclose(boundary, outputs[-1].detach()[:, 0], atol=2e-5)
    for end, extreme in (("low", outputs[-1].min()), ("high", outputs[-1].max())):
        assert shown["output"][end] == pytest.approx(extreme.item(), rel=1e-4)
    for layer, units in zip(outputs, shown["units"], strict=False):
        assert len(units) == layer.shape[1]
        for unit, column in zip(units, layer.detach().numpy().T, strict=True):
            assert unit["low"] == pytest.approx(column.min(), rel=1e-4)
            assert unit["high"] == pytest.approx(column.max(), rel=1e-4)
            smaller = column.reshape(UNIT_GRID, 2, UNIT_GRID, 2).mean(axis=(1, 3)).ravel()
            drawn = (numbers(unit["picture"]) / 127.5 - 1) * np.abs(smaller).max()
            np.testing.assert_allclose(drawn, smaller, atol=np.abs(smaller).max() / 127)


def test_the_start_holds_the_points_that_are_trained_on():
    playground = Playground(Choices(dataset="moons", noise=0.1, seed=9))
    start = playground.start()
    x, y = make("moons", noise=0.1, seed=9)
    np.testing.assert_allclose(start["points"], x, rtol=1e-5)
    assert start["targets"] == y.tolist()
    assert start["choices"]["layers"] == (4, 3)


def test_a_long_curve_is_thinned_out_but_begins_and_ends_where_training_does():
    playground = Playground(Choices(layers=(), batch_size=TRAINING))
    for _ in range(KEPT_LOSSES * 2 + 7):
        playground.step()
    shown = playground.snapshot()
    steps = [step for step, *_ in shown["curve"]]
    assert len(steps) <= KEPT_LOSSES + 1
    assert (steps[0], steps[-1]) == (0, playground.step_count)
    assert set(np.diff(steps[:-1])) == {4}
    assert shown["curve"][-1][1:] == shown["loss"]


@pytest.mark.parametrize("optimizer", PLAYED_OPTIMIZERS)
@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_the_largest_learning_rate_ends_in_numbers_or_in_a_sentence(optimizer, initializer):
    choices = Choices(
        layers=(12, 12),
        activation="linear",
        optimizer=optimizer,
        initializer=initializer,
        learning_rate=10.0,
        batch_size=150,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        playground = Playground(choices)
        for _ in range(30):
            playground.step()
        json.dumps(playground.snapshot(), allow_nan=False)


def test_training_stops_where_the_loss_is_no_longer_finite():
    playground = Playground(
        Choices(layers=(12,) * 6, activation="linear", optimizer="sgd", learning_rate=10.0)
    )
    for _ in range(100):
        playground.step()
    step = playground.step_count
    assert step < 100
    assert playground.stopped == f"The loss is no longer finite at step {step}."
    shown = playground.snapshot()
    assert shown["stopped"] == playground.stopped
    assert shown["curve"][-1] == [step, None, None]
    assert all(loss is not None for row in shown["curve"][:-1] for loss in row)
    json.dumps(shown, allow_nan=False)
    playground.finish_epoch()
    assert playground.step_count == step
