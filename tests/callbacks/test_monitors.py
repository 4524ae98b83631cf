"""EarlyStopping, ReduceLROnPlateau, ModelCheckpoint: Keras's decisions on the same logs."""

from __future__ import annotations

import inspect
import itertools
import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnscratch as ns

# Keras reads its torch variables through an __array__ that knows no copy=.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

FAMILY = ("EarlyStopping", "ReduceLROnPlateau", "ModelCheckpoint", "LearningRateScheduler",
          "CSVLogger", "TerminateOnNaN", "LambdaCallback", "TensorBoard")  # fmt: skip


@pytest.mark.parametrize("name", FAMILY)
def test_arguments_and_defaults_are_those_of_keras(name):
    theirs = inspect.signature(getattr(keras.callbacks, name)).parameters
    ours = inspect.signature(getattr(ns.callbacks, name)).parameters
    named = [n for n, p in theirs.items() if p.kind is not p.VAR_KEYWORD]
    assert [n for n, p in ours.items() if p.kind is not p.VAR_KEYWORD] == named
    assert [ours[n].default for n in named] == [theirs[n].default for n in named]


def test_arguments_of_backup_and_restore():
    theirs = inspect.signature(keras.callbacks.BackupAndRestore).parameters
    ours = inspect.signature(ns.callbacks.BackupAndRestore).parameters
    # A file appears whole or not at all, so that there is no need for a second one.
    assert list(ours) == [name for name in theirs if name != "double_checkpoint"]
    assert all(ours[name].default == theirs[name].default for name in ours)


