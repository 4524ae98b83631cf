"""The command `nnscratch play`: where it listens, what it says, and how it ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess

import pytest

from nnscratch.cli import main
from tests.play.browsing import PLAY
from tests.play.serving import (
    HOST,
    SECONDS,
    aiohttp,
    asked,
    eventually,
    heard,
    run,
    started,
    status,
)


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
