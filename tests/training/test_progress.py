"""What fit and evaluate print: nothing, plain lines, or a live bar on a real terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.callbacks import Callback
from nnscratch.layers import Dense

x = np.random.default_rng(0).normal(size=(50, 3))
y = (x[:, 0] > 0).astype(int)


def network() -> Any:
    model = ns.Sequential([Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return model


# --- not on a terminal ---


def test_silence(capfd):
    model = network()
    model.fit(x, y, epochs=2, verbose=0, validation_split=0.2)
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
def test_one_line_an_epoch(capsys, verbose):
    history = network().fit(
        x, y, epochs=3, verbose=verbose, validation_data=(x, y)
    ).history  # fmt: skip
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = captured.out.splitlines()
    assert len(lines) == 3
    for epoch, line in enumerate(lines):
        pattern = (
            rf"Epoch {epoch + 1}/3 - (\d+ ms|\d+\.\d s) - loss: (.+) - accuracy: (.+)"
            r" - val_loss: (.+) - val_accuracy: (.+)"
        )
        match = re.fullmatch(pattern, line)
        assert match, line
        numbers = [float(number) for number in match.groups()[1:]]
        names = ["loss", "accuracy", "val_loss", "val_accuracy"]
        assert numbers == pytest.approx([history[name][epoch] for name in names], abs=6e-5)


def test_small_numbers_keep_their_digits(capsys):
    model = ns.Sequential([Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", "mse")
    model.fit(x, np.full(50, 1e-4), batch_size=50, verbose=2)
    assert "loss: 1.0000e-08" in capsys.readouterr().out


def test_epochs_are_counted_from_the_initial_one(capsys):
    network().fit(x, y, epochs=4, initial_epoch=2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[0] for line in lines] == ["Epoch 3/4", "Epoch 4/4"]


def test_evaluate_prints_its_result(capsys):
    model = network()
    logs = model.evaluate(x, y, return_dict=True)
    line = capsys.readouterr().out.strip()
    match = re.fullmatch(r"Evaluated 50 samples - loss: (.+) - accuracy: (.+)", line)
    assert match, line
    assert float(match[1]) == pytest.approx(logs["loss"], abs=6e-5)
    assert float(match[2]) == pytest.approx(logs["accuracy"], abs=6e-5)


def test_extra_numbers_of_callbacks_are_shown(capsys):
    class Rate(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["rate"] = 0.25

    network().fit(x, y, verbose=2, callbacks=[Rate()])
    assert " - rate: 0.2500" in capsys.readouterr().out


# --- on a terminal ---

PROGRAM = """
import sys
import time
import numpy as np
import nnscratch as ns

x = np.random.default_rng(0).normal(size=(50, 3))
y = (x[:, 0] > 0).astype(int)
model = ns.Sequential([ns.layers.Dense(1, activation="sigmoid")])
model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])

class Slow(ns.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.15)
        if sys.argv[1] == "fail" and batch == 1:
            raise RuntimeError("stop here")

epochs = 0 if sys.argv[1] == "none" else 2
history = model.fit(x, y, epochs=epochs, callbacks=[Slow()], validation_data=(x, y)).history
print("finished", history.get("loss", [0])[-1], history.get("val_accuracy", [0])[-1])
"""


def on_terminal(argument: str, columns: int = 120) -> tuple[str, int]:
    """What PROGRAM shows on a terminal so wide, and its exit code."""
    parent, child = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(columns)}
    for variable in ("NO_COLOR", "CI", "TTY_COMPATIBLE", "FORCE_COLOR"):
        environment.pop(variable, None)
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, argument],
        stdout=child,
        stderr=child,
        env=environment,
    )
    os.close(child)
    shown = b""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            part = os.read(parent, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(parent)
    return shown.decode(), process.wait(timeout=60)


def plain(shown: str) -> str:
    """Without the terminal's control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)


HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


def test_a_live_bar():
    shown, code = on_terminal("run")
    assert code == 0, shown
    text = plain(shown)
    assert "━" in text
    for piece in ("Epoch 1/2", "Epoch 2/2", "1/2", "2/2", "loss: ", "accuracy: ", "val_loss: "):
        assert piece in text
    _, loss, val_accuracy = text[text.index("finished") :].split()
    last = text[text.rindex("Epoch 2/2") : text.index("finished")]
    assert f"loss: {float(loss):.4f}" in last
    assert f"val_accuracy: {float(val_accuracy):.4f}" in last
    assert shown.count(HIDE) == 2
    assert shown.rindex(SHOW) > shown.rindex(HIDE)


@pytest.mark.parametrize("columns", [40, 80])
def test_a_narrow_terminal_keeps_the_epoch_and_all_its_numbers(columns):
    shown, code = on_terminal("run", columns)
    assert code == 0, shown
    text = plain(shown)
    bars = [part for part in re.split(r"[\r\n]+", text) if "━" in part]
    assert {bar.split()[1] for bar in bars} == {"1/2", "2/2"}  # nothing has cut off the epoch
    assert max(map(len, bars)) <= columns
    lines = re.findall(
        r"Epoch (\d)/2 - \S+ m?s - loss: \S+ - accuracy: \S+ - val_loss: \S+ - val_accuracy: \d\S+",
        text,
    )
    assert lines == ["1", "2"]


def test_the_cursor_comes_back_after_an_error():
    shown, code = on_terminal("fail")
    assert code == 1
    assert "RuntimeError: stop here" in plain(shown)
    assert HIDE in shown
    assert shown.rindex(SHOW) > shown.rindex(HIDE)
    assert shown.rindex(SHOW) < shown.index("Traceback")


def test_no_epochs_on_a_terminal():
    shown, code = on_terminal("none")
    assert code == 0, shown
    assert "finished" in shown