def a_model(module: Any) -> Any:
    """A model with one weight of 0, built and compiled, that knows some metrics."""
    model = module.Sequential([module.layers.Input((1,)), module.layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse", metrics=["mae", "accuracy", "auc"])
    model.evaluate(np.zeros((2, 1)), np.array([[0.0], [1.0]]), verbose=0)
    model.set_weights([np.zeros((1, 1))])
    return model


OURS, THEIRS = a_model(ns), a_model(keras)


def play(callback: Any, model: Any, values: list[float], log: str) -> list[Any]:
    """Let a callback see one value of the log for each epoch; what it does after each."""
    model.stop_training = False
    model.optimizer.learning_rate = 0.5
    callback.set_model(model)
    callback.set_params({"epochs": len(values)})
    seen = []
    callback.on_train_begin({})
    for epoch, value in enumerate(values):
        model.set_weights([np.full((1, 1), float(epoch))])
        callback.on_epoch_begin(epoch, {})
        callback.on_epoch_end(epoch, {log: value})
        rate = float(model.optimizer.learning_rate)
        seen.append((bool(model.stop_training), pytest.approx(rate, rel=1e-6)))
        if model.stop_training:
            break
    callback.on_train_end({})
    return [*seen, float(model.get_weights()[0][0, 0])]


def both_do_the_same(name: str, values: list[float], log: str, **options: Any) -> None:
    made = (getattr(module.callbacks, name)(**options) for module in (ns, keras))
    ours, theirs = made
    assert play(ours, OURS, values, log) == play(theirs, THEIRS, values, log)
    # The same object serves another training.
    assert play(ours, OURS, values[::-1], log) == play(theirs, THEIRS, values[::-1], log)


# Multiples of 1/8: Keras compares in float32, and these are the same there.
logs = st.lists(st.integers(-8, 8).map(lambda n: n / 8), min_size=1, max_size=12)
watched = st.sampled_from(
    [
        ("val_loss", "auto"),
        ("loss", "auto"),
        ("val_accuracy", "auto"),
        ("mae", "auto"),
        ("val_auc", "auto"),
        ("anything", "min"),
        ("anything", "max"),
        ("loss", "max"),
    ]
)
deltas = st.sampled_from([0, 0.125, -0.25, 0.5])


@settings(max_examples=150)
@given(
    logs, watched, deltas, st.integers(0, 4), st.sampled_from([None, -0.5, 0.0, 0.5]),
    st.booleans(), st.integers(0, 4),
)  # fmt: skip
def test_early_stopping(values, watch, min_delta, patience, baseline, restore, start):
    monitor, mode = watch
    both_do_the_same(
        "EarlyStopping", values, monitor, monitor=monitor, mode=mode, min_delta=min_delta,
        patience=patience, baseline=baseline, restore_best_weights=restore, start_from_epoch=start,
    )  # fmt: skip


@settings(max_examples=150)
@given(
    logs, watched, deltas, st.integers(0, 4), st.integers(0, 3), st.sampled_from([0.0, 0.2, 0.5]),
    st.sampled_from([0.5, 0.1]),
)  # fmt: skip
def test_reduce_lr_on_plateau(values, watch, min_delta, patience, cooldown, min_lr, factor):
    monitor, mode = watch
    both_do_the_same(
        "ReduceLROnPlateau", values, monitor, monitor=monitor, mode=mode, min_delta=min_delta,
        patience=patience, cooldown=cooldown, min_lr=min_lr, factor=factor,
    )  # fmt: skip


def saved_files(module: Any, ending: str, values: list[float], **options: Any) -> list[Any]:
    """The names of the files that are there after each epoch, without their endings."""
    model = OURS if module is ns else THEIRS
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/sub/{{epoch:02d}}-{{val_loss:.3f}}{ending}"
        callback = module.callbacks.ModelCheckpoint(path, **options)
        callback.set_model(model)
        callback.set_params({})
        seen = []
        callback.on_train_begin({})
        for epoch, value in enumerate(values):
            callback.on_epoch_begin(epoch, {})
            for batch in range(5):
                callback.on_train_batch_end(batch, {"val_loss": value + batch, "accuracy": value})
            callback.on_epoch_end(epoch, {"val_loss": value, "accuracy": value})
            files = Path(folder).rglob(f"*{ending}")
            seen.append(sorted(file.name.removesuffix(ending) for file in files))
        return seen


@settings(max_examples=25)
@given(
    logs, st.booleans(), st.sampled_from(["epoch", 2, 5, 7]), st.sampled_from([None, 0.25]),
    st.sampled_from([("val_loss", "auto"), ("accuracy", "auto"), ("val_loss", "max")]),
    st.booleans(),
)  # fmt: skip
def test_model_checkpoint(values, best_only, save_freq, threshold, watch, weights_only):
    if best_only and save_freq != "epoch":
        best_only = False  # Keras does not know the direction before the first epoch has ended
    options = {
        "monitor": watch[0], "mode": watch[1], "save_best_only": best_only, "save_freq": save_freq,
        "initial_value_threshold": threshold, "save_weights_only": weights_only,
    }  # fmt: skip
    theirs = saved_files(keras, ".weights.h5" if weights_only else ".keras", values, **options)
    assert saved_files(ns, ".safetensors", values, **options) == theirs


def test_saving_the_best_by_batches():
    options = {"save_best_only": True, "save_freq": 2}
    seen = saved_files(ns, ".safetensors", [1.0, 0.0], **options)
    # Batches 2, 4 of each epoch and then 1, 3, 5, whose values are the epoch's plus their number.
    assert seen == [["01-2.000"], ["01-2.000", "02-0.000"]]


@pytest.mark.parametrize("weights_only", [False, True])
def test_what_a_checkpoint_holds_can_be_loaded(tmp_path, weights_only):
    model = a_model(ns)
    checkpoint = ns.callbacks.ModelCheckpoint(
        tmp_path / "{epoch}-{batch}.safetensors", save_freq=1, save_weights_only=weights_only
    )
    model.fit(np.ones((4, 1)), np.ones((4, 1)), batch_size=2, verbose=0, callbacks=[checkpoint])
    assert {path.name for path in tmp_path.iterdir()} == {"1-1.safetensors", "1-2.safetensors"}
    last = tmp_path / "1-2.safetensors"
    if weights_only:
        other = a_model(ns)
        other.load_weights(last)
    else:
        other = ns.load_model(last)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])


@pytest.mark.parametrize("module", [ns, keras], ids=["ours", "keras"])
def test_a_checkpoint_whose_name_no_log_fills_in(module, tmp_path):
    ending = ".keras" if module is keras else ".safetensors"
    callback = module.callbacks.ModelCheckpoint(str(tmp_path / "{nothing}") + ending)
    callback.set_model(OURS if module is ns else THEIRS)
    with pytest.raises(KeyError, match="nothing"):
        callback.on_epoch_end(0, {"val_loss": 1.0})


NOT_THERE = [
    ("EarlyStopping", {}),
    ("ReduceLROnPlateau", {}),
    ("ModelCheckpoint", {"filepath": "x", "save_best_only": True}),
]


