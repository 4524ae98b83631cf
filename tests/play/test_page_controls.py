"""The page of `nnscratch play` in a real browser: every control does what it says."""

from __future__ import annotations

import numpy as np
import pytest

from nnscratch.play.choices import Choices, checked
from nnscratch.play.playground import Playground
from nnscratch.play.program import program
from tests.play.browsing import assert_shows, colours_of, shows, step_count, steps, until


def test_it_loads_and_shows_the_numbers_of_the_playground(page):
    assert page.title() == "nnscratch play"
    assert_shows(page, Playground(Choices()))
    assert page.locator(".unit").count() == 2 + 4 + 3 + 1
    assert page.locator(".edge").count() == 2 * 4 + 4 * 3 + 3
    for selector in ("#plane", "[data-key='unit 1 0'] canvas", "[data-key='unit 3 0'] canvas"):
        assert colours_of(page, selector)[0] > 20
    assert page.locator("#notice").is_hidden()


def test_step_epoch_and_reset(page):
    own = Playground(Choices())
    pictures = "#plane", "[data-key='unit 3 0'] canvas", "[data-key='unit 1 2'] canvas"
    before = [colours_of(page, picture) for picture in pictures]
    steps(page, "#step", 1)
    own.step()
    assert_shows(page, own)
    steps(page, "#epoch", 10)
    own.finish_epoch()
    assert_shows(page, own)
    assert page.inner_text("#epoch-count") == "1"
    for picture, old in zip(pictures, before, strict=True):
        assert colours_of(page, picture) != old
    curve = page.get_attribute("#curve-training", "d")
    assert curve.count("L") == 10
    assert page.text_content("#last-step") == "10"
    steps(page, "#reset", 0)
    assert_shows(page, Playground(Choices()))
    for picture, old in zip(pictures[1:], before[1:], strict=True):
        assert colours_of(page, picture) == old


def test_run_and_pause(page):
    page.click("#run")
    shows(page, "#run-word", "Pause")
    until(page, "() => Number(document.getElementById('step-count').textContent) > 20")
    page.click("#run")
    shows(page, "#run-word", "Run")
    count = step_count(page)
    steps(page, "#step", count + 1)  # nothing ran on
    own = Playground(Choices())
    for _ in range(count + 1):
        own.step()
    assert_shows(page, own)


def test_the_speed_is_that_of_training(page):
    page.select_option("#speed", "1")
    page.click("#run")
    shows(page, "#step-count", "1")
    shows(page, "#step-count", "2")  # each step is seen
    page.click("#run")
    shows(page, "#run-word", "Run")


