"""History as a table and as a picture."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest

import nnscratch as ns
from nnscratch.callbacks import History

x, y = np.ones((8, 1)), np.ones((8, 1))


@pytest.fixture
def history() -> History:
    model = ns.Sequential([ns.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model.fit(x, y, epochs=4, verbose=0, validation_data=(x, y), validation_freq=2)


def test_a_table_with_a_row_for_each_epoch(history):
    frame = history.to_frame()
    assert list(frame.columns) == ["loss", "mae", "val_loss", "val_mae"]
    assert list(frame.index) == history.epoch == [0, 1, 2, 3]
    assert frame.index.name == "epoch"
    assert frame["loss"].tolist() == history.history["loss"]
    assert frame["val_loss"].isna().tolist() == [True, False, True, False]
    assert frame["val_loss"].dropna().tolist() == history.history["val_loss"]


def test_an_empty_table():
    frame = History().to_frame()
    assert frame.empty
    assert isinstance(frame, pd.DataFrame)


def test_a_table_of_two_trainings_in_one_history():
    history = History()
    for _ in range(2):
        history.on_train_begin({})
        for epoch in range(2):
            history.on_epoch_end(epoch, {"loss": float(epoch)})
    assert history.epoch == [0, 1]
    assert history.to_frame().index.tolist() == [0, 1, 0, 1]
    assert history.to_frame()["loss"].tolist() == [0.0, 1.0, 0.0, 1.0]


def test_a_picture_for_each_log(history, tmp_path):
    with matplotlib.rc_context({"backend": "agg"}):
        axes = history.plot()
    pictures = {picture.get_title(): picture for picture in axes}
    assert list(pictures) == ["loss", "mae"]
    for name, picture in pictures.items():
        lines: dict[str, Any] = {line.get_label(): line for line in picture.lines}
        assert lines["training"].get_xdata().tolist() == [1, 2, 3, 4]
        assert lines["training"].get_ydata().tolist() == history.history[name]
        assert lines["validation"].get_xdata().tolist() == [2, 4]
        assert lines["validation"].get_ydata().tolist() == history.history[f"val_{name}"]
    axes[0].figure.savefig(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_what_an_interpreter_shows(history):
    shown = repr(history)
    assert "4 epochs" in shown
    for name, values in history.history.items():
        assert f"{name} {values[-1]:.4g}" in shown
    assert repr(History()) == "<History>"


def test_neither_pandas_nor_matplotlib_is_loaded_before_it_is_needed():
    heavy = {"matplotlib", "pandas", "tensorboardX"}
    program = f"import nnscratch.callbacks, sys; print({heavy} & set(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"
