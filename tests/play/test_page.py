"""The page of `nnscratch play` in a real browser: every control does what it says."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from nnscratch.play.choices import Choices, checked
from nnscratch.play.playground import Playground
from nnscratch.play.program import program
from tests.explainer.browser import chromium, missing

pytest.importorskip("aiohttp", reason="aiohttp is not installed")
pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

PLAY = [sys.executable, "-c", "import nnscratch.cli as c; raise SystemExit(c.main())", "play"]


@contextmanager
def playing():
    """The command as a process; gives the address that it prints and a way to end it."""
    process = subprocess.Popen([*PLAY, "--no-browser"], stdout=subprocess.PIPE, text=True)

    def end():
        process.send_signal(signal.SIGINT)
        return process.wait(timeout=30)

    try:
        yield process.stdout.readline().split()[-1], end
    finally:
        if process.poll() is None:
            assert end() == 0
        process.stdout.close()


@pytest.fixture(scope="module")
def address():
    with playing() as (address, _):
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@contextmanager
def tab(browser, address, width=1280, height=900, **options):
    """The page, drawn once; whatever it complains of or asks others for is an error."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.problems = problems = []
    page.on("console", lambda message: problems.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda asked: asked.url.startswith((address, "data:")) or problems.append(asked.url),
    )
    open_anew(page, address)
    yield page
    context.close()
    assert problems == []


def open_anew(page, address):
    page.goto(address)
    until(page, "() => document.getElementById('loss-training').textContent !== '–'")


@pytest.fixture(scope="module")
def one_page(browser, address):
    with tab(browser, address) as page:
        yield page


@pytest.fixture
def page(one_page, address):
    open_anew(one_page, address)
    one_page.mouse.move(0, 0)
    yield one_page
    assert one_page.problems == []


def step_count(page):
    return int(page.inner_text("#step-count"))


def until(page, condition, argument=None):
    """Wait until a function of the page is true (the page's policy forbids bare expressions)."""
    page.wait_for_function(condition, arg=argument)


def shows(page, selector, text):
    until(
        page,
        "([selector, text]) => document.querySelector(selector).textContent === text",
        [selector, text],
    )


def steps(page, button, count):
    page.click(button)
    shows(page, "#step-count", str(count))


def shown_number(text):
    return float(text.replace("−", "-"))


