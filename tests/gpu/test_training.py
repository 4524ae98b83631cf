"""Whole trainings on the GPU: what the CPU gives, with nothing copied back but the logs."""

from __future__ import annotations

import copy
import runpy
from pathlib import Path

import numpy as np
import pytest

import nnscratch as ns
from nnscratch import layers
from nnscratch.callbacks import Callback, EarlyStopping, LambdaCallback, TerminateOnNaN
from nnscratch_kernels.devices import device_of, is_on_gpu
from tests.optimizers.test_against_keras import OPTIONS

SAMPLES = 44
TOLERANCE = {"float32": 2e-4, "float64": 1e-9}

generator = np.random.default_rng(0)
x = generator.normal(size=(SAMPLES, 6))
binary = (x[:, :1] * x[:, 1:2] > 0).astype(int)
labels = generator.integers(3, size=SAMPLES)
numbers = x @ generator.normal(size=(6, 2)) + 0.1 * generator.normal(size=(SAMPLES, 2))
words = generator.integers(9, size=(SAMPLES, 5))
weights = generator.uniform(0, 2, SAMPLES)


# --- the models ---


def two_classes(dtype):
    model = ns.Sequential(
        [
            layers.Dense(8, activation="relu", dtype=dtype),
            layers.Dropout(0.3, dtype=dtype),
            layers.Dense(1, activation="sigmoid", dtype=dtype),
        ]
    )
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy", "auc"])
    return model, (x, binary)


