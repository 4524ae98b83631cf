"""The server of `nnscratch play` in this process or in another, and a page's side of its socket."""

from __future__ import annotations

import asyncio
import http.client
import os
import re
import subprocess
import time
from contextlib import asynccontextmanager, contextmanager

import pytest

from tests.play.browsing import PLAY

aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")
server = pytest.importorskip("nnscratch.play.server")

TOKEN = "correct-token"
SECONDS = 30

HOST = {"Host": "127.0.0.1:{port}"}
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


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


def eventually(holds):
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


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
