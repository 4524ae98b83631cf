"""The page by keyboard and screen reader, in both themes, on a phone; and with hostile input."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnscratch as ns
from nnscratch.explainer.document import document
from nnscratch.explainer.page import write_page
from nnscratch.explainer.recording import record_tape
from tests.explainer import samples
from tests.explainer.reading import choose, matrix, named, open_tab, readout, section

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.explainer.reading import Open


def test_everything_has_a_role_and_a_name(show: Open):
    with show(samples.training()) as page:
        assert page.get_by_role("tree").count() == 1
        assert page.get_by_role("tree").locator("[tabindex='0']").count() == 1
        for tab in page.get_by_role("tab").all():
            tab.click()
            assert tab.get_attribute("aria-selected") == "true"
            snapshot = page.locator("body").aria_snapshot()
            controls = "button|switch|slider|tab|treeitem|combobox|link|img|figure"
            nameless = re.findall(rf"^\s*- (?:{controls})(?: \[.*\])*:?$", snapshot, re.MULTILINE)
            assert nameless == []
        assert re.search(r'treeitem "mean_binary.*loss', page.locator("main").aria_snapshot())


def test_tabs_are_moved_through_with_arrows(show: Open):
    with show(samples.tiny()) as page:
        page.get_by_role("tab", name="Inspect").focus()
        page.keyboard.press("ArrowRight")
        assert page.get_by_role("tab", name="Break it").get_attribute("aria-selected") == "true"
        page.keyboard.press("End")
        assert page.get_by_role("tab").last.get_attribute("aria-selected") == "true"
        page.keyboard.press("Home")
        assert page.get_by_role("tab", name="Inspect").get_attribute("aria-selected") == "true"
        assert page.locator("#counter").inner_text() == "0 / 4"


FOCUSED = "() => document.activeElement.id || document.activeElement.textContent"


def test_the_focus_is_never_lost(show: Open):
    """What was pressed may be drawn anew, or be gone: the focus stays, or goes to the panel."""
    with show(samples.network(12)) as page:
        page.get_by_role("treeitem", expanded=False).first.dispatch_event("click")
        opener = page.locator("#toggle-group")
        for _ in range(2):
            opener.press("Enter")
            assert page.evaluate(FOCUSED) == "toggle-group"
        page.get_by_role("region", name="In it").get_by_role("button").first.press("Enter")
        page.get_by_role("heading", level=2, name=re.compile("^(dense|kernel|bias)$")).wait_for()
        assert page.evaluate(FOCUSED) == "panel"
        open_tab(page, "Break it")
        page.get_by_role("switch", disabled=False).first.press("Space")
        assert page.evaluate("document.activeElement.getAttribute('role')") == "switch"
        page.get_by_role("button", name="Put right").press("Enter")
        assert page.evaluate(FOCUSED) == "panel"


def test_tab_stops_once_in_the_graph(show: Open):
    with show(samples.tiny()) as page:
        page.get_by_role("button", name=re.compile("theme")).focus()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('role')") == "treeitem"
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED).strip() == "Legend"


def test_arrows_scroll_a_program_that_has_the_focus(show: Open):
    described = copy.copy(samples.described(samples.tiny()))
    described["program"] = "a = " + " + ".join(["1"] * 200) + "\n"
    with show(described) as page:
        open_tab(page, "Program")
        program = page.get_by_label("Source text")
        program.press("ArrowRight")
        page.wait_for_function("() => document.querySelector('#panel pre').scrollLeft > 0")
        assert page.locator("#counter").inner_text() == "0 / 4"
        page.get_by_role("button", name="Copy").press("ArrowRight")
        assert page.locator("#counter").inner_text() == "1 / 4"


def test_the_keys_are_listed(show: Open):
    with show(samples.tiny()) as page:
        page.get_by_role("button", name="Keys").click()
        assert "one step back" in page.get_by_role("dialog").inner_text()
        page.keyboard.press("Escape")
        assert page.get_by_role("dialog").count() == 0


def test_the_theme_follows_the_system_until_one_is_chosen(show: Open):
    paper = "getComputedStyle(document.body).backgroundColor"
    with show(samples.tiny(), color_scheme="dark") as page:
        dark = page.evaluate(paper)
        page.get_by_role("button", name="Light theme").click()
        light = page.evaluate(paper)
        assert dark != light
        page.get_by_role("button", name="Dark theme").click()
        assert page.evaluate(paper) == dark
    with show(samples.tiny(), color_scheme="light") as page:
        assert page.evaluate(paper) == light


def test_nothing_moves_for_those_who_want_it_so(show: Open):
    with show(samples.tiny(), reduced_motion="reduce") as page:
        page.keyboard.press("ArrowRight")
        line = page.locator(".edge.active .line").first
        assert line.evaluate("line => getComputedStyle(line).animationName") == "none"


CONTRAST = """() => {
  const parse = (text) => {
    const [red, green, blue, alpha = 1] = text.match(/[\\d.]+/g).map(Number);
    const scale = text.startsWith("color(") ? 255 : 1;
    return { rgb: [red, green, blue].map((channel) => channel * scale), alpha };
  };
  const linear = (channel) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  const luminance = ({ rgb }) => {
    const [red, green, blue] = rgb.map(linear);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.alpha > 0.9) return colour;
    }
    throw new Error("no background");
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const hidden = !element.checkVisibility() || element.closest(":disabled, script, title");
    if (!node.data.trim() || hidden) continue;
    const style = getComputedStyle(element);
    const drawing = element.closest("svg");
    const shape = element.closest(".node")?.querySelector(".shape");
    const fore = parse(drawing ? style.fill : style.color);
    const back = shape
      ? parse(getComputedStyle(shape).fill)
      : ground(drawing ? drawing.parentElement : element);
    const ratio = contrast(fore, back);
    if (ratio < 4.5) bad.push(`${node.data.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return bad;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_text_stands_out(show: Open, theme: str):
    """WCAG 2.2's level AA: 4.5 to 1."""
    with show(samples.training(), color_scheme=theme) as page:
        page.get_by_text("Legend").click()
        for tab in page.get_by_role("tab").all():
            tab.click()
            for switch in page.get_by_role("switch", disabled=False).all()[:1]:
                switch.click()
            assert page.evaluate(CONTRAST) == []
        page.get_by_role("button", name="Put right").click()
        open_tab(page, "Inspect")
        page.get_by_role("treeitem", name=re.compile("^kernel")).last.dispatch_event("click")
        page.get_by_role("heading", level=2, name="kernel").wait_for()
        assert page.evaluate(CONTRAST) == []


def test_a_phone_shows_all_of_it_without_scrolling_sideways(show: Open):
    with show(samples.training(), width=400, height=800, has_touch=True) as page:
        graph = page.locator("#viewport").bounding_box()
        panel = page.get_by_role("complementary").bounding_box()
        assert panel["y"] >= graph["y"] + graph["height"] - 1
        page.get_by_role("treeitem", name=re.compile("^kernel")).first.dispatch_event("click")
        for tab in page.get_by_role("tab").all():
            tab.click()
            for switch in page.get_by_role("switch", disabled=False).all():
                switch.click()
            assert page.evaluate("document.documentElement.scrollWidth") <= 400
        for name in ("Step back", "Play", "Step on"):
            box = page.get_by_role("button", name=name, exact=True).bounding_box()
            assert box["height"] >= 44
            assert box["width"] >= 40
            assert box["y"] + box["height"] <= 800  # at the thumb, wherever one has scrolled to
        page.get_by_role("button", name="Step on", exact=True).tap()
        assert page.locator("#counter").inner_text().startswith("1 ")


# --- what may come in ----------------------------------------------------------------------------


HOSTILE = [
    "</script><script>window.hacked = 1</script>",
    '<img src="x" onerror="window.hacked = 1">',
    "javascript:window.hacked=1",
    "{{scripts}}<!--<script>",
    "\u2028'\"`${window.hacked = 1}",
]