@pytest.mark.parametrize(("name", "options"), NOT_THERE, ids=[name for name, _ in NOT_THERE])
def test_a_log_that_is_not_there_is_warned_of(name, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    callback = getattr(ns.callbacks, name)(**options)
    callback.set_model(OURS)
    with pytest.warns(UserWarning, match=f"{name}.*'val_loss'.*not among the logs loss"):
        callback.on_epoch_end(0, {"loss": 1.0})
    assert not OURS.stop_training


@pytest.mark.parametrize("module", [ns, keras], ids=["ours", "keras"])
@pytest.mark.parametrize(("name", "options"), NOT_THERE, ids=[name for name, _ in NOT_THERE])
def test_a_log_of_unknown_direction_needs_a_mode(module, name, options):
    ending = {"filepath": "x.keras"} if "filepath" in options else {}
    callback = getattr(module.callbacks, name)(monitor="anything", **(options | ending))
    callback.set_model(OURS if module is ns else THEIRS)
    with pytest.raises(ValueError, match=r"mode='max'"):
        callback.on_epoch_end(0, {"anything": 1.0})


@pytest.mark.parametrize(("name", "options"), NOT_THERE, ids=[name for name, _ in NOT_THERE])
def test_an_unknown_mode_is_refused(name, options):
    with pytest.raises(ValueError, match=f"{name} takes mode as 'auto', 'min' or 'max', got 'up'"):
        getattr(ns.callbacks, name)(mode="up", **options)


@pytest.mark.parametrize("save_freq", ["batch", 0, -1, 1.5])
def test_an_unknown_frequency_is_refused(save_freq):
    with pytest.raises(ValueError, match="ModelCheckpoint takes save_freq"):
        ns.callbacks.ModelCheckpoint("x", save_freq=save_freq)


def test_a_factor_of_one_is_refused():
    with pytest.raises(ValueError, match="factor below 1"):
        ns.callbacks.ReduceLROnPlateau(factor=1.0)


def test_directions_of_metrics_are_those_of_keras():
    """For each metric whose direction Keras knows."""
    known = 0
    for name in vars(ns.metrics)["__all__"]:
        ours, theirs = getattr(ns.metrics, name), getattr(keras.metrics, name, None)
        if not isinstance(ours, type) or theirs is None or not hasattr(ours, "direction"):
            continue
        try:
            made = theirs()
        except TypeError:  # it needs arguments
            continue
        direction = getattr(made, "_direction", None)
        if direction is not None:
            known += 1
            assert ours.direction == direction, name
    assert known > 15


# --- what they print ------------------------------------------------------------------------------


def printed(capsys: Any, name: str, **options: Any) -> list[str]:
    outputs = []
    for module, model in ((ns, OURS), (keras, THEIRS)):
        made = {key: value(module) if callable(value) else value for key, value in options.items()}
        callback = getattr(module.callbacks, name)(verbose=1, monitor="loss", **made)
        capsys.readouterr()
        with warnings.catch_warnings():
            play(callback, model, [1.0, 0.5, 2.0, 3.0], "loss")
        said = capsys.readouterr().out
        outputs.append([line for line in said.splitlines() if "finished saving" not in line])
    assert outputs[0]
    return outputs  # type: ignore[return-value]


def test_early_stopping_says_what_keras_says(capsys):
    ours, theirs = printed(capsys, "EarlyStopping", restore_best_weights=True)
    assert ours[0] == theirs[0] == "Epoch 3: early stopping"
    assert ours[1].split()[-1] == theirs[1].split()[-1] == "2."


def test_reduce_lr_on_plateau_says_what_keras_says(capsys):
    ours, theirs = printed(capsys, "ReduceLROnPlateau", patience=1, min_lr=0.05)
    assert [line for line in ours if line]
    for line, other in itertools.zip_longest(ours, theirs):
        assert line.split()[:7] == other.split()[:7]


def test_model_checkpoint_says_what_keras_says(capsys, tmp_path):
    def path(module: Any) -> str:
        return str(tmp_path / "best") + (".keras" if module is keras else ".safetensors")

    ours, theirs = printed(capsys, "ModelCheckpoint", save_best_only=True, filepath=path)
    spoken = [line for line in theirs if line]
    assert [line.split(", saving")[0] for line in ours if line] == [
        line.split(", saving")[0] for line in spoken
    ]
