"""LivePlot: curves that grow with the training."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import image

import nnscratch as ns

x, y = np.ones((8, 1)), np.ones((8, 1))


@pytest.fixture(autouse=True)
def _without_a_screen():
    with mpl.rc_context({"backend": "agg"}):
        yield


@pytest.fixture
def model() -> ns.Sequential:
    model = ns.Sequential([ns.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def test_the_file_holds_all_epochs_at_the_end(model, tmp_path):
    path = tmp_path / "curves.png"
    live = ns.callbacks.LivePlot(path, every=2)
    history = model.fit(x, y, epochs=5, verbose=0, validation_data=(x, y), callbacks=[live])
    assert image.imread(path).shape[2] == 4
    for picture in live.figure.axes:
        name = picture.get_title()
        training, validation = picture.lines
        assert training.get_ydata().tolist() == history.history[name]
        assert validation.get_ydata().tolist() == history.history[f"val_{name}"]
    assert [picture.get_title() for picture in live.figure.axes] == ["loss", "mae"]


def test_it_draws_after_every_so_many_epochs(model, tmp_path):
    path = tmp_path / "curves.png"
    drawn = []
    look = ns.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: drawn.append(path.exists() and path.stat().st_mtime_ns)
    )
    model.fit(x, y, epochs=4, verbose=0, callbacks=[ns.callbacks.LivePlot(path, every=3), look])
    assert drawn[0] is drawn[1] is False
    assert drawn[2] == drawn[3]
    assert path.stat().st_mtime_ns > drawn[3]
    with pytest.raises(ValueError, match="at least 1 epoch, got 0"):
        ns.callbacks.LivePlot(every=0)


def test_in_a_notebook_one_picture_is_renewed(model, monkeypatch):
    shown = []

    def display(figure, display_id):
        assert display_id is True
        shown.append(("new", len(figure.axes[0].lines[0].get_ydata())))
        return SimpleNamespace(
            update=lambda f: shown.append(("again", len(f.axes[0].lines[0].get_ydata())))
        )

    notebook = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    model.fit(x, y, epochs=3, verbose=0, callbacks=[ns.callbacks.LivePlot()])
    assert shown == [("new", 1), ("again", 2), ("again", 3)]