def test_nothing_from_names_and_programs_is_run(show: Open):
    described = copy.deepcopy(samples.training())
    described["program"] = "# program"

    def poison(value: Any, path: str = "") -> Any:
        """Hostile text wherever a document holds text that is someone's own."""
        kept = ("data", "kind", "dtype", "formula", "derivative", "op", "key", "class_name", "name")
        if isinstance(value, dict):
            return {
                key: item if key in kept and isinstance(item, str) else poison(item, key)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [poison(item, path) for item in value]
        if isinstance(value, str) and value not in ("NaN", "Infinity", "-Infinity"):
            return value + " ".join(HOSTILE)
        return value

    described = poison(described)
    for layer in described["layers"]:
        layer["name"] += HOSTILE[1]
    for parameter in described["run"]["parameters"]:
        parameter["name"] += HOSTILE[1]
    described["run"]["norms"] = {
        what: dict(zip(described["run"]["layers"], norms.values(), strict=True))
        for what, norms in described["run"]["norms"].items()
    }
    with show(described) as page:
        page.evaluate("window.hacked = undefined")
        for tab in page.get_by_role("tab").all():
            tab.click()
            for switch in page.get_by_role("switch", disabled=False).all()[:2]:
                switch.click()
        open_tab(page, "Inspect")
        for item in page.get_by_role("treeitem").all():
            item.dispatch_event("click")
        page.keyboard.press("End")
        assert page.evaluate("window.hacked") is None
        assert page.locator("img, iframe, object, embed, #x").count() == 0
        assert page.locator("script").count() == 3
        assert page.get_by_role("heading", level=1).text_content() == described["title"]
        links = page.locator("a").evaluate_all("links => links.map((link) => link.protocol)")
        assert set(links) <= {"blob:"}


MATH = "<math xmlns='http://www.w3.org/1998/Math/MathML'>{}</math>"


@pytest.mark.parametrize(
    "formula",
    [
        MATH.format(
            "<mtext><img xmlns='http://www.w3.org/1999/xhtml' src='x' onerror='window.hacked=1'/>"
            "</mtext>"
        ),
        MATH.format("<mi onclick='window.hacked=1'>x</mi>"),
        MATH.format("<mi href='javascript:window.hacked=1'>x</mi>"),
        MATH.format("<annotation-xml encoding='text/html'><b>x</b></annotation-xml>"),
        MATH.format("<maction><mi>x</mi></maction>"),
        "<svg xmlns='http://www.w3.org/2000/svg' onload='window.hacked=1'/>",
    ],
)
def test_a_formula_is_plain_mathml_or_nothing(show: Open, formula: str):
    described = copy.deepcopy(samples.described(samples.tiny()))
    for texts in described["ops"].values():
        texts["formula"] = formula
    with show(described) as page:
        choose(page, samples.tiny().loss)
        page.get_by_role("heading", level=2, name="c").wait_for()
        assert section(page, "Value").locator(".formula").count() == 0
        assert section(page, "What it sends back").locator(".formula math").count() == 1
        assert page.evaluate("window.hacked") is None


def test_the_browser_itself_would_refuse_other_scripts_and_the_network(
    browser: Browser, tmp_path: Path
):
    file = write_page(samples.described(samples.tiny()), tmp_path / "page.html").path
    page = browser.new_page()
    page.goto(file.as_uri())
    assert page.evaluate(
        """async () => {
          const refused = [];
          document.addEventListener("securitypolicyviolation", (event) => {
            refused.push(event.effectiveDirective);
          });
          const script = document.createElement("script");
          script.textContent = "window.hacked = 1";
          document.body.append(script);
          await fetch("data:,x").catch(() => {});
          await new Promise((done) => setTimeout(done, 50));
          return [refused.sort(), window.hacked ?? null];
        }"""
    ) == [["connect-src", "script-src-elem"], None]
    page.close()


def test_the_first_nan_is_named_and_shown(show: Open):
    with show(samples.not_a_number()) as page:
        notice = page.locator(".notice.bad")
        assert "The first value that is not finite (NaN or ∞) is in log" in notice.inner_text()
        notice.get_by_role("button", name="Show it").click()
        assert page.get_by_role("heading", level=2).inner_text() == "log"
        place, shown = matrix(page, "Value of log").locator(".readout").inner_text().split(" = ")
        assert (place, shown) == ("[1]", "NaN")
        assert section(page, "Value").locator(".worked-out .equation").inner_text() == (
            "ln(−2) = NaN"
        )
        assert page.locator("#summary").inner_text().startswith("loss = NaN")


def test_an_infinity_that_comes_to_nothing_is_no_alarm(show: Open):
    scores = ns.Tensor(np.array([[0.5, 1.0, 2.0]]), requires_grad=True)
    mask = np.array([[0.0, 0.0, -np.inf]])
    masked = scores + mask
    loss = ns.ops.softmax(masked)[0, 0]
    with show(document(record_tape(loss, {id(mask): "mask"}), "Mask")) as page:
        assert page.locator(".notice.bad, .node.not-finite").count() == 0


def test_empty_arrays_and_single_numbers_have_their_place(show: Open):
    empty = ns.Tensor(np.zeros((0, 3)), requires_grad=True)
    one = ns.Tensor(2.0, requires_grad=True)
    recording = record_tape(empty.sum() + one, {id(empty): "empty", id(one): "one"})
    with show(document(recording, "Empty")) as page:
        choose(page, named(recording, "empty"))
        assert page.get_by_text("Value of empty: empty, shape (0, 3)").is_visible()
        choose(page, named(recording, "one"))
        assert matrix(page, "Value of one").locator("td").inner_text() == "2"


def test_long_names_are_shortened_but_for_the_heading(show: Open):
    ns.random.seed(0)
    name = "a_layer_" * 40
    model = ns.Sequential([ns.layers.Dense(2, "tanh", input_shape=(3,), name=name)])
    x = np.ones((4, 3), np.float32)
    recording = record_tape(model(x).mean(), {id(x): "x" * 300})
    with show(document(recording, "Names"), width=400) as page:
        assert page.locator("#graph").evaluate("graph => graph.getBBox().width") < 700
        choose(page, named(recording, "x" * 300))
        assert page.get_by_role("heading", level=2).inner_text() == "x" * 300
        for item in page.get_by_role("treeitem").all():
            item.dispatch_event("click")
            assert page.evaluate("document.documentElement.scrollWidth") <= 400
        page.keyboard.press("n")
        assert len(page.locator("#sentence").inner_text()) < 250


def test_of_several_results_each_is_shown(show: Open):
    x = ns.Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    left, right = np.split(x, [1])
    recording = record_tape((left.sum() + 3 * right.sum()), {id(x): "x"})
    split = next(entry for entry in recording.entries if entry.op == "split_array")
    with show(document(recording, "Several results")) as page:
        choose(page, split)
        part = section(page, "Result 2")
        cells = [figure.locator("td").all_inner_texts() for figure in part.locator("figure").all()]
        assert cells == [["2", "3", "4", "5"], ["3", "3", "3", "3"]]
        page.get_by_role("button", name="Edge to sum").nth(1).click()
        figure = matrix(page, "Value of split_array, its result 2")
        assert figure.locator("td").all_inner_texts() == ["2", "3", "4", "5"]


def test_axes_beyond_two_are_joined(show: Open):
    x = ns.Tensor(np.arange(24.0).reshape(2, 3, 4), requires_grad=True)
    recording = record_tape((x * 2.0).sum(), {id(x): "x"})
    with show(document(recording, "Three axes")) as page:
        choose(page, named(recording, "x"))
        figure = matrix(page, "Value of x")
        figure.locator("td").nth(4 * 5 + 1).click()  # [1, 2, 1]
        assert readout(figure) == ("[1, 2, 1]", 21)
