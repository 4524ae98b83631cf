"""Kills a training with SIGKILL again and again and resumes it: it must end as if undisturbed.

    python tests/resume_500.py --kills 500

Each training is a process of its own that is forked before anything has happened, so that it runs
the same program from its first line. It is killed after a random number of batches and a random
moment more, which as a rule is in the midst of a save. What is compared: the SHA-256 of the final
weights and the optimizer's state, the history, and the rows that CSVLogger has written.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import nnscratch as ns
from nnscratch import layers
from nnscratch.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    LearningRateScheduler,
    ReduceLROnPlateau,
)

x = np.random.default_rng(0).normal(size=(44, 6)).astype("float32")
y = (x[:, :1] * x[:, 1:2] > 0).astype("float32")

SETTINGS: list[dict[str, Any]] = [
    {"save_freq": 1},
    {"save_freq": 3, "steps_per_epoch": 7},
    {"save_freq": "epoch"},
    {"save_freq": 2, "stream": True},
]
MOST_LOST = [1, 3, 5, 2]  # batches between two saves, which a kill may cost


class Tell(Callback):
    """Writes a byte for each batch, so that whoever kills knows how far it is."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        os.write(self.pipe, b".")


class Thaw(Callback):
    """Gradual unfreezing."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 2:
            self.model.layers[0].trainable = True


def program(folder: Path, pipe: int, setting: dict[str, Any]) -> str:
    """What a user would write; gives the digest of all that it ends with."""
    ns.random.seed(1)
    model = ns.Sequential(
        [
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.GaussianNoise(0.1, seed=7),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.layers[0].trainable = False
    model.compile("adam", "binary_crossentropy", metrics=["accuracy", "auc"])
    options = dict(setting)
    save_freq, stream = options.pop("save_freq"), options.pop("stream", False)
    data: Any = {"x": x, "y": y, "batch_size": 8, "validation_split": 0.2}
    if stream:
        data = {"x": [(x[i : i + 8], y[i : i + 8]) for i in range(0, 44, 8)]}
        data = {"x": iter(data["x"] * 8), "steps_per_epoch": 6, "validation_data": (x, y)}
    history = model.fit(
        **data,
        **options,
        epochs=7,
        verbose=0,
        callbacks=[
            Tell(pipe),
            Thaw(),
            LearningRateScheduler(lambda epoch, rate: rate * 0.95),
            ReduceLROnPlateau(patience=1),
            EarlyStopping(patience=3, restore_best_weights=True),
            CSVLogger(folder / "log.csv"),
            BackupAndRestore(folder / "backup", save_freq),
        ],
    )
    assert model.optimizer is not None
    digest = hashlib.sha256(repr(history.history).encode())
    digest.update((folder / "log.csv").read_bytes())
    for array in [*model.get_weights(), *model.optimizer.get_state(model.weights).values()]:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def start(folder: Path, setting: dict[str, Any]) -> tuple[int, int]:
    """Start the program in a process of its own; its id, and where it writes."""
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(read)
        try:
            os.write(write, program(folder, write, setting).encode())
        except BaseException as error:
            os.write(write, f"!{error!r}".encode())
        os._exit(0)
    os.close(write)
    return process, read


def run_to_the_end(folder: Path, setting: dict[str, Any]) -> tuple[str, int]:
    """The digest with which the program ends, and how many batches it needed."""
    process, read = start(folder, setting)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(process, 0)
    return said.lstrip("."), said.count(".")


def kill_on_the_way(
    folder: Path, setting: dict[str, Any], batches: int, seconds: float
) -> tuple[bool, int]:
    """Kill the program after so many batches and a moment more.

    Returns:
        tuple[bool, int]: whether it was still running, and how many batches it has done.
    """
    process, read = start(folder, setting)
    with os.fdopen(read, "rb", buffering=0) as pipe:
        seen = b""
        while len(seen) < batches and (more := pipe.read(1)):
            seen += more
        if seen.strip(b"."):
            seen += pipe.read()
            os.waitpid(process, 0)
            return False, seen.count(b".")
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        seen += pipe.read()
        return not seen.strip(b"."), seen.count(b".")


def run(kills: int, seed: int) -> tuple[int, int]:
    """Kill so often, over several trainings; how many kills, and how many within a save.

    Raises:
        AssertionError: a training ended otherwise than when it was left alone.
    """
    rng = random.Random(seed)
    done = within_a_save = trainings = 0
    with tempfile.TemporaryDirectory() as name:
        expected = []
        for number, setting in enumerate(SETTINGS):
            alone = Path(name) / f"alone{number}"
            alone.mkdir()
            expected.append(run_to_the_end(alone, setting))
            assert len(expected[-1][0]) == 64, expected[-1]
        while done < kills:
            number = trainings % len(SETTINGS)
            folder = Path(name) / f"killed{trainings}"
            folder.mkdir()
            trainings += 1
            killed = needed = 0  # since the training began from its first batch
            for _ in range(rng.randint(1, 12)):
                batches, seconds = rng.randint(0, 25), rng.random() * 0.004
                was_running, count = kill_on_the_way(folder, SETTINGS[number], batches, seconds)
                done += was_running
                within_a_save += any((folder / "backup").glob(".*.tmp"))
                if not (folder / "backup" / "backup.safetensors").exists():
                    killed = needed = 0  # nothing was saved yet, or all was done
                    continue
                killed += 1
                needed += count
            ended, count = run_to_the_end(folder, SETTINGS[number])
            digest, alone_needed = expected[number]
            assert ended == digest, f"{SETTINGS[number]}: {ended}, not {digest}"
            lost = needed + count - alone_needed
            assert 0 <= lost <= killed * MOST_LOST[number], f"{lost} batches for {killed} kills"
            assert not any((folder / "backup").iterdir()), "something was left behind"
    return done, within_a_save


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    started = time.perf_counter()
    total, saving = run(arguments.kills, arguments.seed)
    print(
        f"{total} kills, {saving} of them within a save, in {time.perf_counter() - started:.0f} s: "
        f"every training ended as when it was left alone."
    )
