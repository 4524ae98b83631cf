"""A saved model comes back: what it computes, how it was compiled, and how it goes on learning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import nnscratch as ns
from nnscratch import callbacks, initializers, layers, losses, metrics, optimizers, schedules
from nnscratch.configuration import Configured, class_name, deserialize, serialize
from nnscratch.naming import forget_names
from nnscratch.saving.registry import known_objects
from nnscratch.saving.tensor_file import TensorFile

x = np.random.default_rng(0).normal(size=(40, 6)).astype("float32")
y = (x[:, :1] > 0).astype("float32")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def again(model: ns.Model, path: Path, **options: Any) -> Any:
    model.save(path)
    return ns.load_model(path, **options)


def assert_same_weights(model: Any, other: Any) -> None:
    pairs = list(zip(model.get_weights(), other.get_weights(), strict=True))
    assert pairs
    for mine, theirs in pairs:
        assert mine.dtype == theirs.dtype
        assert mine.tobytes() == theirs.tobytes()


def classifier(**options: Any) -> ns.Sequential:
    model = ns.Sequential(
        [
            layers.Dense(8, activation="relu", kernel_regularizer=ns.regularizers.L1L2(0.01, 0.02)),
            layers.BatchNormalization(),
            layers.Dropout(0.3, seed=4),
            layers.GaussianNoise(0.1),
            layers.Dense(1, activation=ns.activations.sigmoid, kernel_constraint="max_norm"),
        ]
    )
    model.compile(**({"optimizer": "adam", "loss": "binary_crossentropy"} | options))
    return model


# --- Sequential -----------------------------------------------------------------------------------


def test_a_sequential_model_comes_back(path):
    model = classifier(metrics=["accuracy"])
    model.fit(x, y, epochs=2, verbose=0)
    loaded = again(model, path)
    assert isinstance(loaded, ns.Sequential)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert_same_weights(model, loaded)
    np.testing.assert_array_equal(model.predict(x, verbose=0), loaded.predict(x, verbose=0))
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


@pytest.mark.parametrize("optimizer", sorted(optimizers.OPTIMIZERS))
def test_a_loaded_model_goes_on_learning_to_the_last_bit(path, optimizer):
    options: dict[str, Any] = {"learning_rate": 0.01}
    model = classifier(optimizer=optimizers.OPTIMIZERS[optimizer](**options))
    model.fit(x, y, epochs=2, verbose=0)
    loaded = again(model, path)
    for one in (model, loaded):
        ns.random.seed(3)
        one.fit(x, y, epochs=2, verbose=0)
    assert_same_weights(model, loaded)
    assert loaded.optimizer.iterations == model.optimizer.iterations == 8


def test_the_options_of_an_optimizer_come_back(path):
    optimizer = optimizers.SGD(
        schedules.CosineDecay(0.1, decay_steps=50, alpha=0.1),
        momentum=0.9,
        nesterov=True,
        global_clipnorm=1.0,
        use_ema=True,
        gradient_accumulation_steps=3,
    )
    model = classifier(optimizer=optimizer)
    model.fit(x, y, epochs=2, batch_size=8, verbose=0)
    loaded = again(model, path)
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert loaded.optimizer.learning_rate == model.optimizer.learning_rate < 0.1
    for one in (model, loaded):
        ns.random.seed(3)
        one.fit(x, y, epochs=2, batch_size=8, verbose=0)
    assert_same_weights(model, loaded)


def test_a_learning_rate_that_was_changed_meanwhile_stays(path):
    model = classifier()
    model.fit(x, y, verbose=0)
    model.optimizer.learning_rate = 0.123
    assert again(model, path).optimizer.learning_rate == 0.123


def test_frozen_layers_stay_frozen_and_thaw(path):
    model = classifier()
    model.fit(x, y, verbose=0)
    model.trainable = False
    model.layers[-1].trainable = True
    loaded = again(model, path)
    flags = [weight.trainable for weight in model.weights]
    assert [weight.trainable for weight in loaded.weights] == flags
    assert [layer.trainable for layer in loaded.layers] == [False, False, False, False, True]
    assert not loaded.trainable
    model.trainable = loaded.trainable = True
    flags = [weight.trainable for weight in model.weights]
    assert [weight.trainable for weight in loaded.weights] == flags


def test_what_was_added_and_removed_later_counts(path):
    made = [ns.layers.Input((6,)), layers.Dense(4, name="first"), layers.Dense(3)]
    model = ns.Sequential(made, name="mine")
    model.pop()
    model.add(layers.Dense(2, name="head"))
    loaded = again(model, path)
    assert loaded.name == "mine"
    assert [layer.name for layer in loaded.layers] == ["first", "head"]
    assert_same_weights(model, loaded)


def test_new_layers_get_names_that_a_loaded_model_does_not_have(path):
    forget_names()
    model = ns.Sequential([ns.layers.Input((6,)), layers.Dense(4), layers.Dense(3)])
    model.save(path)
    forget_names()  # as in a new process
    loaded = ns.load_model(path)
    loaded.pop()
    loaded.add(layers.Dense(7))
    assert loaded.output_names == ["dense_2"]


def test_loading_draws_no_random_numbers(path):
    classifier_with_input().save(path)
    ns.random.seed(0)
    expected = ns.random.generator().random()
    ns.random.seed(0)
    ns.load_model(path)
    assert ns.random.generator().random() == expected


def classifier_with_input() -> ns.Sequential:
    return ns.Sequential([ns.layers.Input((6,)), layers.Dense(4), layers.Dense(1)])


def test_float64_stays_float64(path):
    model = ns.Sequential([layers.Dense(3, input_shape=(6,), dtype="float64")])
    loaded = again(model, path)
    assert loaded.dtype == np.float64
    assert_same_weights(model, loaded)


def test_a_model_without_weights_comes_back(path):
    model = ns.Sequential([ns.layers.Input((2, 3)), layers.Flatten()])
    assert again(model, path).predict(np.ones((1, 2, 3)), verbose=0).shape == (1, 6)


def test_infinity_in_a_configuration_comes_back(path):
    model = ns.Sequential([layers.Dense(2, input_shape=(3,), bias_initializer=constant(np.inf))])
    np.testing.assert_array_equal(again(model, path).layers[0].bias.numpy(), [np.inf, np.inf])


def constant(value: float) -> Any:
    return initializers.Constant(value)


def test_an_uncompiled_model_comes_back_uncompiled(path):
    assert again(classifier_with_input(), path).optimizer is None


def test_compiling_can_be_left_out(path):
    model = classifier()
    model.fit(x, y, verbose=0)
    loaded = again(model, path, compile=False)
    assert loaded.optimizer is None
    assert_same_weights(model, loaded)


def test_a_model_that_was_compiled_and_never_trained_comes_back(path):
    model = classifier_with_input()
    model.compile("adam", "mse")
    loaded = again(model, path)
    for one in (model, loaded):
        ns.random.seed(3)
        one.fit(x, y, verbose=0)
    assert_same_weights(model, loaded)


@pytest.mark.parametrize(
    "compiled",
    [
        {"loss": "mse", "metrics": ["mae", "mse"]},
        {"loss": losses.Huber(delta=0.3), "metrics": [metrics.BinaryAccuracy(threshold=0.2)]},
        {"loss": losses.mean_absolute_error, "weighted_metrics": ["accuracy"]},
        {"loss": "mse", "loss_weights": 0.5, "metrics": [losses.mean_squared_error]},
        {"loss": losses.MeanSquaredError(), "metrics": [metrics.MeanSquaredError()]},
    ],
    ids=["names", "objects", "functions", "weights", "loss and metric of one name"],
)
def test_what_compile_was_told_comes_back(path, compiled):
    model = classifier(**compiled)
    model.fit(x, y, verbose=0)
    loaded = again(model, path)
    assert loaded.get_compile_config() == model.get_compile_config()
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


# --- Functional -----------------------------------------------------------------------------------


def assert_comes_back(model: Any, path: Path, inputs: Any, **options: Any) -> Any:
    loaded = again(model, path, **options)
    expected, got = model.predict(inputs, verbose=0), loaded.predict(inputs, verbose=0)
    assert type(got) is type(expected)
    if isinstance(expected, dict):
        assert got.keys() == expected.keys()
        expected, got = list(expected.values()), list(got.values())
    expected, got = (expected, got) if isinstance(expected, list | tuple) else ([expected], [got])
    for one, other in zip(expected, got, strict=True):
        np.testing.assert_array_equal(one, other)
    assert_same_weights(model, loaded)
    return loaded


def test_a_shared_layer_stays_one(path):
    a, b = layers.Input((6,), name="left"), layers.Input((6,), name="right")
    shared = layers.Dense(4, activation="tanh")
    outputs = layers.Dense(1)(layers.Concatenate()([shared(a), shared(b)]))
    model = ns.Model([a, b], outputs)
    loaded = assert_comes_back(model, path, [x, x[::-1]])
    assert len(loaded.weights) == 4
    assert [symbol.name for symbol in loaded.inputs] == ["left", "right"]


def test_several_outputs_train_on_after_loading(path):
    inputs = layers.Input((6,))
    hidden = layers.Dense(5, activation="relu")(inputs)
    one = layers.Dense(1, activation="sigmoid", name="one")(hidden)
    two = layers.Dense(2, name="two")(layers.Dropout(0.2, seed=1)(hidden))
    model = ns.Model(inputs, [one, two])
    model.compile(
        "rmsprop",
        {"one": "binary_crossentropy", "two": "mse"},
        loss_weights={"one": 1.0, "two": 0.3},
        metrics={"one": ["accuracy"], "two": ["mae"]},
    )
    targets = [y, x[:, :2]]
    model.fit(x, targets, epochs=2, verbose=0)
    loaded = assert_comes_back(model, path, x)
    for model_ in (model, loaded):
        ns.random.seed(3)
        model_.fit(x, targets, epochs=2, verbose=0)
    assert_same_weights(model, loaded)
    assert loaded.history.history == model.history.history


def test_inputs_and_outputs_by_name_come_back(path):
    a, b = layers.Input((6,), name="a"), layers.Input((6,), name="b")
    model = ns.Model(
        {"first": a, "symbol": b},
        {"sum": layers.Add()([a, b]), "product": layers.Dense(2)(layers.Multiply()([a, b]))},
    )
    assert_comes_back(model, path, {"first": x, "symbol": x + 1})


def test_an_input_that_is_an_output_comes_back(path):
    a = layers.Input((6,))
    assert_comes_back(ns.Model(a, [a, layers.Dense(2)(a)]), path, x)


def test_a_layer_that_was_called_elsewhere_too_comes_back(path):
    a = layers.Input((6,))
    shared = layers.Dense(3)
    shared(layers.Input((6,)))
    assert_comes_back(ns.Model(a, shared(a)), path, x)


def test_integer_inputs_come_back(path):
    a = layers.Input((5,), dtype="int32")
    model = ns.Model(a, layers.Flatten()(layers.Embedding(10, 3)(a)))
    loaded = assert_comes_back(model, path, np.arange(20).reshape(4, 5) % 10)
    assert loaded.inputs.dtype == np.int32


def test_models_within_models_come_back(path):
    inner_inputs = layers.Input((6,))
    inner = ns.Model(inner_inputs, layers.Dense(4, activation="relu")(inner_inputs), name="inner")
    tower = ns.Sequential([layers.Dense(4), layers.BatchNormalization()], name="tower")
    a, b = layers.Input((6,)), layers.Input((6,))
    outputs = tower(layers.Add()([inner(a), inner(b)]))
    model = ns.Model([a, b], outputs)
    loaded = assert_comes_back(model, path, [x, -x])
    assert [type(layer).__name__ for layer in loaded.layers] == [
        type(layer).__name__ for layer in model.layers
    ]


def test_a_layer_in_two_models_of_one_is_refused(path):
    shared = layers.Dense(6)
    inner = ns.Sequential([shared], name="inner")
    a = layers.Input((6,))
    model = ns.Model(a, shared(inner(a)))
    with pytest.raises(ValueError, match="stands in model 'inner' and in") as caught:
        model.save(path)
    assert "save_weights" in str(caught.value)
    assert not path.exists()


# --- what is the user's own -----------------------------------------------------------------------


class Scale(layers.Layer):
    """A user's layer with an argument, a weight and a sub-layer."""

    def __init__(self, factor: float, inner: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor
        self.inner = inner or layers.Dense(6)

    def build(self, input_shape: Any) -> None:
        self.shift = self.add_weight((input_shape[-1],), "normal", name="shift")
        self.inner.build_once(input_shape)

    def call(self, inputs: Any) -> Any:
        return self.inner(inputs) * self.factor + self.shift


def halved(z: Any) -> Any:
    return z / 2


def absolute_error(y_true: Any, y_pred: Any) -> Any:
    return np.mean(np.abs(y_true - y_pred), axis=-1)


class OwnTraining(ns.Sequential):
    """A user's kind of Sequential."""


def test_own_layers_and_functions_come_back_when_they_are_given(path):
    own = Scale(0.5, layers.Dense(6, activation=halved))
    model = OwnTraining([ns.layers.Input((6,)), own, layers.Dense(1)])
    model.compile("sgd", absolute_error, metrics=[absolute_error])
    model.fit(x, y, verbose=0)
    custom = {one.__name__: one for one in (Scale, halved, absolute_error, OwnTraining)}
    loaded = assert_comes_back(model, path, x, custom_objects=custom)
    assert isinstance(loaded, OwnTraining)
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


@pytest.mark.parametrize("missing", ["Scale", "halved", "absolute_error"])
def test_what_is_not_given_is_named(path, missing):
    own = Scale(0.5, layers.Dense(6, activation=halved))
    model = ns.Sequential([ns.layers.Input((6,)), own])
    model.compile("sgd", absolute_error)
    model.save(path)
    custom = {one.__name__: one for one in (Scale, halved, absolute_error)}
    del custom[missing]
    with pytest.raises(ValueError, match=rf"names '{missing}'.*custom_objects=") as caught:
        ns.load_model(path, custom_objects=custom)
    assert str(path) in str(caught.value)


def test_a_function_without_a_name_is_refused(path):
    model = ns.Sequential([layers.Dense(1, activation=lambda z: z, input_shape=(6,))])
    with pytest.raises(TypeError, match="cannot hold"):
        model.save(path)
    assert not path.exists()


class Subclassed(ns.Model):
    """A model whose forward is code."""

    def __init__(self) -> None:
        super().__init__()
        self.first = layers.Dense(5, activation="relu")
        self.blocks = [layers.Dense(5), layers.Dense(1)]

    def call(self, inputs: Any) -> Any:
        outputs = self.first(inputs)
        for block in self.blocks:
            outputs = block(outputs)
        return outputs


def test_a_subclassed_model_is_told_to_save_weights(path):
    model = Subclassed()
    model(x)
    with pytest.raises(TypeError, match=r"code of Subclassed.*use save_weights"):
        model.save(path)
    assert not path.exists()


def test_the_weights_of_a_subclassed_model_come_back(path):
    model, other = Subclassed(), Subclassed()
    model(x)
    other(x)
    model.save_weights(path)
    other.load_weights(path)
    assert_same_weights(model, other)


# --- weights alone --------------------------------------------------------------------------------


def test_weights_come_back_whatever_the_layers_are_called(path):
    model, other = classifier_with_input(), classifier_with_input()
    model.save_weights(path)
    other.load_weights(path)
    assert_same_weights(model, other)
    names = list(safetensors.numpy.load_file(path))
    assert sorted(names) == sorted(
        f"weights/{layer.name}/{name}" for layer in model.layers for name in ("kernel", "bias")
    )


def test_weights_come_from_a_whole_model_too(path):
    model, other = classifier(), classifier()
    model.fit(x, y, verbose=0)
    other(x)
    model.save(path)
    other.load_weights(path)
    assert_same_weights(model, other)


def test_weights_that_lie_in_an_optimizers_buffer_are_overwritten_there(path):
    model = classifier()
    model.fit(x, y, verbose=0)
    model.save_weights(path)
    saved = model.get_weights()
    model.fit(x, y, epochs=2, verbose=0)
    model.load_weights(path)
    for own, array in zip(model.get_weights(), saved, strict=True):
        np.testing.assert_array_equal(own, array)
    model.fit(x, y, verbose=0)
    assert not np.array_equal(model.get_weights()[0], saved[0])


OTHER_ARCHITECTURES = {
    "other units": ([layers.Dense, 5], [layers.Dense, 1], r"\(6, 4\).*\(6, 5\)"),
    "fewer layers": ([layers.Dense, 4], None, "no further weight"),
    "other inputs": ([layers.Dense, 4], [layers.Dense, 2], r"\(4, 1\).*\(4, 2\)"),
}


@pytest.mark.parametrize("kind", OTHER_ARCHITECTURES)
def test_weights_of_another_architecture_name_layer_and_shapes_and_change_nothing(path, kind):
    *made, told = OTHER_ARCHITECTURES[kind]
    ns.Sequential(
        [ns.layers.Input((6,)), *(one[0](one[1]) for one in made if one)]  # type: ignore[list-item]
    ).save_weights(path)
    model = classifier_with_input()
    before = model.get_weights()
    with pytest.raises(ValueError, match=told) as caught:
        model.load_weights(path)
    message = str(caught.value)
    assert any(repr(layer.name) in message for layer in model.layers)
    assert "another architecture" in message
    assert str(path) in message
    for own, array in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, array)