def three_classes(dtype):
    model = ns.Sequential(
        [
            layers.Normalization(mean=0.5, variance=2.0, dtype=dtype),
            layers.Dense(8, dtype=dtype),
            layers.BatchNormalization(dtype=dtype),
            layers.Activation("gelu", dtype=dtype),
            layers.GaussianNoise(0.1, seed=7, dtype=dtype),
            layers.Dense(3, activation="softmax", dtype=dtype),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    return model, (x, labels)


def regularized(dtype):
    model = ns.Sequential(
        [
            layers.Dense(
                8,
                activation="tanh",
                kernel_regularizer="orthogonal_regularizer",
                activity_regularizer="l1",
                kernel_constraint=ns.constraints.MaxNorm(1.0),
                dtype=dtype,
            ),
            layers.LayerNormalization(gamma_constraint="non_neg", dtype=dtype),
            layers.Dense(2, kernel_regularizer="l1_l2", bias_regularizer="l2", dtype=dtype),
        ]
    )
    model.layers[1].trainable = False
    model.compile("nadam", "huber", metrics=["mae", ns.metrics.R2Score()])
    return model, (x, numbers)


def of_words(dtype):
    model = ns.Sequential(
        [
            layers.Embedding(9, 4, dtype=dtype),
            layers.GlobalAveragePooling1D(dtype=dtype),
            layers.Dense(3, activation="softmax", dtype=dtype),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, (words, labels[:, None].astype(float))


def functional(dtype):
    first, second = layers.Input((6,), dtype, "first"), layers.Input((5,), "int64", "second")
    shared = layers.Dense(4, activation="relu", dtype=dtype)
    a = shared(first)
    b = layers.Flatten(dtype=dtype)(layers.Embedding(9, 2, dtype=dtype)(second))
    joined = layers.concatenate([a, b], dtype=dtype)
    one = layers.Dense(1, activation="sigmoid", name="one", dtype=dtype)(joined)
    two = layers.Dense(2, name="two", dtype=dtype)(layers.add([a, a], dtype=dtype))
    model = ns.Model({"first": first, "second": second}, [one, two])
    model.compile(
        "adam",
        {"one": "binary_crossentropy", "two": "mse"},
        loss_weights=[1.0, 0.5],
        metrics={"one": ["accuracy"], "two": ["mae"]},
    )
    return model, ({"first": x, "second": words}, [binary, numbers])


class Subclassed(ns.Model):
    """A model with its own step, an added loss, and weights made late."""

    def __init__(self, dtype):
        super().__init__(dtype=dtype)
        self.hidden = [layers.Dense(5, activation="selu", dtype=dtype) for _ in range(2)]
        self.scale = np.array([1.0, 2.0], dtype)

    def build(self, input_shape):
        self.out = layers.Dense(2, dtype=self.dtype)

    def call(self, inputs, training=False):
        for layer in self.hidden:
            inputs = layer(inputs)
        self.add_loss(0.01 * np.mean(np.square(inputs)))
        return self.out(inputs) * self.scale

    def train_step(self, data):
        logs = super().train_step(data)
        return logs | {"twice": 2 * logs["loss"]}


def subclassed(dtype):
    model = Subclassed(dtype)
    model.compile("adamw", lambda y, p: np.mean(np.square(y - p), axis=-1))
    return model, (x, numbers)


MODELS = [two_classes, three_classes, regularized, of_words, functional, subclassed]
every_model = pytest.mark.parametrize("make", MODELS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def fitted(make, dtype, device, **options):
    ns.random.seed(1)
    model, data = make(dtype)
    model.to(device)
    history = model.fit(*data, epochs=3, batch_size=16, verbose=0, **options)
    return model, history.history


def assert_same(there, here, dtype):
    """Two models and their histories: the same weights and logs but for roundings."""
    tolerance = TOLERANCE[dtype]
    (model, history), (expected_model, expected_history) = there, here
    for one, other in zip(model.get_weights(), expected_model.get_weights(), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    assert history.keys() == expected_history.keys()
    for name, values in expected_history.items():
        assert all(type(value) is float for value in history[name])
        np.testing.assert_allclose(history[name], values, rtol=tolerance, atol=tolerance)


# --- fit, evaluate, predict ---


@every_dtype
@every_model
def test_fit(cupy, make, dtype):
    here, there = (fitted(make, dtype, device) for device in ("cpu", "gpu"))
    assert {weight.device for weight in there[0].weights} == {"gpu:0"}
    assert_same(there, here, dtype)


@every_model
def test_fit_under_a_device(cupy, make):
    here = fitted(make, "float64", "cpu")
    ns.random.seed(1)
    with ns.device("gpu"):
        model, data = make("float64")
        history = model.fit(*data, epochs=3, batch_size=16, verbose=0).history
    assert {weight.device for weight in model.weights} == {"gpu:0"}
    assert_same((model, history), here, "float64")


@pytest.mark.parametrize(
    "options",
    [
        {"validation_split": 0.3},
        {"sample_weight": weights, "shuffle": False},
        {"class_weight": {0: 1.0, 1: 2.5, 2: 0.5}},
        {"class_weight": {0: 1.0, 1: 2.5, 2: 0.5}, "sample_weight": weights},
        {"steps_per_epoch": 2, "validation_data": (x[:9], labels[:9], weights[:9])},
    ],
    ids=str,
)
@pytest.mark.parametrize("make", [two_classes, three_classes])
def test_options_of_fit(cupy, make, options):
    options = dict(options)
    if make is two_classes and "validation_data" in options:
        options["validation_data"] = (x[:9], binary[:9])
    here, there = (fitted(make, "float64", device, **options) for device in ("cpu", "gpu"))
    assert_same(there, here, "float64")


@every_model
def test_evaluate_and_predict(cupy, make):
    here, data = make("float64")
    here.predict(data[0], verbose=0)
    there = copy.deepcopy(here).to("gpu")
    expected = here.evaluate(*data, verbose=0, return_dict=True)
    assert there.evaluate(*data, verbose=0, return_dict=True) == pytest.approx(expected, rel=1e-9)
    for method in ("predict", "predict_on_batch"):
        found = ns.autograd.trees.leaves(getattr(there, method)(data[0]))
        wanted = ns.autograd.trees.leaves(getattr(here, method)(data[0]))
        for one, other in zip(found, wanted, strict=True):
            assert type(one) is np.ndarray
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@every_model
def test_single_batches(cupy, make):
    ns.random.seed(1)
    here, data = make("float64")
    here.predict(data[0], verbose=0)
    there = copy.deepcopy(here).to("gpu")
    for method in ("train_on_batch", "test_on_batch"):
        found = []
        for model in (here, there):
            ns.random.seed(2)
            found.append(getattr(model, method)(*data, return_dict=True))
        assert found[1] == pytest.approx(found[0], rel=1e-9)


def test_batches_from_a_generator(cupy):
    def stream():
        for start in range(0, SAMPLES, 11):
            part = slice(start, start + 11)
            yield x[part], labels[part], weights[part]

    results = []
    for device in ("cpu", "gpu"):
        ns.random.seed(1)
        model = three_classes("float64")[0].to(device)
        history = model.fit(stream(), verbose=0).history
        results.append((model, history))
    assert_same(results[1], results[0], "float64")


def test_a_file_as_data(cupy, tmp_path):
    stored = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", ">f8", x.shape)
    stored[:] = x
    targets = np.lib.format.open_memmap(tmp_path / "y.npy", "w+", ">i4", labels.shape)
    targets[:] = labels
    results = []
    for device in ("cpu", "gpu"):
        ns.random.seed(1)
        model = three_classes("float64")[0].to(device)
        results.append((model, model.fit(stored, targets, verbose=0).history))
    assert_same(results[1], results[0], "float64")


# --- data on the GPU ---


def of_gpu(cupy, data):
    trees = ns.autograd.trees
    return tuple(trees.rebuild(d, (cupy.asarray(a) for a in trees.leaves(d))) for d in data)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@every_model
def test_data_on_the_gpu(cupy, host_copies, make, device):
    here = fitted(make, "float64", "cpu")
    ns.random.seed(1)
    model, data = make("float64")
    model.to(device)
    there = of_gpu(cupy, data)
    history = model.fit(*there, epochs=3, batch_size=16, verbose=0).history
    assert_same((model, history), here, "float64")
    if device == "gpu":
        with host_copies() as counted:
            batch = model._at_home(next(iter(model._data(*there, None, 16, None, None).batches())))
        assert not counted.uploads
        assert all(is_on_gpu(a) for a in ns.autograd.trees.leaves(list(batch[:2])))
    found = model.evaluate(*there, verbose=0, return_dict=True)
    expected = here[0].evaluate(*data, verbose=0, return_dict=True)
    assert found == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    "options",
    [
        {"validation_split": 0.3},
        {"class_weight": {0: 1.0, 1: 2.5, 2: 0.5}},
        {"sample_weight": weights},
        {"sample_weight": weights, "class_weight": {0: 1.0, 1: 2.5, 2: 0.5}},
    ],
    ids=lambda options: "-".join(options),
)
def test_options_with_data_on_the_gpu(cupy, options):
    here = fitted(three_classes, "float64", "cpu", **options)
    ns.random.seed(1)
    model, data = three_classes("float64")
    if "sample_weight" in options:
        options = options | {"sample_weight": cupy.asarray(weights)}
    fit = model.to("gpu").fit(*of_gpu(cupy, data), epochs=3, batch_size=16, verbose=0, **options)
    assert_same((model, fit.history), here, "float64")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, b: (a * np.nan, b), "x holds NaN in 44 of 44 rows"),
        (lambda a, b: (a / 0, b), "x holds infinite numbers in 44 of 44 rows"),
        (lambda a, b: (a[:-1], b), "x has 43 samples but y has 44"),
        (lambda a, b: (a, b + 1), "got the label 3 for 3 classes"),
        (lambda a, b: (a, b + 0.5), "labels are whole"),
        (lambda a, b: (a[:, :5], b), r"\(None, 6\)"),
    ],
)
@pytest.mark.parametrize("on_gpu", [False, True])
def test_data_is_refused_before_anything_changes(cupy, on_gpu, change, message):
    model, data = three_classes("float64")
    model.predict(x, verbose=0)
    model.to("gpu")
    before = model.get_weights()
    with np.errstate(divide="ignore"), pytest.raises(ValueError, match=message):
        model.fit(*change(*(of_gpu(cupy, data) if on_gpu else data)), verbose=0)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


# --- copies ---


def count_copies(host_copies, model, data, step="train_on_batch"):
    getattr(model, step)(*data)  # compiles, and matches metrics with outputs
    with host_copies() as counted:
        getattr(model, step)(*data)
    assert not counted.synchronizations
    return counted


@pytest.mark.parametrize("step", ["train_on_batch", "test_on_batch"])
@every_dtype
@every_model
def test_only_logs_are_copied_to_the_host(cupy, host_copies, make, dtype, step):
    model, data = make(dtype)
    counted = count_copies(host_copies, model.to("gpu"), data, step)
    assert len(counted.copies) == len(model.metrics)
    assert not any("/training/" in place for place in counted.copies)  # but of metrics' results
    assert len(counted.uploads) <= len(ns.autograd.trees.leaves(list(data))) + 1  # and noise


@pytest.mark.parametrize("on_gpu", [False, True])
@every_model
def test_steps_of_fit_copy_logs_back_and_at_most_their_batch_there(cupy, host_copies, make, on_gpu):
    model, data = make("float32")
    model.to("gpu").fit(*data, batch_size=22, verbose=0)
    for layer in model.layers:
        vars(layer).update(rate=0.0, stddev=0.0)  # noise comes from the host
    data = of_gpu(cupy, data) if on_gpu else data
    seen = []

    def note(batch, logs):
        seen.append((len(counted.copies), len(counted.uploads), len(counted.synchronizations)))

    with host_copies() as counted:
        callback = LambdaCallback(on_train_batch_end=note)
        model.fit(*data, batch_size=11, shuffle=False, verbose=0, callbacks=[callback])
    copies, uploads, synchronizations = np.diff(seen, axis=0).T
    assert set(copies) == {len(model.metrics)}
    assert set(uploads) == {0 if on_gpu else len(ns.autograd.trees.leaves(list(data)))}
    assert not any(synchronizations)


def test_weighted_steps_copy_only_logs(cupy, host_copies):
    model, data = three_classes("float32")
    counted = count_copies(host_copies, model.to("gpu"), (*data, weights))
    assert len(counted.copies) == 2


# --- optimizers ---

FURTHER = [
    ("SGD", {"clipnorm": 0.01}),
    ("SGD", {"clipnorm": 1e3}),
    ("SGD", {"global_clipnorm": 1e3}),
    ("SGD", {"clipvalue": 0.01}),
    ("Adam", {"global_clipnorm": 0.01}),
    ("Adam", {"weight_decay": 0.1}),
    ("Adam", {"use_ema": True, "ema_momentum": 0.5}),
    ("SGD", {"use_ema": True, "ema_overwrite_frequency": 2, "momentum": 0.5}),
    ("Adam", {"loss_scale_factor": 128.0}),
    ("Adam", {"gradient_accumulation_steps": 2}),
    ("RMSprop", {"gradient_accumulation_steps": 3, "clipnorm": 0.1, "loss_scale_factor": 8.0}),
    ("Adam", {"learning_rate": ns.schedules.CosineDecay(0.1, 10)}),
]
every_optimizer = pytest.mark.parametrize(
    ("name", "options"),
    [*OPTIONS, *FURTHER],
    ids=[f"{name}({','.join(options)})" for name, options in [*OPTIONS, *FURTHER]],
)


def steps(device, name, options, dtype, away=None):
    """A model and the optimizer's state after some steps, between which the model goes `away`."""
    ns.random.seed(1)
    model = regularized(dtype)[0].to(device)
    optimizer = getattr(ns.optimizers, name)(**options)
    model.compile(optimizer, "mse")
    model(x)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.set_learning_rate_multipliers({model.layers[2]: 0.3})
    for number in range(8):
        if number == 4:
            model.layers[1].trainable = True
        model.train_on_batch(x, numbers)
        if away is not None:
            model.to(away).to(device)
    optimizer.finalize_variable_values(model.trainable_weights)
    return model, optimizer.get_state(model.weights)


@every_dtype
@every_optimizer
def test_optimizers(cupy, name, options, dtype):
    (here, state), (there, state_there) = (
        steps(device, name, options, dtype) for device in ("cpu", "gpu")
    )
    tolerance = TOLERANCE[dtype]
    if name == "Lion" and dtype == "float32":  # the sign of a sum near 0 may differ
        tolerance = 0.05
    for one, other in zip(there.get_weights(), here.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    assert state_there.keys() == state.keys()
    for slot, values in state.items():
        assert type(state_there[slot]) is np.ndarray
        largest = np.abs(values).max(initial=0)
        np.testing.assert_allclose(
            state_there[slot], values, rtol=tolerance, atol=tolerance * largest
        )


@every_optimizer
def test_optimizers_copy_nothing_to_the_host(cupy, host_copies, name, options):
    model, data = regularized("float32")
    model.compile(getattr(ns.optimizers, name)(**options), "mse")
    assert len(count_copies(host_copies, model.to("gpu"), data).copies) == 1


def test_gradients_from_elsewhere(cupy):
    """A step is told gradients that are on the host, or of a buffer before the move."""
    results = []
    for device in ("cpu", "gpu"):
        weight = ns.Parameter(np.ones(3))
        optimizer = ns.optimizers.Adam(0.1)
        (weight * weight).sum().backward()
        optimizer.apply([weight.grad], [weight])
        if device == "gpu":
            layer = layers.Layer()
            layer.weight = weight
            layer.to("gpu")
        optimizer.apply([np.ones(3)], [weight])
        optimizer.apply([ns.Tensor(np.ones(3))], [weight])
        assert weight.device == ("cpu" if device == "cpu" else "gpu:0")
        results.append(weight.numpy())
    np.testing.assert_allclose(results[1], results[0], rtol=1e-12)


# --- moving while training ---


@pytest.mark.parametrize(("home", "away"), [("cpu", "gpu"), ("gpu", "cpu")])
@every_optimizer
def test_a_model_that_comes_back_trains_on_to_the_bit(cupy, name, options, home, away):
    (expected, expected_state), (model, state) = (
        steps(home, name, options, "float32", visits) for visits in (None, away)
    )
    assert_equal_bits(model, expected)
    assert state.keys() == expected_state.keys()
    for slot, values in expected_state.items():
        assert state[slot].tobytes() == values.tobytes(), slot


def assert_equal_bits(model, expected):
    for one, other in zip(model.get_weights(), expected.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("home", ["cpu", "gpu"])
@every_model
def test_moves_between_batches_change_nothing(cupy, make, home):
    """To the other device and back after every batch, in which no step is taken there."""

    def away_and_back(batch, logs):
        models[-1].to("cpu" if home == "gpu" else "gpu").to(home)

    models, histories = [], []
    for callbacks in ([], [LambdaCallback(on_train_batch_end=away_and_back)]):
        ns.random.seed(1)
        model, data = make("float32")
        models.append(model.to(home))
        fit = model.fit(*data, epochs=2, batch_size=16, verbose=0, callbacks=callbacks)
        histories.append(fit.history)
    assert_equal_bits(*models)
    assert histories[0] == histories[1]


@pytest.mark.parametrize("on_gpu", [False, True])
@every_model
def test_steps_on_both_devices(cupy, make, on_gpu):
    """Each batch on another device, wherever the data is."""

    class Commute(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.to("gpu" if self.model.device == "cpu" else "cpu")

    here = fitted(make, "float64", "cpu")
    ns.random.seed(1)
    model, data = make("float64")
    data = of_gpu(cupy, data) if on_gpu else data
    fit = model.fit(*data, epochs=3, batch_size=16, verbose=0, callbacks=[Commute()])
    assert_same((model, fit.history), here, "float64")


@pytest.mark.parametrize("home", ["cpu", "gpu"])
def test_nothing_stays_behind(cupy, home):
    away = "gpu" if home == "cpu" else "cpu"
    model, data = regularized("float32")
    model.to(away).fit(*data, verbose=0)
    model.to(home)
    buffers = model.optimizer._buffers.distinct
    arrays = [array for buffer in buffers for array in (buffer.values, *buffer.slots.values())]
    assert {device_of(array)[:3] for array in arrays} == {home}


def test_a_layer_that_moves_alone_takes_its_slots_along(cupy):
    results = []
    for moves in (False, True):
        ns.random.seed(1)
        model = ns.Sequential([layers.Dense(3, input_dim=6), layers.Dense(2)])
        model.compile("adam", "mse")
        model.fit(x, numbers, verbose=0)
        if moves:  # the optimizer hears of it at its next step
            for layer in model.layers:
                layer.to("gpu")
            assert model.device == "gpu:0"
        model.fit(x, numbers, verbose=0)
        results.append(model.get_weights())
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-6)


def test_two_models_of_one_optimizer(cupy):
    results = []
    for device in ("cpu", "gpu"):
        ns.random.seed(1)
        optimizer = ns.optimizers.Adam(0.01)
        models = [ns.Sequential([layers.Dense(2, input_dim=6)]) for _ in range(2)]
        for model in models:
            model.compile(optimizer, "mse")
        optimizer.build([weight for model in models for weight in model.weights])
        for _ in range(3):
            for model in models:
                model.train_on_batch(x, numbers)
        models[0].to(device)
        for _ in range(3):
            for model in models:
                model.train_on_batch(x, numbers)
        assert [model.device[:3] for model in models] == [device, "cpu"]
        results.append([array for model in models for array in model.get_weights()])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-6)


def test_the_tape_of_a_users_own_loop(cupy):
    """Gradients from `backward`, kept while the model moves, and applied there."""
    results = []
    for device in ("cpu", "gpu"):
        ns.random.seed(1)
        model = ns.Sequential([layers.Dense(2, input_dim=6, dtype="float64")])
        optimizer = ns.optimizers.Adam(0.1)
        for _ in range(3):
            for weight in model.weights:
                weight.zero_grad()
            np.mean(np.square(model(x))).backward()
            model.to(device)
            optimizer.apply([weight.grad for weight in model.weights], model.weights)
            model.to("cpu")
        results.append(model.get_weights())
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


# --- callbacks and programs ---


def test_callbacks(cupy):
    results = []
    for device in ("cpu", "gpu"):
        stop = EarlyStopping("loss", patience=1, restore_best_weights=True, min_delta=0.01)
        ns.random.seed(1)
        model, data = two_classes("float64")
        fit = model.to(device).fit(*data, epochs=9, verbose=0, callbacks=[stop, TerminateOnNaN()])
        assert all(type(array) is np.ndarray for array in stop.best_weights)
        results.append((model, fit.history))
    assert len(results[0][1]["loss"]) < 9
    assert_same(results[1], results[0], "float64")


@pytest.mark.parametrize("program", ["keras_binary.py", "keras_multiclass.py"])
def test_the_seed_programs(cupy, program, capsys):
    path = Path(__file__).parents[2] / "examples" / program
    models = []
    for device in ("cpu", "gpu"):
        ns.random.seed(1)
        np.random.seed(1)  # noqa: NPY002 - which the program draws from
        with ns.device(device):
            models.append(runpy.run_path(str(path))["model"])
    here, there = models
    assert (here.device, there.device) == ("cpu", "gpu:0")
    for name, values in here.history.history.items():  # roundings grow over hundreds of steps
        np.testing.assert_allclose(there.history.history[name], values, rtol=0.01, atol=0.01)
    np.testing.assert_allclose(
        np.concatenate([a.ravel() for a in there.get_weights()]),
        np.concatenate([a.ravel() for a in here.get_weights()]),
        atol=0.02,
    )


@pytest.mark.parametrize("kind", ["NNClassifier", "NNRegressor"])
def test_estimators(cupy, kind):
    targets = labels if kind == "NNClassifier" else numbers
    found = []
    for device in ("cpu", "gpu"):
        with ns.device(device):
            estimator = getattr(ns.sklearn, kind)(epochs=3, random_state=0).fit(x, targets)
        assert estimator.model_.device[:3] == device
        copied = copy.deepcopy(estimator)
        assert type(copied.predict(x)) is np.ndarray
        np.testing.assert_allclose(copied.predict(x), estimator.predict(x), rtol=1e-9)
        found.append(estimator.predict(x))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-7)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@every_model
def test_a_deep_copy_trains_on_as_its_original(cupy, make, device):
    ns.random.seed(1)
    model, data = make("float32")
    model.to(device).fit(*data, verbose=0)
    twin = copy.deepcopy(model)
    assert twin.device == model.device
    for one in (model, twin):
        ns.random.seed(2)
        one.fit(*data, verbose=0)
    assert_equal_bits(twin, model)
