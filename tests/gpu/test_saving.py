"""Files written on one device and read on another, and trainings that go on where they were."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import nnscratch as ns
from nnscratch import layers
from nnscratch.callbacks import BackupAndRestore, Callback, ModelCheckpoint
from tests.saving.interruption import Interrupt, Interruption, network, x, y

both = pytest.mark.parametrize("device", ["cpu", "gpu"])


def trained(device):
    ns.random.seed(1)
    model = network().to(device)
    model.fit(x, y, verbose=0)
    return model


def assert_equal_bits(model, expected):
    assert len(model.weights) == len(expected.weights)
    for one, other in zip(model.get_weights(), expected.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()


def goes_on(model):
    ns.random.seed(2)
    return model.fit(x, y, epochs=2, verbose=0).history


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_files_are_the_same_bytes(cupy, path):
    model = trained("cpu")
    model.save(path)
    expected = path.read_bytes()
    model.to("gpu").save(path)
    assert path.read_bytes() == expected
    model.save_weights(path)
    weights = path.read_bytes()
    model.to("cpu").save_weights(path)
    assert path.read_bytes() == weights


@pytest.mark.parametrize("target", ["cpu", "gpu"])
@both
def test_save_on_one_device_and_load_on_the_other(cupy, path, device, target):
    model = trained(device)
    model.save(path)
    with ns.device(target):
        loaded = ns.load_model(path)
    assert loaded.device[:3] == target
    assert {weight.device[:3] for weight in loaded.weights} == {target}
    assert_equal_bits(loaded, model)
    model.to(target)
    assert goes_on(loaded) == goes_on(model)
    assert_equal_bits(loaded, model)


@pytest.mark.parametrize("target", ["cpu", "gpu"])
@both
def test_weights_alone(cupy, path, device, target):
    model, other = trained(device), trained(target)
    model.save_weights(path)
    goes_on(other)
    other.load_weights(path)
    assert other.device[:3] == target
    assert_equal_bits(other, model)


@both
def test_what_goes_on_after_loading_weights_is_the_same(cupy, path, device):
    """The weights are views of the optimizer's buffers, which loading must not replace."""
    model = trained(device)
    model.save_weights(path)
    goes_on(model)
    model.load_weights(path)
    twin = copy.deepcopy(model)
    twin.set_weights(model.get_weights())
    assert goes_on(model) == goes_on(twin)
    assert_equal_bits(model, twin)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's
def test_weights_of_keras(cupy, tmp_path):
    import keras

    theirs = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()]
    )
    theirs.save_weights(tmp_path / "keras.weights.h5")
    ours = ns.Sequential([layers.Dense(3, input_dim=4), layers.BatchNormalization()]).to("gpu")
    ns.load_keras_weights(ours, tmp_path / "keras.weights.h5")
    assert ours.device == "gpu:0"
    for own, keras_layer in zip(ours.layers, theirs.layers, strict=True):
        for one, other in zip(own.get_weights(), keras_layer.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("weights_only", [False, True])
def test_checkpoints(cupy, tmp_path, weights_only):
    path = tmp_path / "epoch-{epoch}.safetensors"
    ns.random.seed(1)
    model = network().to("gpu")
    model.fit(
        x, y, epochs=2, verbose=0, callbacks=[ModelCheckpoint(path, save_weights_only=weights_only)]
    )
    last = tmp_path / "epoch-2.safetensors"
    if weights_only:
        loaded = trained("cpu")
        loaded.load_weights(last)
    else:
        loaded = ns.load_model(last)
    assert_equal_bits(loaded, model)


class KeepsAnArray(Callback):
    """A callback whose state is on the GPU."""

    state_names = ("seen",)

    def on_train_begin(self, logs=None):
        self.seen = self.model.weights[0].data * 0

    def on_epoch_end(self, epoch, logs=None):
        self.seen = ns.Tensor(self.seen).to(self.model.device).data + self.model.weights[0].data


@pytest.mark.parametrize("save_freq", ["epoch", 1, 3])
@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5, 6, 7])
@both
def test_a_killed_training_goes_on_to_the_bit(cupy, tmp_path, device, stop, save_freq):
    def program(*callbacks):
        ns.random.seed(1)
        model = network().to(device)
        keeps = KeepsAnArray()
        backup = BackupAndRestore(tmp_path, save_freq=save_freq)
        fit = model.fit(
            x, y, epochs=4, batch_size=20, verbose=0, callbacks=[keeps, *callbacks, backup]
        )
        return model, fit.history, ns.Tensor(keeps.seen).numpy()

    ns.random.seed(1)
    with pytest.raises(Interruption):
        program(Interrupt(stop))
    found = program()
    expected = program()
    assert not any(tmp_path.iterdir())
    assert_equal_bits(found[0], expected[0])
    assert found[1] == expected[1]
    assert found[2].tobytes() == expected[2].tobytes()
    state, other = (model.optimizer.get_state(model.weights) for model, *_ in (found, expected))
    assert {n: a.tobytes() for n, a in state.items()} == {n: a.tobytes() for n, a in other.items()}


@pytest.mark.parametrize(("first", "second"), [("cpu", "gpu"), ("gpu", "cpu")])
def test_a_training_goes_on_on_another_device(cupy, tmp_path, first, second):
    def program(device, *callbacks):
        ns.random.seed(1)
        model = network().to(device)
        backup = BackupAndRestore(tmp_path, save_freq=2)
        fit = model.fit(x, y, epochs=4, batch_size=20, verbose=0, callbacks=[*callbacks, backup])
        return model, fit.history

    with pytest.raises(Interruption):
        program(first, Interrupt(5))
    model, history = program(second)
    expected, expected_history = program("cpu")
    assert model.device[:3] == second
    for one, other in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)
    for name, values in expected_history.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-3)


def test_a_file_that_does_not_fit_changes_nothing(cupy, path):
    model = trained("gpu")
    before = model.get_weights()
    trained("cpu").save_weights(path)
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(bytes(damaged))
    with pytest.raises(ValueError, match="damaged"):
        model.load_weights(path)
    for one, other in zip(model.get_weights(), before, strict=True):
        assert one.tobytes() == other.tobytes()
