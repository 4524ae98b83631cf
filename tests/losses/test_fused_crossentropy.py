"""Cross-entropies that see through a sigmoid or softmax: one op, exact also in saturation.

The truth is mpmath's, with 60 digits.
"""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
import torch

import nnscratch as ns
from nnscratch import losses
from nnscratch.autograd import gradcheck

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
FLOAT_ERROR = {np.float32: 3e-7, np.float64: 1e-15}

# Sure and right, sure and wrong, undecided; differences at which exp overflows or underflows.
LOGITS = [
    [0.3, -1.2, 2.5, 0.0],
    [20.0, -20.0, 0.0, 1.0],
    [-40.0, 3.0, 3.0, 3.0],
    [150.0, 0.0, -150.0, 30.0],
    [1e4, -1e4, 0.0, 9999.5],
    [0.0, 0.0, 0.0, 0.0],
]
LABELS = [2, 0, 0, 2, 3, 1]


def softmax_loss(target: list[float], logits: list[float]) -> tuple[Any, list[Any]]:
    """-Σ t ln softmax(z), and its gradient, in 60 digits."""
    with mpmath.workdps(60):
        exponentials = [mpmath.exp(mpmath.mpf(float(z))) for z in logits]
        total = mpmath.fsum(exponentials)
        p = [e / total for e in exponentials]
        t = [mpmath.mpf(float(one)) for one in target]
        value = -mpmath.fsum(a * mpmath.log(b) for a, b in zip(t, p, strict=True))
        gradient = [b * mpmath.fsum(t) - a for a, b in zip(t, p, strict=True)]
        return value, gradient


def truth(targets: Any, logits: Any) -> tuple[Any, Any]:
    """Each sample's loss and gradient as float64."""
    pairs = [softmax_loss(t, z) for t, z in zip(targets, logits, strict=True)]
    values = np.array([float(value) for value, _ in pairs])
    return values, np.array([[float(g) for g in gradient] for _, gradient in pairs])


def see_through(name: str) -> Any:
    return ns.activations.get(name)


def assert_true(loss: Any, y_true: Any, logits: Any, activation: Any, expected: Any) -> None:
    """The samples' losses, and the mean with its gradient, are the truth to rounding."""
    values, gradient = expected
    dtype = logits.dtype
    error = FLOAT_ERROR[dtype.type]
    each = type(loss)(**loss.get_config() | {"reduction": "none"})
    z = ns.Tensor(logits, requires_grad=True)
    np.testing.assert_allclose(
        each(y_true, activation(z)).numpy(), values, rtol=10 * error, atol=error
    )
    mean = loss(y_true, activation(z))
    mean.backward()
    assert mean.item() == pytest.approx(values.mean(), rel=10 * error)
    assert z.grad is not None
    assert z.grad.dtype == mean.dtype == dtype
    np.testing.assert_allclose(z.grad.numpy(), gradient / len(values), atol=error)


@DTYPES
@pytest.mark.parametrize("way", ["softmax", "from_logits"])
def test_sparse_labels_in_saturation(way, dtype):
    logits = np.array(LOGITS, dtype)
    loss = losses.SparseCategoricalCrossentropy(from_logits=way == "from_logits")
    activation = see_through("linear" if way == "from_logits" else "softmax")
    assert_true(loss, LABELS, logits, activation, truth(np.eye(4)[LABELS], logits))


