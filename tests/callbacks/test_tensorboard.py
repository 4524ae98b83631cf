"""TensorBoard: what stands in its files, read with tensorboardX's own messages."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.callbacks import TensorBoard

x, y = np.ones((8, 2)), np.ones((8, 1))


def summaries(folder: Path) -> dict[str, list[tuple[int, Any]]]:
    """For each tag the steps and values in the event files of a folder."""
    from tensorboardX.proto.event_pb2 import Event

    found: dict[str, list[tuple[int, Any]]] = {}
    for path in sorted(folder.glob("events.*")):
        contents, place = path.read_bytes(), 0
        while place < len(contents):  # length, its checksum, message, its checksum
            (length,) = struct.unpack_from("<Q", contents, place)
            event = Event.FromString(contents[place + 12 : place + 12 + length])
            place += 16 + length
            for value in event.summary.value:
                kind = value.WhichOneof("value")
                held = value.simple_value if kind == "simple_value" else kind
                found.setdefault(value.tag, []).append((event.step, held))
    return found


def trained(folder: Path, **options: Any) -> Any:
    model = ns.Sequential([ns.layers.Dense(3, name="first"), ns.layers.Dense(1, name="last")])
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(
        x, y, batch_size=4, epochs=3, verbose=0, validation_data=(x, y),
        callbacks=[TensorBoard(folder, **options)],
    )  # fmt: skip
    return model


def test_logs_of_every_epoch(tmp_path):
    history = trained(tmp_path).history.history
    train, validation = summaries(tmp_path / "train"), summaries(tmp_path / "validation")
    assert set(train) == {"epoch_loss", "epoch_mae", "epoch_learning_rate"}
    assert [step for step, _ in train["epoch_loss"]] == [0, 1, 2]
    np.testing.assert_allclose([v for _, v in train["epoch_loss"]], history["loss"], rtol=1e-6)
    np.testing.assert_allclose([v for _, v in train["epoch_learning_rate"]], [0.01] * 3)
    np.testing.assert_allclose([v for _, v in validation["epoch_mae"]], history["val_mae"])
    over_steps = validation["evaluation_loss_vs_iterations"]
    assert [step for step, _ in over_steps] == [2, 4, 6]
    np.testing.assert_allclose([v for _, v in over_steps], history["val_loss"], rtol=1e-6)


@pytest.mark.parametrize(
    ("freq", "steps"), [("batch", [1, 2, 3, 4, 5, 6]), (4, [4]), (2, [2, 4, 6])]
)
def test_logs_of_batches(tmp_path, freq, steps):
    trained(tmp_path, update_freq=freq, write_steps_per_second=True)
    train = summaries(tmp_path / "train")
    assert [step for step, _ in train["batch_loss"]] == steps
    assert [step for step, _ in train["batch_steps_per_second"]] == steps
    assert all(value > 0 for _, value in train["epoch_steps_per_second"])


def test_histograms_and_pictures_of_weights(tmp_path):
    trained(tmp_path, histogram_freq=2, write_images=True)
    train = summaries(tmp_path / "train")
    for name in ("first/kernel", "first/bias", "last/kernel", "last/bias"):
        assert train[f"{name}/histogram"] == [(0, "histo"), (2, "histo")]
        assert train[f"{name}/image"] == [(0, "image"), (2, "image")]


def test_evaluations_outside_of_fit(tmp_path):
    model = trained(tmp_path / "a")
    callback = TensorBoard(tmp_path / "b")
    model.evaluate(x, y, verbose=0, callbacks=[callback])
    callback.close()
    assert set(summaries(tmp_path / "b" / "validation")) == {
        "evaluation_loss_vs_iterations",
        "evaluation_mae_vs_iterations",
    }


@pytest.mark.parametrize(
    "options",
    [{"profile_batch": 2}, {"embeddings_freq": 1}, {"update_freq": 0}, {"update_freq": "step"}],
    ids=str,
)
def test_what_it_cannot_do_is_refused(options):
    with pytest.raises(ValueError, match="TensorBoard"):
        TensorBoard(**options)
