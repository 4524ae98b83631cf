"""The server of `nnscratch play`: who is let in, what it answers, and how it ends."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import asynccontextmanager, contextmanager

import pytest

from nnscratch.cli import main
from nnscratch.play.choices import Choices
from nnscratch.play.playground import Playground

aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")
server = pytest.importorskip("nnscratch.play.server")
session = pytest.importorskip("nnscratch.play.session")

TOKEN = "correct-token"
SECONDS = 30
PLAY = [sys.executable, "-c", "import nnscratch.cli as c; raise SystemExit(c.main())", "play"]


@asynccontextmanager
async def serving():
    """The application as `serve` runs it; gives its port."""
    listening = server.listening_on(0)
    port = listening.getsockname()[1]
    runner = aiohttp.web.AppRunner(server.application(TOKEN, port), shutdown_timeout=2)
    await runner.setup()
    await aiohttp.web.SockSite(runner, listening).start()
    try:
        yield port
    finally:
        await runner.cleanup()


@asynccontextmanager
async def tab(port):
    """The page's side of a socket, after the first picture was drawn; gives it and the messages."""
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(
            f"http://127.0.0.1:{port}/{TOKEN}/socket",
            headers={"Origin": f"http://127.0.0.1:{port}"},
        ) as talking,
    ):
        hello, start = await heard(talking), await heard(talking)
        await talking.send_json({"do": "drawn"})
        yield talking, hello, start


async def heard(talking):
    return await asyncio.wait_for(talking.receive_json(), SECONDS)


async def asked(talking, **order):
    await talking.send_json(order)
    return await heard(talking)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, SECONDS))


def training_threads():
    return [one for one in threading.enumerate() if one.name.startswith("nnscratch-play")]


def eventually(holds):
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


# --- who is let in --------------------------------------------------------------------------------


