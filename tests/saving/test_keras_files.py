"""Weights from files that Keras has written: the predictions are then Keras's."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

import nnscratch as ns

# Keras reads its torch variables through an __array__ that knows no copy=.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

x = np.random.default_rng(0).normal(size=(30, 6)).astype("float32")


def dense_network(module: Any, units: int = 5) -> Any:
    return module.Sequential(
        [
            module.layers.Input((6,)),
            module.layers.Dense(units, activation="relu"),
            module.layers.BatchNormalization(),
            module.layers.Dropout(0.2, seed=1),
            module.layers.LayerNormalization(),
            module.layers.PReLU(),
            module.layers.Dense(3, use_bias=False, activation="softmax"),
        ]
    )


def branches(module: Any) -> Any:
    """Two branches of different depths, whose layers Keras lists in another order than they were
    called in, a shared layer, and models within the model."""
    layers = module.layers
    inputs = layers.Input((6,))
    shallow = layers.Dense(4)(inputs)
    deep = layers.Dense(4, activation="tanh")(layers.Dense(4)(layers.Dense(4)(inputs)))
    shared = layers.Dense(4, activation="sigmoid")
    inner_inputs = layers.Input((4,))
    inner = module.Model(inner_inputs, layers.Dense(4)(layers.Dense(4)(inner_inputs)))
    tower = module.Sequential([layers.Dense(4), layers.BatchNormalization()])
    joined = layers.Add()([shared(shallow), shared(deep), inner(shallow)])
    return module.Model(inputs, [layers.Dense(2)(tower(joined)), layers.Dense(1)(shallow)])


def several_inputs(module: Any) -> Any:
    layers = module.layers
    one, two = layers.Input((6,)), layers.Input((6,))
    second = layers.Dense(3)(two)
    first = layers.Dense(3)(one)
    return module.Model([one, two], layers.Dense(2)(layers.Concatenate()([first, second])))


def own_layers(module: Any) -> Any:
    """A model of the user's own class, with a layer of the user's own class in it."""

    class Mixed(module.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.zeta = module.layers.Dense(4)
            self.alpha = module.layers.Dense(4)
            self.blocks = [module.layers.Dense(4), module.layers.Dense(4)]

        def build(self, shape: Any) -> None:
            self.steady = self.add_weight(shape=(4,), trainable=False, name="steady")
            self.scale = self.add_weight(shape=(4,), name="scale")
            self.built = True

        def call(self, inputs: Any) -> Any:
            outputs = self.zeta(self.alpha(inputs))
            for block in self.blocks:
                outputs = block(outputs)
            return outputs * self.scale + self.steady

    class Own(module.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.mixed = Mixed()
            self.head = module.layers.Dense(2)

        def call(self, inputs: Any) -> Any:
            return self.head(self.mixed(inputs))

    model = Own()
    model(x)
    return model


def embedding(module: Any) -> Any:
    layers = module.layers
    return module.Sequential(
        [layers.Input((6,)), layers.Embedding(9, 3), layers.Flatten(), layers.Dense(1)]
    )


MODELS = {
    "sequential": (dense_network, x),
    "branches": (branches, x),
    "several inputs": (several_inputs, [x, x + 1]),
    "own layers": (own_layers, x),
    "embedding": (embedding, np.arange(60).reshape(10, 6) % 9),
}


def outputs_of(model: Any, inputs: Any) -> list[Any]:
    outputs = model.predict(inputs, verbose=0)
    return outputs if isinstance(outputs, list) else [outputs]


def with_random_weights(model: Any) -> Any:
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 1.0, np.shape(w)) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
@pytest.mark.parametrize("kind", MODELS)
def test_predictions_are_those_of_keras(tmp_path, kind, ending):
    make, inputs = MODELS[kind]
    theirs = with_random_weights(make(keras))
    path = tmp_path / f"model{ending}"
    if ending == ".keras":
        theirs.save(path)
    else:
        theirs.save_weights(path)
    ours = make(ns)
    ns.load_keras_weights(ours, path)
    expected = outputs_of(theirs, inputs)
    for got, wanted in zip(outputs_of(ours, inputs), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-5)


def random_graph(module: Any, seed: int) -> Any:
    """Layers of one kind, wired at random, some shared, with several outputs."""
    rng = np.random.default_rng(seed)
    layers = module.layers
    shared = [layers.Dense(6) for _ in range(2)]
    tensors = [layers.Input((6,))]
    for _ in range(12):
        chosen = [tensors[int(i)] for i in rng.integers(len(tensors), size=int(rng.integers(1, 4)))]
        inputs = layers.Add()(chosen) if len(chosen) > 1 else chosen[0]
        layer = shared[int(rng.integers(2))] if rng.random() < 0.2 else layers.Dense(6)
        tensors.append(layer(inputs))
    outputs = [tensors[int(i)] for i in rng.choice(np.arange(1, len(tensors)), 3, replace=False)]
    return module.Model(tensors[0], outputs)


@pytest.mark.parametrize("seed", range(12))
def test_layers_of_any_graph_are_matched_as_keras_lists_them(tmp_path, seed):
    theirs = random_graph(keras, seed)
    rng = np.random.default_rng(1)
    theirs.set_weights([rng.uniform(-0.5, 0.5, np.shape(w)) for w in theirs.get_weights()])
    theirs.save_weights(tmp_path / "w.weights.h5")
    ours = random_graph(ns, seed)
    ns.load_keras_weights(ours, tmp_path / "w.weights.h5")
    for got, wanted in zip(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)


def test_a_trained_model_with_its_optimizer_and_metrics(tmp_path):
    theirs = dense_network(keras)
    theirs.compile("adam", "mse", metrics=["mae"])
    theirs.fit(x, x[:, :3], epochs=2, verbose=0)
    theirs.save(tmp_path / "trained.keras")
    ours = dense_network(ns)
    ns.load_keras_weights(ours, tmp_path / "trained.keras")
    np.testing.assert_allclose(
        ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=2e-5, atol=2e-6
    )


def test_adapted_statistics(tmp_path):
    theirs = keras.Sequential([keras.layers.Input((6,)), keras.layers.Normalization()])
    theirs.layers[0].adapt(x)
    theirs.save(tmp_path / "adapted.keras")
    ours = ns.Sequential([ns.layers.Input((6,)), ns.layers.Normalization()])
    ns.load_keras_weights(ours, tmp_path / "adapted.keras")
    np.testing.assert_allclose(
        ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-5, atol=1e-6
    )


def test_float64_weights_stay_exact(tmp_path):
    made = [
        module.Sequential([module.layers.Input((6,)), module.layers.Dense(2, dtype="float64")])
        for module in (keras, ns)
    ]
    made[0].save_weights(tmp_path / "w.weights.h5")
    ns.load_keras_weights(made[1], tmp_path / "w.weights.h5")
    for own, theirs in zip(made[1].get_weights(), made[0].get_weights(), strict=True):
        np.testing.assert_array_equal(own, theirs)


def test_frozen_layers_are_loaded_all_the_same(tmp_path):
    theirs, ours = with_random_weights(dense_network(keras)), dense_network(ns)
    theirs.trainable = ours.trainable = False
    theirs.save_weights(tmp_path / "w.weights.h5")
    ns.load_keras_weights(ours, tmp_path / "w.weights.h5")
    np.testing.assert_allclose(
        ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=2e-5, atol=2e-6
    )


# --- what is refused ------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.weights.h5"
    dense_network(keras).save_weights(path)
    return path


def refused(model: Any, path: Path) -> str:
    """The message with which a file is refused, after which the model is as it was."""
    before = model.get_weights()
    with pytest.raises(ValueError, match="cannot be loaded") as caught:
        ns.load_keras_weights(model, path)
    for own, array in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, array)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def test_other_units_name_the_layer_and_both_shapes(path):
    message = refused(dense_network(ns, units=7), path)
    assert "layer 'dense" in message
    assert "(6, 7)" in message
    assert "(6, 5)" in message


def test_a_layer_too_many_in_the_file(path):
    model = ns.Sequential([ns.layers.Input((6,)), ns.layers.Dense(5)])
    assert "'layers/" in refused(model, path)


def test_a_layer_too_few_in_the_file(path):
    model = dense_network(ns)
    model.add(ns.layers.Dense(2, name="more"))
    assert "layer 'more' has 2 weights" in refused(model, path)


def test_a_missing_file_is_told_of_as_such(tmp_path):
    with pytest.raises(FileNotFoundError):
        ns.load_keras_weights(dense_network(ns), tmp_path / "none.weights.h5")


def test_a_model_without_weights_yet_says_so(path):
    with pytest.raises(ValueError, match="has no weights yet"):
        ns.load_keras_weights(ns.Sequential([ns.layers.Dense(4)]), path)


@pytest.mark.parametrize("contents", [b"", b"hello", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_foreign_files(path, contents):
    path.write_bytes(contents)
    assert "not a whole HDF5 file" in refused(dense_network(ns), path)


def test_a_file_of_our_own(path):
    model = dense_network(ns)
    model.save(path)
    assert "not a whole HDF5 file" in refused(model, path)


def test_cuts(path):
    contents = path.read_bytes()
    for length in range(0, len(contents), 997):
        path.write_bytes(contents[:length])
        refused(dense_network(ns), path)


def archive(path: Path, **members: bytes) -> Path:
    kept = path.with_suffix(".keras")
    with zipfile.ZipFile(kept, "w") as file:
        for name, contents in members.items():
            file.writestr(name, contents)
    return kept


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "a/../../b", "C:\\evil", "..\\evil"])
def test_an_archive_whose_members_point_out_of_it(path, name):
    made = archive(path, **{name: b"x", "model.weights.h5": path.read_bytes()})
    assert "points out of the archive" in refused(dense_network(ns), made)


def test_an_archive_without_weights(path):
    assert "no model.weights.h5" in refused(dense_network(ns), archive(path, **{"a.json": b"{}"}))


def test_a_compressed_archive_which_may_be_a_bomb(path):
    kept = path.with_suffix(".keras")
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("model.weights.h5", bytes(10_000_000))
    assert "compressed" in refused(dense_network(ns), kept)


def test_an_archive_that_was_cut(path):
    made = archive(path, **{"model.weights.h5": path.read_bytes()})
    made.write_bytes(made.read_bytes()[:-100])
    refused(dense_network(ns), made)


def test_a_link_to_another_file(path, tmp_path):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["numbers"] = np.zeros((6, 5), np.float32)
    with h5py.File(path, "a") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = h5py.ExternalLink(secret, "numbers")
    assert "link to elsewhere" in refused(dense_network(ns), path)


def test_a_soft_link(path):
    with h5py.File(path, "a") as file:
        del file["layers/dense/vars"]
        file["layers/dense/vars"] = h5py.SoftLink("/layers/dense_1/vars")
    assert "link to elsewhere" in refused(dense_network(ns), path)


def test_numbers_that_lie_in_another_file(path, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(120))
    with h5py.File(path, "a") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars"].create_dataset(
            "0", (6, 5), "float32", external=[(str(secret), 0, 120)]
        )
    assert "outside the file" in refused(dense_network(ns), path)


def test_a_virtual_dataset(path, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["numbers"] = np.zeros((6, 5), np.float32)
    layout = h5py.VirtualLayout((6, 5), "float32")
    layout[:] = h5py.VirtualSource(tmp_path / "secret.h5", "numbers", (6, 5))
    with h5py.File(path, "a") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars"].create_virtual_dataset("0", layout)
    assert "outside the file" in refused(dense_network(ns), path)


def test_a_huge_shape_with_nothing_behind_it(path):
    with h5py.File(path, "a") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars"].create_dataset(
            "0", (1 << 20, 1 << 20), "float32", chunks=(1024, 1024), compression="gzip"
        )
    assert "(1048576, 1048576)" in refused(dense_network(ns), path)


def test_text_instead_of_numbers(path):
    with h5py.File(path, "a") as file:
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = np.array([b"abc"] * 5)
    assert "dtype |S3" in refused(dense_network(ns), path)


def test_flipped_bits_give_an_error_or_other_numbers(path):
    """HDF5 has no digest: a flipped bit among the numbers cannot be noticed."""
    contents = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(contents)
        for place in rng.integers(len(damaged), size=3):
            damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        model = dense_network(ns)
        try:
            ns.load_keras_weights(model, path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017 # either way is right


def test_keras_itself_agrees_on_what_is_in_an_archive(path):
    """So that the archives above fail for the reason that they are made for."""
    made = archive(path, **{"model.weights.h5": path.read_bytes()})
    ns.load_keras_weights(dense_network(ns), made)
    with zipfile.ZipFile(made) as file, h5py.File(io.BytesIO(file.read("model.weights.h5"))) as h5:
        assert "layers" in h5