@DTYPES
@pytest.mark.parametrize("way", ["softmax", "from_logits"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_one_hot_targets_in_saturation(way, smoothing, dtype):
    logits, targets = np.array(LOGITS, dtype), np.eye(4)[LABELS]
    smooth = (targets * (1 - smoothing) + smoothing / 4).astype(dtype)
    loss = losses.CategoricalCrossentropy(way == "from_logits", label_smoothing=smoothing)
    activation = see_through("linear" if way == "from_logits" else "softmax")
    assert_true(loss, targets, logits, activation, truth(smooth, logits))


@DTYPES
def test_a_sure_and_right_answer_from_logits_keeps_its_digits(dtype):
    """The loss ln(1 + e^-30) is far below what 1 - p can show in float32."""
    logits = np.array([[30.0, 0.0]], dtype)
    sparse = losses.SparseCategoricalCrossentropy(from_logits=True)([0], ns.Tensor(logits))
    dense = losses.CategoricalCrossentropy(from_logits=True)([[1.0, 0]], ns.Tensor(logits))
    binary = losses.BinaryCrossentropy(from_logits=True)([[1.0]], ns.Tensor(logits[:, :1]))
    for value in (sparse, dense, binary):
        expected = float(mpmath.log1p(mpmath.exp(-30)))
        assert value.item() == pytest.approx(expected, rel=1e-6, abs=0)


@DTYPES
@pytest.mark.parametrize("name", ["BinaryFocalCrossentropy", "CategoricalFocalCrossentropy"])
def test_focal_losses_in_saturation(name, dtype):
    """Far from the target the focal factor is 1, and the loss |z| and not Keras's ln 1e7."""
    kind = getattr(losses, name)
    binary = name.startswith("Binary")
    z = ns.Tensor(np.array([[-200.0 if binary else 0.0, 200.0]], dtype), requires_grad=True)
    y_true = [[1.0, 0.0]]
    activation = see_through("sigmoid" if binary else "softmax")
    seen = kind(alpha=0.5)(y_true, activation(z))
    seen.backward()
    assert z.grad is not None
    expected, slope = (200.0, 0.5) if binary else (0.5 * 200.0, 0.5)
    assert seen.item() == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(np.abs(z.grad.numpy()), slope, rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "activation", "y_true", "op"),
    [
        (losses.SparseCategoricalCrossentropy(), "softmax", LABELS, "mean_sparse_softmax"),
        (losses.CategoricalCrossentropy(), "softmax", np.eye(4)[LABELS], "mean_softmax"),
        (losses.BinaryCrossentropy(), "sigmoid", np.eye(4)[LABELS], "mean_binary"),
        (losses.get("crossentropy"), "softmax", LABELS, "mean_sparse_softmax"),
    ],
)
def test_the_mean_is_one_op_of_the_logits(loss, activation, y_true, op):
    z = ns.Tensor(np.array(LOGITS), requires_grad=True)
    value = loss(y_true, see_through(activation)(z))
    assert value.node is not None
    assert value.node.op.name.startswith(op)
    assert value.node.inputs[1] is z


def test_squared_error_is_one_op():
    y = ns.Tensor(np.ones((2, 3)), requires_grad=True)
    value = losses.MeanSquaredError()(np.zeros((2, 3)), y)
    assert value.node is not None
    assert value.node.inputs[1] is y


def loss_of_logits(kind: Any, way: str, axis: int, y_true: Any) -> Any:
    """A function of logits, through the activation or by from_logits."""
    options = {} if kind is losses.BinaryCrossentropy else {"axis": axis}
    if way == "from_logits":
        return lambda z: kind(from_logits=True, **options)(y_true, z)
    if kind is losses.BinaryCrossentropy:
        return lambda z: kind()(y_true, ns.activations.sigmoid(z))
    return lambda z: kind(**options)(y_true, ns.activations.softmax(z, axis=axis))


@pytest.mark.parametrize("axis", [-1, 1, 2])
@pytest.mark.parametrize(
    "kind",
    [
        losses.SparseCategoricalCrossentropy,
        losses.CategoricalCrossentropy,
        losses.CategoricalFocalCrossentropy,
        losses.BinaryCrossentropy,
    ],
)
def test_gradients_of_gradients_do_not_use_the_known_probabilities(kind, axis):
    generator = np.random.default_rng(0)
    z = generator.standard_normal((2, 3, 4))
    labels = generator.integers(3, size=[n for i, n in enumerate(z.shape) if i != axis % 3])
    y_true = labels if kind is losses.SparseCategoricalCrossentropy else generator.random(z.shape)
    through = loss_of_logits(kind, "through", axis, y_true)
    direct = loss_of_logits(kind, "from_logits", axis, y_true)
    gradcheck(through, z, order=2)
    np.testing.assert_allclose(ns.grad(through)(z), ns.grad(direct)(z), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(ns.hessian(through)(z), ns.hessian(direct)(z), atol=1e-13)


def test_a_softmax_along_another_axis_is_not_seen_through():
    z = ns.Tensor(np.random.default_rng(0).standard_normal((3, 3)), requires_grad=True)
    y_pred = ns.activations.softmax(z, axis=0)
    value = losses.SparseCategoricalCrossentropy()([0, 1, 2], y_pred)
    expected = losses.SparseCategoricalCrossentropy()([0, 1, 2], y_pred.detach())
    assert value.item() == expected.item()


def test_an_output_that_was_walked_back_already():
    """The tape has let go of the logits: the loss is computed from the probabilities."""
    z = ns.Tensor(np.array(LOGITS[:1]), requires_grad=True)
    y_pred = ns.activations.softmax(z)
    losses.SparseCategoricalCrossentropy()([2], y_pred).backward()
    y_pred.sum().backward()
    value = losses.SparseCategoricalCrossentropy()([2], y_pred)
    assert value.item() == pytest.approx(-np.log(y_pred.numpy()[0, 2]))


@pytest.mark.parametrize("weights", [None, [1.0, 2.0]])
def test_a_sigmoid_without_an_axis_of_outputs_is_seen_through(weights):
    z = ns.Tensor(np.array([-900.0, 900.0]), requires_grad=True)
    value = losses.BinaryCrossentropy()([1, 1], ns.activations.sigmoid(z), weights)
    assert value.item() == 450.0


def test_many_classes_and_inner_axes_against_pytorch():
    generator = np.random.default_rng(1)
    logits = 5 * generator.standard_normal((4, 7, 1000)).astype(np.float32)
    labels = generator.integers(1000, size=(4, 7))
    theirs = torch.tensor(logits, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(theirs.movedim(-1, 1), torch.tensor(labels))
    expected.backward()
    z = ns.Tensor(logits, requires_grad=True)
    value = losses.SparseCategoricalCrossentropy()(labels, ns.activations.softmax(z))
    value.backward()
    assert value.item() == pytest.approx(expected.item(), rel=1e-6)
    assert z.grad is not None
    assert theirs.grad is not None
    np.testing.assert_allclose(z.grad.numpy(), theirs.grad.numpy(), rtol=1e-5, atol=1e-9)


def test_the_models_output_is_not_changed():
    z = ns.Tensor(np.array(LOGITS), requires_grad=True)
    y_pred = ns.activations.softmax(z)
    before = y_pred.numpy().copy()
    losses.SparseCategoricalCrossentropy()(LABELS, y_pred).backward()
    np.testing.assert_array_equal(y_pred.numpy(), before)


# --- labels ------------------------------------------------------------------------------------

EVERY_WAY = pytest.mark.parametrize("way", ["softmax", "from_logits", "probabilities", "weighted"])


def sparse_loss(way: str, labels: Any) -> Any:
    logits = np.random.default_rng(0).standard_normal((3, 4))
    if way == "probabilities":
        return losses.SparseCategoricalCrossentropy()(labels, np.full((3, 4), 0.25))
    loss = losses.SparseCategoricalCrossentropy(from_logits=way == "from_logits")
    y_pred = ns.Tensor(logits, requires_grad=True)
    if way != "from_logits":
        y_pred = ns.activations.softmax(y_pred)
    return loss(labels, y_pred, [1, 1, 1] if way == "weighted" else None)


@EVERY_WAY
@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8, np.float32])
@pytest.mark.parametrize("label", [4, 100, -1])
def test_a_label_out_of_range(label, dtype, way):
    if label < 0 and dtype == np.uint8:
        label = 255
    message = rf"label {label} for 4 classes: labels are integers from 0 to 3"
    with pytest.raises(ValueError, match=message):
        sparse_loss(way, np.array([0, label, 1], dtype))


@EVERY_WAY
def test_a_label_that_is_not_whole(way):
    with pytest.raises(ValueError, match=r"'sparse_categorical_crossentropy' takes .* got 1\.5"):
        sparse_loss(way, [0, 1.5, 2])
    with pytest.raises(ValueError, match="got nan"):
        sparse_loss(way, [0, np.nan, 2])


def test_labels_that_are_text():
    with pytest.raises(TypeError, match="takes integer labels, got an array of <U3"):
        sparse_loss("softmax", ["cat", "dog", "cat"])


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.int64, np.float64])
def test_labels_of_any_dtype_in_a_row_or_a_column(shape, dtype):
    labels = np.array([1, 0, 1]).reshape(shape)
    expected = sparse_loss("softmax", [1, 0, 1]).item()
    assert sparse_loss("softmax", labels.astype(dtype)).item() == expected


def test_one_hot_targets_for_the_sparse_loss_and_the_other_way_round():
    y_pred = np.full((3, 4), 0.25)
    with pytest.raises(ValueError, match=r"one integer label .* use categorical_crossentropy"):
        losses.SparseCategoricalCrossentropy()(np.eye(4)[:3], y_pred)
    with pytest.raises(ValueError, match=r"for integer labels use sparse_categorical_crossentropy"):
        losses.CategoricalCrossentropy()([0, 1, 2], y_pred)
    with pytest.raises(ValueError, match=r"shape \(2,\) for predictions of shape \(3, 4\)"):
        losses.SparseCategoricalCrossentropy()([0, 1], y_pred)


def test_one_class_is_warned_of():
    with pytest.warns(SyntaxWarning, match=r"shape \(3, 1\), and with one class .* binary_cross"):
        losses.CategoricalCrossentropy()(np.ones((3, 1)), np.ones((3, 1)))