def table(page):
    """The numbers of the page's table: (from, to, weight, gradient)."""
    if not page.evaluate("() => document.getElementById('numbers-part').open"):
        page.click("#numbers-part > summary")
    until(page, "() => document.querySelectorAll('#numbers tr').length > 0")
    rows = page.evaluate(
        "() => [...document.querySelectorAll('#numbers tr')]"
        ".map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    return [(a, b, shown_number(w), shown_number(g)) for a, b, w, g in rows]


def assert_shows(page, playground):
    """Readings, table and program are those of this playground."""
    snapshot = playground.snapshot()
    assert step_count(page) == snapshot["step"]
    assert shown_number(page.inner_text("#epoch-count")) == pytest.approx(
        snapshot["epoch"], abs=0.06
    )
    for place, end in enumerate(("training", "held-out")):
        loss = shown_number(page.inner_text(f"#loss-{end}"))
        assert loss == pytest.approx(snapshot["loss"][place], abs=6e-5, rel=1e-3)
        accuracy = page.inner_text(f"#accuracy-{end}")
        assert accuracy == f"{100 * snapshot['accuracy'][place]:.1f} %"
    expected = []
    for place in range(0, len(snapshot["weights"]), 2):
        kernel, bias = (np.array(w) for w in snapshot["weights"][place : place + 2])
        kernel_gradient, bias_gradient = (
            np.array(g) for g in snapshot["gradients"][place : place + 2]
        )
        for unit in range(kernel.shape[1]):
            expected += zip(kernel[:, unit], kernel_gradient[:, unit], strict=True)
            expected.append((bias[unit], bias_gradient[unit]))
    numbers = [row[2:] for row in table(page)]
    np.testing.assert_allclose(numbers, expected, rtol=1e-3, atol=1e-12)
    assert page.text_content("#program") == snapshot["program"]


def colours_of(page, selector):
    """How many different colours a canvas has, and a sum that tells pictures apart."""
    return page.evaluate(
        """(selector) => {
          const canvas = document.querySelector(selector);
          const copy = new OffscreenCanvas(canvas.width, canvas.height);
          const context = copy.getContext("2d", { willReadFrequently: true });
          context.drawImage(canvas, 0, 0);
          const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
          const words = new Uint32Array(data.buffer);
          return [new Set(words).size, words.reduce((sum, word) => (31 * sum + word) % 2 ** 40, 0)];
        }""",
        selector,
    )


# --- what is shown --------------------------------------------------------------------------------


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
        (lambda page: page.select_option("#batch-size", "150"), {"batch_size": 150}),
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
    layers = own.choices.layers
    assert page.locator(".unit").count() == 3 + sum(layers)


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
    for _ in range(6):
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
    for _ in range(7):
        before = page.text_content("#program")
        texts.add(text := page.inner_text("#hint-text"))
        page.click("#hint-try")
        until(page, "(text) => document.getElementById('program').textContent !== text", before)
        gradients = page.get_attribute("#show-gradients", "aria-pressed")
        assert gradients == str("look at the gradients" in text).lower()
        page.click("#hint-next")
    assert len(texts) == 7
    assert page.inner_text("#hint-text") in texts  # around again
    assert page.locator("#notice").is_hidden()


# --- pointing -------------------------------------------------------------------------------------


def test_pointing_at_a_unit_or_an_edge_shows_its_numbers(page):
    steps(page, "#epoch", 10)
    rows = {(a, b): (w, g) for a, b, w, g in table(page)}
    page.hover("[data-key='unit 2 1']")
    readout = page.inner_text("#readout")
    assert readout.startswith("Layer 2, unit 2 gives ")
    for unit in range(1, 5):
        weight, _ = rows[f"layer 1, unit {unit}", "layer 2, unit 2"]
        found = re.search(rf"unit {unit} ([−\d.e]+)", readout.split("weights:")[1])
        assert shown_number(found[1]) == pytest.approx(weight, rel=5e-3)
    assert page.inner_text("#plane-title") == "What layer 2, unit 2 says"
    page.mouse.move(5, 5)
    assert page.inner_text("#plane-title") == "What it decides"

    page.locator(".hit").first.dispatch_event("pointerenter")
    weight, gradient = rows["x₁", "layer 1, unit 1"]
    title, numbers = page.locator("#readout p").all_inner_texts()
    assert title == "From x₁ to layer 1, unit 1"
    found = re.fullmatch(r"weight ([−\d.e]+), gradient ([−\d.e]+)", numbers)
    assert shown_number(found[1]) == pytest.approx(weight, rel=5e-3)
    assert shown_number(found[2]) == pytest.approx(gradient, rel=5e-3)


def test_edges_show_weights_or_gradients(page):
    """Thickness grows with the size, the colour is that of the sign."""
    steps(page, "#epoch", 10)
    own = Playground(Choices())
    own.finish_epoch()
    snapshot = own.snapshot()
    for button, name in (("#show-weights", "weights"), ("#show-gradients", "gradients")):
        page.click(button)
        assert page.get_attribute(button, "aria-pressed") == "true"
        kernels = [np.array(k) for k in snapshot[name][::2]]
        expected = np.concatenate([kernel.T.ravel() for kernel in kernels])
        drawn = page.evaluate(
            "() => [...document.querySelectorAll('.edge')].map((edge) => "
            "[parseFloat(edge.style.strokeWidth), edge.style.stroke])"
        )
        widths = np.array([width for width, _ in drawn])
        order = np.argsort(np.abs(expected))
        assert (np.diff(widths[order]) >= -1e-6).all()
        assert widths.max() > widths.min() + 0.5
        above = {colour for (_, colour), value in zip(drawn, expected, strict=True) if value > 0}
        below = {colour for (_, colour), value in zip(drawn, expected, strict=True) if value < 0}
        assert len(above) == len(below) == 1
        assert above != below


def test_pointing_at_the_plane_reads_the_output_there(page):
    steps(page, "#epoch", 10)
    box = page.locator("#plane").bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.3 * box["height"])
    readout = page.inner_text("#plane-readout").replace("−", "-")
    x1, x2, value = map(float, re.fullmatch(r"x₁ (.*), x₂ (.*): (.*)", readout).groups())
    assert (x1, x2) == pytest.approx((-0.6, 0.48), abs=0.02)
    own = Playground(Choices())
    own.finish_epoch()
    output = own.model.predict(np.array([[x1, x2]], "float32"), verbose=0)
    assert value == pytest.approx(output.item(), abs=0.04)  # of the cell around it