def status(port, path, **headers):
    """Ask with exactly these headers; gives status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.putrequest("GET", path, skip_host=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value.format(port=port))
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


def ask_all(questions):
    """The answers to several questions to one server."""

    async def scene():
        async with serving() as port:
            return [await asyncio.to_thread(status, port, path, **h) for path, h in questions]

    return run(scene())


HOST = {"Host": "127.0.0.1:{port}"}
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_the_page_and_its_parts_are_there_for_who_knows_the_token():
    names = ["", "play.css", "main.js", "network.js"]
    answers = ask_all(
        [(f"/{TOKEN}/{name}", HOST) for name in names]
        + [(f"/{TOKEN}/", {"Host": "localhost:{port}"})]
    )
    kinds = ["text/html", "text/css", "text/javascript", "text/javascript", "text/html"]
    for (code, headers, body), kind in zip(answers, kinds, strict=True):
        assert code == 200
        assert headers["Content-Type"] == f"{kind}; charset=utf-8"
        assert len(body) > 500


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", HOST),
        ("/favicon.ico", HOST),
        ("/wrong/", HOST),
        (f"/{TOKEN[:-1]}/", HOST),
        (f"/{TOKEN}x/", HOST),
        ("/%C3%A9%FF/", HOST),
        ("//", HOST),
        (f"/wrong/{TOKEN}/", HOST),
        ("/wrong/../play.html", HOST),
        (f"/{TOKEN}/", {"Host": ""}),
        (f"/{TOKEN}/", {"Host": "evil.example:{port}"}),
        (f"/{TOKEN}/", {"Host": "127.0.0.1"}),
        (f"/{TOKEN}/", {"Host": "127.0.0.1.evil.example:{port}"}),
        (f"/{TOKEN}/", HOST | {"Origin": "http://evil.example"}),
        (f"/{TOKEN}/", HOST | {"Origin": "null"}),
        (f"/{TOKEN}/socket", HOST | UPGRADE),
        (f"/{TOKEN}/socket", HOST | UPGRADE | {"Origin": "http://evil.example"}),
        (f"/{TOKEN}/socket", HOST | UPGRADE | {"Origin": "https://127.0.0.1:{port}"}),
        (f"/{TOKEN}/socket", HOST | UPGRADE | {"Origin": "http://127.0.0.1"}),
        ("/wrong/socket", HOST | UPGRADE | {"Origin": "http://127.0.0.1:{port}"}),
        (
            f"/{TOKEN}/socket",
            {"Host": "evil.example:{port}"} | UPGRADE | {"Origin": "http://127.0.0.1:{port}"},
        ),
    ],
)
def test_others_are_refused_without_a_word(path, headers):
    ((code, _, body),) = ask_all([(path, headers)])
    assert (code, body) == (403, b"")


def test_nothing_but_the_parts_of_the_page_is_handed_out():
    paths = [
        "server.py",
        "../server.py",
        "..%2Fserver.py",
        "%2e%2e/session.py",
        "nothing.js",
        "x/y",
    ]
    for code, _, body in ask_all([(f"/{TOKEN}/{path}", HOST) for path in paths]):
        assert code == 404
        assert b"import" not in body


def test_a_browser_may_load_nothing_from_elsewhere_and_keeps_nothing():
    for _, headers, _ in ask_all([(f"/{TOKEN}/", HOST), (f"/{TOKEN}/main.js", HOST), ("/", HOST)]):
        policy = dict(
            part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
        )
        sockets = policy.pop("connect-src")
        assert re.fullmatch(r"ws://127\.0\.0\.1:(\d+) ws://localhost:\1", sockets)
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "data:",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "aiohttp" not in str(headers).lower()


# --- what it answers ------------------------------------------------------------------------------


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


# --- tabs, and how it ends ------------------------------------------------------------------------


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


@contextmanager
def started(*arguments, **environment):
    """The command as a process; gives it and the address that it prints."""
    process = subprocess.Popen(
        [*PLAY, *arguments],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        address = re.fullmatch(r"Playing at (http://127\.0\.0\.1:(\d+)/([\w-]{43})/)\n", line)
        assert address, line
        assert process.stdout.readline() == "Ctrl-C ends it.\n"
        yield process, address
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=SECONDS)


def test_ctrl_c_ends_it_cleanly_also_while_a_tab_trains():
    async def talk(address):
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(
                f"{address[1]}socket", headers={"Origin": f"http://127.0.0.1:{address[2]}"}
            ) as talking,
        ):
            await heard(talking)
            await heard(talking)
            await talking.send_json({"do": "drawn"})
            assert (await asked(talking, do="run"))["running"]
            process.send_signal(signal.SIGINT)
            while (
                await asyncio.wait_for(talking.receive(), SECONDS)
            ).type is aiohttp.WSMsgType.TEXT:
                pass
            assert talking.close_code == aiohttp.WSCloseCode.GOING_AWAY

    with started("--no-browser") as (process, address):
        run(talk(address))
        out, err = process.communicate(timeout=SECONDS)
        assert (process.returncode, out, err) == (0, "", "")


def test_it_listens_on_127_0_0_1_alone_where_one_says():
    port = free_port()
    with started("--no-browser", "--port", str(port)) as (_, address):
        assert address[2] == str(port)
        code, _, body = status(port, f"/{address[3]}/", **HOST)
        assert code == 200
        assert b"nnscratch play" in body
        for other in ("127.0.0.2", "::1"):
            with pytest.raises(OSError, match=r"refused|assign|timed out"):
                socket.create_connection((other, port), timeout=5)


def test_each_start_has_another_token():
    with started("--no-browser") as (_, one), started("--no-browser") as (_, other):
        assert one[3] != other[3]


def test_it_opens_the_page_in_the_browser(tmp_path):
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.part && mv {opened}.part {opened}\n')
    browser.chmod(0o755)
    with started(BROWSER=f"{browser} %s") as (_, address):
        eventually(opened.exists)
        assert opened.read_text() == address[1]
    opened.unlink()
    with started("--no-browser", BROWSER=f"{browser} %s") as (_, address):
        assert status(int(address[2]), f"/{address[3]}/", **HOST)[0] == 200
    assert not opened.exists()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def said(*arguments, command=PLAY):
    """What the command says on its way out."""
    return subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_a_port_that_is_taken_is_a_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = said("--no-browser", "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Port {port} of 127.0.0.1 cannot be used (Address already in use): give another --port, "
        f"or none for any that is free.\n"
    )


@pytest.mark.parametrize("port", ["80", "70000", "-1", "many", "²"])
def test_a_port_that_cannot_be_is_refused(port, capsys):
    with pytest.raises(SystemExit) as end:
        main(["play", "--port", port])
    assert end.value.code == 2
    assert f"give a number from 1024 to 65535, got '{port}'" in capsys.readouterr().err


def test_without_aiohttp_it_names_the_remedy():
    python, option, program, name = PLAY
    done = said(
        command=[python, option, f"import sys; sys.modules['aiohttp'] = None; {program}", name]
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "nnscratch play needs the package 'aiohttp': pip install 'nnscratch[play]'.\n"
    )
