"""What a tab of `nnscratch play` is answered, whatever it asks."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest

from nnscratch.play.choices import Choices
from nnscratch.play.playground import Playground
from tests.play.serving import (
    HOST,
    SECONDS,
    TOKEN,
    UPGRADE,
    aiohttp,
    asked,
    eventually,
    heard,
    run,
    serving,
    tab,
)

session = pytest.importorskip("nnscratch.play.session")


def test_orders_do_what_they_say():
    async def scene():
        async with serving() as port, tab(port) as (talking, hello, start):
            assert hello["kind"] == "hello"
            assert set(hello["options"]["previews"]) == set(hello["options"]["dataset"])
            assert start["kind"] == "start"
            own = Playground(Choices())
            assert start["picture"] == json.loads(
                json.dumps({"kind": "picture", "running": False, **own.snapshot()})
            )
            own.step()
            picture = await asked(talking, do="step")
            assert picture["weights"] == own.snapshot()["weights"]
            own.finish_epoch()
            assert (await asked(talking, do="epoch"))["weights"] == own.snapshot()["weights"]
            again = await asked(talking, do="reset")
            assert again["picture"] == start["picture"]
            other = await asked(talking, do="choose", changes={"layers": [2], "dataset": "xor"})
            assert other["choices"]["layers"] == [2]
            assert other["choices"]["dataset"] == "xor"
            assert [len(units) for units in other["picture"]["units"]] == [2]

    run(scene())


def test_it_runs_until_it_is_paused():
    async def scene():
        async with serving() as port, tab(port) as (talking, _, _):
            picture = await asked(talking, do="run")
            assert picture["running"]
            for _ in range(3):
                before = picture["step"]
                picture = await asked(talking, do="drawn")
                assert picture["step"] > before
            await talking.send_json({"do": "pause"})
            while picture["running"]:
                picture = await heard(talking)
            await talking.send_json({"do": "drawn"})
            assert (await asked(talking, do="step"))["step"] == picture["step"] + 1

    run(scene())


def test_a_change_while_it_runs_begins_anew_and_runs_on():
    async def scene():
        async with serving() as port, tab(port) as (talking, _, _):
            assert (await asked(talking, do="run"))["running"]
            start = await asked(talking, do="choose", changes={"seed": 5})
            assert start["kind"] == "start"
            assert (start["picture"]["step"], start["picture"]["running"]) == (0, True)
            assert (await asked(talking, do="drawn"))["step"] > 0
            await talking.send_json({"do": "reset"})
            start = await heard(talking)
            while start["kind"] != "start":
                start = await heard(talking)
            assert not start["picture"]["running"]

    run(scene())


@pytest.mark.parametrize("speed", [speed for speed in session.SPEEDS if speed])
def test_at_a_given_speed_it_takes_so_many_steps_a_second(speed):
    async def scene():
        async with serving() as port, tab(port) as (talking, _, _):
            await talking.send_json({"do": "speed", "steps": speed})
            began = time.monotonic()
            first = await asked(talking, do="run")
            each = max(1, speed // session.PICTURES_PER_SECOND)
            assert 1 <= first["step"] <= each  # fewer where a machine cannot keep up
            second = await asked(talking, do="drawn")
            assert 1 <= second["step"] - first["step"] <= each
            assert time.monotonic() - began >= 0.9 * min(each / speed, 1)

    run(scene())


def test_pictures_wait_until_the_page_has_drawn_the_last_one():
    async def scene():
        async with serving() as port, tab(port) as (talking, _, _):
            await asked(talking, do="run")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(talking.receive_json(), 10 / session.PICTURES_PER_SECOND)

    run(scene())


def test_there_are_at_most_so_many_pictures_a_second():
    async def scene():
        async with serving() as port, tab(port) as (talking, _, _):
            await asked(talking, do="run")
            began = time.monotonic()
            for _ in range(6):
                await asked(talking, do="drawn")
            assert time.monotonic() - began >= 0.9 * 6 / session.PICTURES_PER_SECOND

    run(scene())


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "null",
        "[]",
        '"run"',
        "NaN",
        "9" * 4000,
        "[" * 4000,
        '{"do": "dance"}',
        '{"do": ["run"]}',
        '{"do": {"do": "run"}}',
        '{"do": "speed", "steps": 7}',
        '{"do": "speed", "steps": "1"}',
        '{"do": "choose"}',
        '{"do": "choose", "changes": null}',
        '{"do": "choose", "changes": {"layers": [1e999]}}',
        '{"do": "choose", "changes": {"learning_rate": NaN}}',
        '{"do": "choose", "changes": {"__class__": 1}}',
        '{"do": "choose", "changes": {"dataset": "<img src=x onerror=alert(1)>"}}',
        '{"do": "\\ud800"}',
        b"\x00\xff{}",
    ],
)
def test_a_bad_message_is_answered_with_a_sentence(message):
    async def scene():
        async with serving() as port, tab(port) as (talking, _, _):
            await (talking.send_bytes if type(message) is bytes else talking.send_str)(message)
            answer = await heard(talking)
            assert answer["kind"] == "error"
            assert 20 < len(answer["text"]) < 200
            assert (await asked(talking, do="step"))["step"] == 1

    run(scene())


def test_a_message_that_is_too_long_ends_the_connection_and_nothing_else():
    async def scene():
        async with serving() as port:
            async with tab(port) as (talking, _, _):
                await talking.send_str(" " * 5000)
                end = await asyncio.wait_for(talking.receive(), SECONDS)
                assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1009)
            async with tab(port) as (talking, _, _):
                assert (await asked(talking, do="step"))["step"] == 1

    run(scene())


def test_training_that_diverges_says_so_and_runs_no_more():
    async def scene():
        async with serving() as port, tab(port) as (talking, _, _):
            changes = {
                "layers": [12] * 6,
                "activation": "linear",
                "optimizer": "sgd",
                "learning_rate": 10,
            }
            await asked(talking, do="choose", changes=changes)
            await talking.send_json({"do": "drawn"})
            picture = await asked(talking, do="run")
            for _ in range(100):
                if picture["stopped"]:
                    break
                picture = await asked(talking, do="drawn")
            step = picture["step"]
            assert picture["stopped"] == f"The loss is no longer finite at step {step}."
            assert not picture["running"]
            assert picture["loss"] == [None, None]
            refused = await asked(talking, do="run")
            assert refused["kind"] == "error"
            assert picture["stopped"] in refused["text"]
            assert (await asked(talking, do="reset"))["picture"]["stopped"] is None

    run(scene())


def test_each_tab_has_a_playground_of_its_own():
    async def scene():
        async with serving() as port, tab(port) as (one, _, _), tab(port) as (other, _, _):
            await asked(one, do="choose", changes={"layers": [5]})
            await asked(one, do="step")
            picture = await asked(other, do="step")
            assert picture["step"] == 1
            assert [len(units) for units in picture["units"]] == [4, 3]
            await one.send_json({"do": "drawn"})
            await asked(one, do="run")
            assert (await asked(other, do="step"))["step"] == 2

    run(scene())


def training_threads():
    return [one for one in threading.enumerate() if one.name.startswith("nnscratch-play")]


def test_a_closed_tab_ends_its_training_and_its_thread():
    others = set(training_threads())  # of pages that other tests in this process have open

    def own_threads():
        return [one for one in training_threads() if one not in others]

    async def scene():
        async with serving() as port:
            async with tab(port) as (talking, _, _):
                await asked(talking, do="run")
                assert len(own_threads()) == 1
            await asyncio.to_thread(eventually, lambda: not own_threads())
            async with tab(port) as (talking, _, _):  # gone without a word
                await asked(talking, do="run")
                talking._conn.transport.abort()
                await asyncio.to_thread(eventually, lambda: not own_threads())

    run(scene())


def test_a_tab_that_reads_nothing_does_not_keep_the_server_from_ending(monkeypatch):
    shown: list[float] = []  # when each picture was made

    class Counted(Playground):
        def snapshot(self):
            shown.append(time.monotonic())
            return super().snapshot()

    monkeypatch.setattr(session, "Playground", Counted)
    orders = [{"do": "choose", "changes": {"layers": [12] * 6}}, *[{"do": "step"}] * 300]

    async def scene():
        async with serving() as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.transport.pause_reading()
            writer.write(handshake(port) + b"".join(frame(json.dumps(one)) for one in orders))
            while not shown or time.monotonic() - shown[-1] < 1:  # until no more can be sent
                await asyncio.sleep(0.1)
            assert 1 < len(shown) < 300
        writer.close()

    run(scene())


def handshake(port):
    """A request that opens a socket."""
    headers = UPGRADE | HOST | {"Origin": "http://127.0.0.1:{port}"}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    request = "\r\n".join([f"GET /{TOKEN}/socket HTTP/1.1", *lines, "", ""])
    return request.format(port=port).encode()


def frame(text):
    """A text as a WebSocket frame from a client, masked by zeros."""
    data = text.encode()
    return bytes([0x81, 0x80 | 126]) + len(data).to_bytes(2, "big") + bytes(4) + data