def test_pointing_at_the_curves_reads_a_step(page):
    steps(page, "#epoch", 10)
    box = page.locator("#chart").bounding_box()
    page.mouse.move(box["x"] + 0.98 * box["width"], box["y"] + 0.5 * box["height"])
    snapshot = [page.inner_text("#loss-training"), page.inner_text("#loss-held-out")]
    assert page.inner_text("#loss-readout") == f"10: {', '.join(snapshot)}"


# --- for everybody --------------------------------------------------------------------------------


def test_it_can_be_used_by_keyboard_alone(page):
    def press_until(holds, key="Tab"):
        for _ in range(60):
            page.keyboard.press(key)
            if page.evaluate(f"() => Boolean({holds})"):
                return
        pytest.fail(f"{key} never came to {holds}")

    press_until("document.activeElement.id === 'step'")
    page.keyboard.press("Enter")
    shows(page, "#step-count", "1")
    press_until("document.activeElement.name === 'dataset'")
    page.keyboard.press("ArrowRight")
    until(page, "() => document.getElementById('program').textContent.includes('make(\"xor\"')")
    press_until("document.activeElement.classList.contains('unit')")
    assert page.evaluate("() => document.activeElement.getAttribute('aria-label')") == "Input 1"
    for key, label in (
        ("ArrowRight", "Layer 1, unit 1"),
        ("ArrowDown", "Layer 1, unit 2"),
        ("ArrowRight", "Layer 2, unit 2"),
        ("ArrowUp", "Layer 2, unit 1"),
        ("ArrowUp", "Layer 2, unit 1"),
        ("ArrowRight", "Output"),
        ("ArrowLeft", "Layer 2, unit 1"),
    ):
        page.keyboard.press(key)
        focused = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
        assert focused == label
    assert page.inner_text("#readout").startswith("Layer 2, unit 1 gives")
    press_until("!document.activeElement.classList.contains('unit')")  # one Tab leaves them all
    press_until("document.activeElement.id === 'copy'")


def test_everything_has_a_name_and_what_changes_is_said(page):
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, canvas, svg, [tabindex]")]
          .filter((it) => !it.closest("[aria-hidden=true]"))
          .filter((it) => !(it.getAttribute("aria-label") || it.getAttribute("aria-labelledby")
            || it.labels?.length || it.textContent.trim()))
          .map((it) => it.outerHTML.slice(0, 80))"""
    )
    assert nameless == []
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map((it) => it.id)")
    assert len(ids) == len(set(ids))
    steps(page, "#step", 1)
    status = page.locator("#status")
    assert status.get_attribute("role") == "status"
    assert status.text_content() == (
        f"Step 1: loss {page.inner_text('#loss-training')}, "
        f"held-out loss {page.inner_text('#loss-held-out')}"
    )
    assert re.fullmatch(
        r"Loss over 1 steps: training from [\d.]+ to [\d.]+, held out from [\d.]+ to [\d.]+",
        page.get_attribute("#chart", "aria-label"),
    )
    assert re.match(r"\d+ % of the plane goes to", page.text_content("#plane-says"))


def test_the_program_is_copied(browser, address):
    with tab(browser, address, permissions=["clipboard-read", "clipboard-write"]) as page:
        steps(page, "#epoch", 10)
        page.click("#copy")
        shows(page, "#copied", "Copied.")
        copied = page.evaluate("() => navigator.clipboard.readText()")
        assert copied.replace("\r\n", "\n") == program(Choices(), epochs=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_can_be_read(browser, address, scheme):
    with tab(browser, address, color_scheme=scheme) as page:
        other = "dark" if scheme == "light" else "light"
        assert contrast(page) >= 4.5
        before = colours_of(page, "#plane")
        page.click("#theme")
        assert page.get_attribute("html", "data-theme") == other
        assert contrast(page) >= 4.5
        assert colours_of(page, "#plane") != before


def contrast(page):
    """The least contrast of a text with what is behind it, by WCAG's formula."""
    return page.evaluate(
        """() => {
          const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
          const light = (colour) => {
            const [r, g, b] = rgb(colour).map((c) => c / 255)
              .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const behind = (it) => {
            for (; it; it = it.parentElement) {
              const colour = getComputedStyle(it).backgroundColor;
              if ((rgb(colour)[3] ?? 1) > 0) return colour;
            }
            return "rgb(255, 255, 255)";
          };
          const texts = document.querySelectorAll(
            "h1, h2, p, label, legend, dt, dd, button, td, th, pre, summary, option");
          return Math.min(...[...texts].filter((it) => it.textContent.trim() && it.checkVisibility()
            && !it.closest(".unseen, [aria-disabled=true]")).map((it) => {
              const [a, b] = [light(getComputedStyle(it).color), light(behind(it))];
              return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            }));
        }"""
    )


