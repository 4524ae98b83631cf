"""Several tabs of `nnscratch play`, one whose server ends, and one that is sent bad things."""

from __future__ import annotations

import json
import re

from nnscratch.play.choices import Choices
from nnscratch.play.playground import Playground
from tests.play.browsing import assert_shows, playing, steps, tab, until


def test_tabs_do_not_disturb_each_other(browser, address):
    with tab(browser, address) as one, tab(browser, address) as other:
        one.check("input[value=moons]")
        until(one, "() => document.getElementById('program').textContent.includes('moons')")
        one.click("#run")
        steps(other, "#step", 1)
        own = Playground(Choices())
        own.step()
        assert_shows(other, own)


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