def test_further_layers_in_the_file_are_told_of(path):
    ns.Sequential(
        [ns.layers.Input((6,)), layers.Dense(4), layers.Dense(1), layers.Dense(3, name="third")]
    ).save_weights(path)
    with pytest.raises(
        ValueError, match="no further weight, the file has 'kernel' of layer 'third'"
    ):
        classifier_with_input().load_weights(path)


def test_weights_of_another_dtype_are_refused(path):
    ns.Sequential([layers.Dense(4, input_shape=(6,), dtype="float64")]).save_weights(path)
    model = ns.Sequential([layers.Dense(4, input_shape=(6,))])
    with pytest.raises(ValueError, match=r"dtype float32, the file has .* dtype float64"):
        model.load_weights(path)


def test_weights_alone_are_no_model(path):
    classifier_with_input().save_weights(path)
    with pytest.raises(ValueError, match=r"holds no model.*load_weights"):
        ns.load_model(path)


@pytest.mark.parametrize("method", ["save", "save_weights", "load_weights"])
def test_a_model_without_weights_yet_says_so(path, method):
    classifier_with_input().save_weights(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="has no weights yet"):
        getattr(ns.Sequential([layers.Dense(4)]), method)(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("method", ["save", "save_weights"])
def test_a_file_that_must_stay_stays(path, method):
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="is there already"):
        getattr(classifier_with_input(), method)(path, overwrite=False)
    assert path.read_text() == "precious"