@pytest.mark.parametrize("width", [400, 1280])
def test_it_fits_narrow_and_wide_screens(browser, address, width):
    with tab(browser, address, width=width, height=850, has_touch=width == 400) as page:
        assert page.evaluate("() => document.documentElement.scrollWidth") == width
        assert page.evaluate("() => document.getElementById('choices').open") == (width == 1280)
        if width == 400:
            page.tap("#choices > summary")
            assert page.locator("#activation").is_visible()
            for _ in range(4):
                page.click("#more-layers")
            shows(page, "#layer-count", "6 hidden layers")
            assert page.evaluate("() => document.documentElement.scrollWidth") == width
            small = page.evaluate(
                """() => [...document.querySelectorAll("button, select, input")]
                  .filter((it) => it.checkVisibility())
                  .map((it) => [it.id || it.getAttribute("aria-label"), it.getBoundingClientRect()])
                  .filter(([, box]) => box.width < 24 || box.height < 24).map(([name]) => name)"""
            )
            assert small == []
            page.tap("#step")
            shows(page, "#step-count", "1")


# --- tabs and the end -----------------------------------------------------------------------------


def test_tabs_do_not_disturb_each_other(browser, address):
    with tab(browser, address) as one, tab(browser, address) as other:
        one.check("input[value=moons]")
        until(one, "() => document.getElementById('program').textContent.includes('moons')")
        one.click("#run")
        steps(other, "#step", 1)
        own = Playground(Choices())
        own.step()
        assert_shows(other, own)


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


def test_the_page_says_when_the_server_has_ended(browser):
    with playing() as (address, end):
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        page.wait_for_function("() => document.getElementById('loss-training').textContent !== '–'")
        assert end() == 0
        until(page, "() => !document.getElementById('notice').hidden")
        assert "The server has ended" in page.inner_text("#notice")
        assert page.locator("#run").is_disabled()
        assert page.locator("#activation").is_disabled()
        context.close()


def test_nothing_that_comes_over_the_socket_is_markup(browser, address):
    """The server sends no such thing; if it did, it would be text."""
    hostile = (
        "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
    )

    def answer(route):
        upstream = route.connect_to_server()

        def pass_on(message):
            parsed = json.loads(message)
            if parsed["kind"] == "start":
                route.send(json.dumps({"kind": "error", "text": hostile}))
                parsed["picture"]["program"] = parsed["picture"]["stopped"] = hostile
            route.send(json.dumps(parsed))

        upstream.on_message(pass_on)
        route.on_message(upstream.send)

    context = browser.new_context()
    page = context.new_page()
    page.route_web_socket(re.compile("socket"), answer)
    page.goto(address)
    until(page, "(text) => document.getElementById('program').textContent === text", hostile)
    assert hostile in page.text_content("#notice")
    assert page.locator("#notice *, #program *").count() == 0
    assert page.title() == "nnscratch play"
    context.close()
