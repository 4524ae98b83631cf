"""The recorded steps of a training on the page: why a weight moved, for every optimizer."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnscratch as ns
from tests.explainer import samples
from tests.explainer.reading import evaluated, number, numbers_of, open_tab, readout, section

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.explainer.reading import Open

O, S = ns.optimizers, ns.schedules

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "SGD": lambda: O.SGD(0.1),
    "momentum": lambda: O.SGD(0.1, momentum=0.9),
    "Nesterov": lambda: O.SGD(0.1, momentum=0.9, nesterov=True),
    "RMSprop": lambda: O.RMSprop(0.01),
    "RMSprop, centered": lambda: O.RMSprop(0.01, centered=True),
    "RMSprop with everything": lambda: O.RMSprop(0.01, momentum=0.5, centered=True),
    "Adam": lambda: O.Adam(0.01),
    "AMSGrad": lambda: O.Adam(0.01, amsgrad=True),
    "AdamW": lambda: O.AdamW(0.01, weight_decay=0.1),
    "Adamax": lambda: O.Adamax(0.01),
    "Nadam": lambda: O.Nadam(0.01),
    "Adagrad": lambda: O.Adagrad(0.1),
    "Adadelta": lambda: O.Adadelta(100.0),
    "Ftrl": lambda: O.Ftrl(0.1),
    "Ftrl with everything": lambda: O.Ftrl(
        0.1, -0.4, 0.2, l1_regularization_strength=0.001, l2_regularization_strength=0.01,
        l2_shrinkage_regularization_strength=0.02, beta=0.3,
    ),
    "Lion": lambda: O.Lion(0.01, weight_decay=0.01),
    "weight decay": lambda: O.SGD(0.1, momentum=0.5, weight_decay=0.2),
    "clipnorm": lambda: O.SGD(0.1, clipnorm=1e-3),
    "clipnorm that is not reached": lambda: O.Adam(0.01, clipnorm=100.0),
    "clipvalue": lambda: O.SGD(0.1, clipvalue=1e-3),
    "global_clipnorm": lambda: O.RMSprop(0.01, global_clipnorm=1e-3),
    "moving average": lambda: O.SGD(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2),
    "accumulation": lambda: O.Adam(0.01, gradient_accumulation_steps=2, global_clipnorm=1e-3),
    "loss scale": lambda: O.SGD(0.1, loss_scale_factor=128.0),
    "exponential": lambda: O.Adam(S.ExponentialDecay(0.1, 2, 0.5)),
    "staircase": lambda: O.SGD(S.ExponentialDecay(0.1, 2, 0.5, staircase=True)),
    "inverse time": lambda: O.SGD(S.InverseTimeDecay(0.1, 2, 0.5)),
    "piecewise": lambda: O.SGD(S.PiecewiseConstantDecay([1, 2], [0.1, 0.05, 0.01])),
    "polynomial": lambda: O.SGD(S.PolynomialDecay(0.1, 3, 0.01, 2.0)),
    "cosine": lambda: O.SGD(S.CosineDecay(0.01, 6, 0.1, warmup_target=0.1, warmup_steps=2)),
    "restarts": lambda: O.SGD(S.CosineDecayRestarts(0.1, 1.5, m_mul=0.5, alpha=0.1)),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_is_worked_out_with_its_numbers(show: Open, name: str):
    with show(samples.training(OPTIMIZERS[name](), steps=4)) as page:
        check_every_step(page, samples.training(OPTIMIZERS[name](), steps=4)["run"])


def trained_before(model: Any) -> None:
    """Moments and counts do not begin at zero; rates differ by layer, and biases do not decay."""
    optimizer = model.optimizer
    optimizer.set_learning_rate_multipliers({model.layers[0]: 0.5})
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    x = np.random.default_rng(8).normal(size=(24, 4)).astype(np.float32)
    model.fit(x, (x[:, 1:2] > 0).astype(np.float32), batch_size=8, epochs=1, verbose=0)


@pytest.mark.parametrize(
    "optimizer", [O.AdamW, O.Nadam, O.Adamax, O.Adagrad, O.Adadelta, O.Ftrl, O.Lion, O.RMSprop]
)
def test_a_recording_may_begin_in_the_middle_of_a_training(show: Open, optimizer: Any):
    made = optimizer(0.05, weight_decay=0.1)
    described = samples.training(made, steps=3, prepare=trained_before)
    assert described["run"]["iterations"] == [3, 4, 5]
    with show(described) as page:
        check_every_step(page, described["run"], "first · kernel")
        assert "weight decay" in page.locator(".moved").inner_text()
        assert "its own multiplier" in page.locator(".moved").inner_text()
        check_every_step(page, described["run"], "last · bias")
        assert "weight decay" not in page.locator(".moved").inner_text()
        assert "its own multiplier" not in page.locator(".moved").inner_text()


def check_every_step(page: Page, run: dict[str, Any], which: str = "first · kernel") -> None:
    """At each step the words come to the recorded update, and each line to its own result."""
    (parameter,) = [p for p in run["parameters"] if f"{p['layer']} · {p['name']}" == which]
    open_tab(page, "Training")
    page.get_by_label("Which parameter").select_option(which)
    steps = run["steps"]
    for step in range(steps):
        page.get_by_role("slider", name="Training step").fill(str(step))
        page.get_by_text(f"step {step + 1} of {steps}").wait_for()
        moved = page.locator(".moved")
        for line in moved.locator(".words li").all_inner_texts():
            computation, result = line.splitlines()[-1].removeprefix("= ").rsplit(" = ", 1)
            if re.search(r"\d", computation):  # not Δ = m
                assert evaluated(computation) == pytest.approx(number(result), rel=5e-3), line
        value, update = (
            float(numbers_of(parameter[what][step])[0]) for what in ("values", "updates")
        )
        worked_out = float(moved.get_attribute("data-update"))
        # The record is a difference of float32 weights.
        assert worked_out == pytest.approx(update, rel=1e-4, abs=2e-7 * (1 + abs(value))), step
        assert "as recorded" not in moved.inner_text()


def test_what_happens_around_the_formula_is_said(show: Open):
    said = {
        "clipnorm": "‖its array's gradient‖",
        "clipnorm that is not reached": "nothing is clipped",
        "clipvalue": "clip(g, −c, c)",
        "global_clipnorm": "‖all gradients together‖",
        "accumulation": "Gradient 1 of 2 is only added up",
        "loss scale": "multiplied by 128",
        "exponential": "η₀·r^(t/T)",
        "Lion": "sign(c)",
    }
    for name, words in said.items():
        with show(samples.training(OPTIMIZERS[name](), steps=4)) as page:
            open_tab(page, "Training")
            assert words in page.locator(".moved").inner_text(), name


class OwnOptimizer(ns.optimizers.Optimizer):
    """Moves every weight by the sign of its gradient."""

    def update(self, values: Any, gradients: Any, slots: Any, learning_rate: float) -> None:
        values -= learning_rate * np.sign(gradients)


def test_an_optimizer_of_ones_own_shows_its_numbers_alone(show: Open):
    with show(samples.training(OwnOptimizer(0.1), steps=2)) as page:
        open_tab(page, "Training")
        moved = page.locator(".moved")
        assert "is not known here" in moved.inner_text()
        assert moved.locator(".words").count() == 0
        assert re.search("by 0.1", moved.inner_text())


def test_a_learning_rate_that_is_a_function_can_be_recorded(show: Open):
    described = samples.training(O.SGD(lambda: 0.25), steps=2)
    assert described["run"]["optimizers"][0]["schedule"] is None
    with show(described) as page:
        check_every_step(page, described["run"])


def test_an_optimizer_may_be_exchanged_or_changed_in_the_middle(show: Open):
    ns.random.seed(3)
    model = ns.Sequential([ns.layers.Dense(1, input_shape=(4,), name="first")])
    x = np.random.default_rng(8).normal(size=(8, 4)).astype(np.float32)
    with ns.record(model, steps=7) as run:
        for optimizer in (O.Adam(0.05), O.Adam(0.01, beta_1=0.5), O.Ftrl(0.1)):
            model.compile(optimizer, "mse")
            model.fit(x, x[:, :1], batch_size=4, epochs=1, verbose=0)
        model.optimizer.beta = 0.5
        model.train_on_batch(x, x[:, :1])
    described = samples.document_of_run(run)
    assert described["run"]["optimizerAt"] == [0, 0, 1, 1, 2, 2, 3]
    with show(described) as page:
        check_every_step(page, described["run"])


def test_a_training_that_broke_has_words_for_its_weights(show: Open):
    ns.random.seed(3)
    model = ns.Sequential([ns.layers.Dense(1, input_shape=(4,), name="first")])
    model.compile(O.Adam(1e30), "mse")
    with np.errstate(all="ignore"), ns.record(model, steps=4) as run:
        for _ in range(4):
            model.train_on_batch(np.ones((8, 4), np.float32), np.ones((8, 1), np.float32))
    with show(samples.document_of_run(run)) as page:
        open_tab(page, "Training")
        page.get_by_role("slider", name="Training step").fill("3")
        words = page.locator(".moved").inner_text()
        assert "made kernel[0, 0] NaN" in words
        assert "times the learning rate" not in words


def one_layer(layer: Any, steps: int = 2) -> dict[str, Any]:
    """The document of a run of a model of one layer and one unit."""
    ns.random.seed(0)
    model = ns.Sequential([layer, ns.layers.Dense(1, name="last")])
    model.compile(O.SGD(0.1), "mse")
    x = np.random.default_rng(1).normal(size=(8, 3)).astype(np.float32)
    with ns.record(model, steps=steps) as run:
        model.fit(x, x[:, :1] - 1, batch_size=4, epochs=steps, verbose=0)
    return samples.document_of_run(run)


def test_a_constraint_is_named_with_what_it_changed(show: Open):
    layer = ns.layers.Dense(1, kernel_constraint="non_neg", input_shape=(3,), name="first")
    described = one_layer(layer, 3)
    with show(described) as page:
        open_tab(page, "Training")
        texts = []
        for step in range(3):
            page.get_by_role("slider", name="Training step").fill(str(step))
            for place in range(3):
                page.locator("figure.matrix td").nth(place).click()
                texts.append(page.locator(".moved").inner_text())
        assert any("The constraint NonNeg took it from −" in text for text in texts), texts
        assert not any("as recorded" in text for text in texts)


def test_running_means_of_a_normalisation_are_not_called_frozen(show: Open):
    described = one_layer(ns.layers.BatchNormalization(input_shape=(3,), name="norm"))
    with show(described) as page:
        open_tab(page, "Training")
        page.get_by_label("Which parameter").select_option("norm · moving_mean (not trained)")
        words = section(page, "One weight").inner_text()
        assert "its layer set it from 0 to" in words
        assert "gets no update" not in words


def test_the_axis_of_steps_moves_everything(show: Open):
    described = samples.training()
    run = described["run"]
    with show(described) as page:
        open_tab(page, "Training")
        slider = page.get_by_role("slider", name="Training step")
        slider.fill("6")
        page.get_by_text("step 7 of 10").wait_for()
        assert slider.get_attribute("aria-valuetext").startswith("step 7 of 10, loss 0.")
        figure = page.locator("figure.matrix").first
        kernel = numbers_of(run["parameters"][0]["values"][6])
        assert readout(figure)[1] == pytest.approx(kernel[0], rel=1e-6)
        figure.locator(".frame").focus()
        page.keyboard.press("ArrowRight")
        page.get_by_text("kernel[0, 1]").first.wait_for()
        velocities = page.get_by_role("button", name="velocity")
        velocities.click()
        assert velocities.get_attribute("aria-pressed") == "true"
        velocity = numbers_of(run["parameters"][0]["slots"]["velocity"][6])
        assert readout(page.locator("figure.matrix").first)[1] == pytest.approx(
            velocity[1], rel=1e-6
        )
        curves = page.locator(".charts h4").all_inner_texts()
        assert curves == ["value", "gradient", "momentum", "velocity", "update"]
        page.get_by_label("Which parameter").select_option("middle · kernel (frozen)")
        assert "is frozen" in section(page, "One weight").inner_text()
        norms = section(page, "Norms by layer")
        for what in ("values", "gradients", "updates"):
            norms.get_by_role("button", name=what).click()
            shown = norms.locator(".norms .number").all_inner_texts()
            assert [number(text.removesuffix(" frozen")) for text in shown] == pytest.approx(
                [run["norms"][what.removesuffix("s")][layer][6] for layer in run["layers"]],
                rel=6e-3,
            )
            assert [text.endswith(" frozen") for text in shown] == [False, True, False]


def test_a_training_that_broke_names_the_first_nan(show: Open):
    described = copy.deepcopy(samples.training())
    described["run"]["firstNotFinite"] = {"step": 3, "op": "log", "text": "Step 4 gave a NaN."}
    described["run"]["losses"][5:] = ["NaN"] * 5
    with show(described) as page:
        open_tab(page, "Training")
        assert page.get_by_text("Step 4 gave a NaN.").is_visible()