@pytest.mark.parametrize(
    ("act", "changes"),
    [
        (lambda page: page.check("input[value=spiral]"), {"dataset": "spiral"}),
        (lambda page: page.fill("#noise", "0.4"), {"noise": 0.4}),
        (lambda page: page.select_option("#activation", "gelu"), {"activation": "gelu"}),
        (lambda page: page.select_option("#initializer", "zeros"), {"initializer": "zeros"}),
        (lambda page: page.select_option("#optimizer", "momentum"), {"optimizer": "momentum"}),
        (lambda page: page.select_option("#learning-rate", "10"), {"learning_rate": 10}),
        (lambda page: page.select_option("#batch-size", "300"), {"batch_size": 300}),
        (lambda page: page.check("input[value=hills]"), {"dataset": "hills"}),
        (lambda page: page.fill("#training-points", "30"), {"training_points": 30}),
        (
            lambda page: (page.check("[value='x1*x2']"), page.uncheck("[value=x1]")),
            {"features": ["x2", "x1*x2"]},
        ),
        (
            lambda page: (
                page.select_option("#regularizer", "l2"),
                page.select_option("#penalty", "0.03"),
            ),
            {"regularizer": "l2", "penalty": 0.03},
        ),
        (
            lambda page: (page.fill("#seed", "42"), page.press("#seed", "Enter")),
            {"seed": 42},
        ),
        (lambda page: page.click("#more-layers"), {"layers": [4, 3, 3]}),
        (lambda page: page.click("#fewer-layers"), {"layers": [4]}),
        (
            lambda page: page.click("button[aria-label='One unit more in layer 1']"),
            {"layers": [5, 3]},
        ),
        (
            lambda page: page.click("button[aria-label='One unit less in layer 2']"),
            {"layers": [4, 2]},
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_choice_begins_anew_with_it(page, act, changes):
    steps(page, "#step", 1)
    act(page)
    own = Playground(checked(changes, Choices()))
    shows(page, "#program", own.snapshot()["program"])
    assert_shows(page, own)
    steps(page, "#step", 1)
    own.step()
    assert_shows(page, own)
    units = len(own.choices.features) + sum(own.choices.layers) + 1
    assert page.locator(".unit").count() == units


def test_what_is_measured_besides_the_loss_suits_the_data(page):
    assert page.inner_text("#metric-name") == "accuracy"
    page.check("input[value=slope]")
    shows(page, "#metric-name", "mean error")
    assert page.inner_text("#held-out-metric-name") == "held-out mean error"
    own = Playground(Choices(dataset="slope"))
    assert float(page.inner_text("#metric-held-out")) == pytest.approx(
        np.mean(np.abs(own.model.predict(own.x[150:], verbose=0)[:, 0] - own.y[150:])), abs=6e-5
    )
    page.check("input[value=xor]")
    shows(page, "#metric-name", "accuracy")


def test_the_last_input_stays(page):
    page.uncheck("[value=x2]")
    shows(page, "#program", program(Choices(features=("x1",)), epochs=100))
    page.click("[value=x1]")
    until(page, "() => !document.getElementById('notice').hidden")
    assert "features are one or more of" in page.inner_text("#notice")
    assert page.is_checked("[value=x1]")


def test_another_seed_is_another_seed(page):
    seeds = {page.input_value("#seed")}
    for _ in range(2):
        before = page.text_content("#program")
        page.click("#new-seed")
        until(page, "(text) => document.getElementById('program').textContent !== text", before)
        seeds.add(page.input_value("#seed"))
    assert len(seeds) == 3


def test_layers_and_units_have_their_limits_and_buttons_keep_the_focus(page):
    fewer, more = page.locator("#fewer-layers"), page.locator("#more-layers")
    for text in ("1 hidden layer", "0 hidden layers"):
        fewer.press("Enter")
        shows(page, "#layer-count", text)
    assert fewer.get_attribute("aria-disabled") == "true"
    fewer.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "fewer-layers"
    assert page.locator(".unit").count() == 3
    for count in range(1, 7):
        more.press("Enter")
        shows(page, "#layer-count", f"{count} hidden layer{'s' if count > 1 else ''}")
    more.press("Enter")
    assert more.get_attribute("aria-disabled") == "true"
    unit = page.locator("button[aria-label='One unit less in layer 6']")
    for count in (3, 2, 1):
        unit.press("Enter")
        shows(page, "[data-key='1 6'] ~ span, [data-key='-1 6'] + span", str(count))
        assert page.evaluate("() => document.activeElement.dataset.key") == "-1 6"
    assert unit.get_attribute("aria-disabled") == "true"
    assert page.locator("#notice").is_hidden()


def test_choices_in_quick_succession_end_at_the_last(page):
    values = [round(0.05 * i, 2) for i in range(11)]
    page.evaluate(
        """(values) => {
          const noise = document.getElementById("noise");
          for (const value of values) {
            noise.value = value;
            noise.dispatchEvent(new Event("input"));
          }
        }""",
        values,
    )
    shows(page, "#program", program(Choices(noise=0.5), epochs=100))
    assert page.input_value("#noise") == "0.5"


def test_no_press_is_lost_that_comes_before_the_answer_to_the_last(page):
    page.evaluate(
        """() => {
          const more = document.querySelector("button[aria-label='One unit more in layer 1']");
          for (let i = 0; i < 5; i++) more.click();
          for (let i = 0; i < 2; i++) document.getElementById("more-layers").click();
          document.querySelector("[value='x1*x1']").click();
          document.querySelector("[value='x2*x2']").click();
        }"""
    )
    chosen = Choices(layers=(9, 3, 3, 3), features=("x1", "x2", "x1*x1", "x2*x2"))
    shows(page, "#program", program(chosen, epochs=100))
    assert page.is_checked("[value='x1*x1']")
    assert page.inner_text("#layer-count") == "4 hidden layers"


def test_what_the_server_refuses_is_said_and_taken_back(page):
    for wrong in ("-5", "12345678", ""):
        page.fill("#seed", wrong)
        page.press("#seed", "Enter")
        until(page, "() => !document.getElementById('notice').hidden")
        assert "seed is a whole number from 0 to 999999" in page.inner_text("#notice")
        assert page.input_value("#seed") == "0"
        steps(page, "#reset", 0)
        until(page, "() => document.getElementById('notice').hidden")


def test_diverging_training_says_so_and_stops(page):
    while "no longer a number" not in page.inner_text("#hint-text"):
        page.click("#hint-next")
    page.click("#hint-try")
    shows(page, "#layer-count", "6 hidden layers")
    page.click("#run")
    until(page, "() => !document.getElementById('notice').hidden")
    own = Playground(
        Choices(layers=(12,) * 6, activation="linear", optimizer="sgd", learning_rate=10.0)
    )
    while not own.stopped:
        own.step()
    assert own.stopped in page.inner_text("#notice")
    assert page.inner_text("#run-word") == "Run"
    assert page.inner_text("#loss-training") == "not finite"
    assert step_count(page) == own.step_count
    steps(page, "#reset", 0)
    until(page, "() => document.getElementById('notice').hidden")


def test_each_hint_sets_itself_up(page):
    texts = set()
    while page.inner_text("#hint-text") not in texts:
        before = page.text_content("#program")
        texts.add(text := page.inner_text("#hint-text"))
        page.click("#hint-try")
        until(page, "(text) => document.getElementById('program').textContent !== text", before)
        gradients = page.get_attribute("#show-gradients", "aria-pressed")
        assert gradients == str("look at the gradients" in text).lower()
        page.click("#hint-next")
    assert len(texts) > 10
    assert page.locator("#notice").is_hidden()