def test_weights_of_one_name_in_one_layer_keep_apart(path):
    class Twice(layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.first = self.add_weight((2,), "normal")
            self.second = self.add_weight((2,), "normal")

        def call(self, inputs: Any) -> Any:
            return inputs * self.first + self.second

    model = ns.Sequential([Twice(input_shape=(2,), name="twice")])
    model.save_weights(path)
    with TensorFile(path) as file:
        assert list(file.entries) == ["weights/twice/weight", "weights/twice/weight#2"]
    saved = model.get_weights()
    model.set_weights([np.zeros(2), np.zeros(2)])
    model.load_weights(path)
    np.testing.assert_array_equal(model.get_weights(), saved)


# --- the closed table -----------------------------------------------------------------------------

FAMILIES = (
    layers, losses, metrics, optimizers, schedules, initializers, ns.regularizers, ns.constraints
)  # fmt: skip


@pytest.mark.parametrize("module", FAMILIES, ids=lambda module: module.__name__)
def test_every_class_that_has_a_configuration_can_be_named(module):
    known = known_objects()
    for name, value in vars(module).items():
        if isinstance(value, type) and issubclass(value, Configured) and name[0] != "_":
            assert value is Configured or known[class_name(value)] is value


def test_the_layer_and_the_initializer_identity_keep_apart(path):
    model = ns.Sequential(
        [layers.Identity(input_shape=(3,)), layers.Dense(3, kernel_initializer="identity")]
    )
    loaded = again(model, path)
    assert isinstance(loaded.layers[0], layers.Identity)
    made = layers.Dense(2, kernel_initializer=initializers.Identity(2.0), input_shape=(2,))
    loaded = again(ns.Sequential([made]), path)
    assert isinstance(loaded.layers[0].kernel_initializer, initializers.Identity)


def test_every_activation_comes_back():
    for name, function in ns.activations.ACTIVATIONS.items():
        assert deserialize(serialize(function), known_objects()) is function, name


def test_functions_of_one_name_are_one_function():
    tables = [
        vars(ns.activations)["ACTIVATIONS"],
        {n: f for n, f in vars(losses).items() if callable(f)},
        {n: f for n, f in vars(metrics).items() if callable(f)},
    ]
    known = known_objects()
    for table in tables:
        for name, function in table.items():
            assert isinstance(function, type) or known.get(name, function) is function, name


def test_nothing_else_can_be_named():
    forbidden = {"get", "named", "made", "resolve", "serialize", "Configured", "Callback", "Known"}
    assert known_objects().keys().isdisjoint(forbidden | vars(callbacks).keys())
