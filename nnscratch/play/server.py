"""The server behind `nnscratch play`: for this machine, this user and one token.

It listens on 127.0.0.1 alone. Whoever asks has to know the token in the address, must mean this
server (the Host header, against names that are made to point here), and a socket must be opened by
the page itself (the Origin header); anything else gets 403 and nothing to read.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, web

from nnscratch.pages import parts
from nnscratch.play.session import Session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.typedefs import Handler, Middleware

LONGEST_MESSAGE = 4096
"""Bytes of what the page may send at once."""

SECONDS_TO_CLOSE = 2
"""How long a tab that does not answer can keep the server from ending."""

PAGE = "play.html"
SOCKET = "socket"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

SOCKETS: web.AppKey[set[web.WebSocketResponse]] = web.AppKey("sockets", set)


def serve(port: int, browser: bool) -> int:
    """Show the page until Ctrl-C; gives the exit status.

    Args:
        port: where to listen on 127.0.0.1; 0 for any that is free.
        browser: whether to open the page.
    """
    try:
        listening = listening_on(port)
    except OSError as error:
        print(
            f"Port {port} of 127.0.0.1 cannot be used ({error.strerror}): give another --port, or "
            f"none for any that is free.",
            file=sys.stderr,
        )
        return 1
    port = listening.getsockname()[1]
    token = secrets.token_urlsafe(32)
    address = f"http://127.0.0.1:{port}/{token}/"
    print(f"Playing at {address}\nCtrl-C ends it.", flush=True)
    if browser:
        # A browser in the terminal would keep us from answering it.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    web.run_app(
        application(token, port),
        sock=listening,
        print=None,
        access_log=None,
        shutdown_timeout=SECONDS_TO_CLOSE,
    )
    return 0


def application(token: str, port: int) -> web.Application:
    """The page, its parts and its socket, behind the guard.

    Args:
        token: what an address has to start with.
        port: where the application will listen.
    """
    app = web.Application(middlewares=[_guard(token, port)])
    app[SOCKETS] = set()
    app.on_response_prepare.append(_headers(port))
    app.on_shutdown.append(_close_sockets)
    texts = parts("nnscratch.play")

    async def part(request: web.Request) -> web.Response:
        name = request.match_info["name"] or PAGE
        if name not in texts:
            return web.Response(status=404)
        kind = TYPES[name[name.rindex(".") :]]
        return web.Response(text=texts[name], content_type=kind, charset="utf-8")

    # The token itself: a pattern would also match what the guard reads as another path.
    app.router.add_get(f"/{token}/{SOCKET}", _talk)
    app.router.add_get(f"/{token}/{{name:[a-z_.]*}}", part)
    return app


def listening_on(port: int) -> socket.socket:
    """A socket that already listens on 127.0.0.1, so that a browser may knock at once.

    Raises:
        OSError: the port is taken.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":  # there it would let two servers share a port
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


async def _talk(request: web.Request) -> web.WebSocketResponse:
    """A socket and its playground, until either side closes it."""
    # Within one machine there is nothing to gain from compression.
    talking = web.WebSocketResponse(max_msg_size=LONGEST_MESSAGE, heartbeat=30, compress=False)
    await talking.prepare(request)
    request.app[SOCKETS].add(talking)
    try:
        await Session(talking).serve()
    finally:
        request.app[SOCKETS].discard(talking)
    return talking


def _guard(token: str, port: int) -> Middleware:
    """Refuses whoever should not be here, without a word."""
    hosts = _hosts(port)
    origins = [f"http://{host}" for host in hosts]

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given, _, part = request.path.removeprefix("/").partition("/")
        knows = secrets.compare_digest(given.encode(errors="replace"), token.encode())
        origin = request.headers.get("Origin")
        from_page = origin in origins or (origin is None and part != SOCKET)
        if not (knows and request.headers.get("Host") in hosts and from_page):
            return web.Response(status=403)
        return await handler(request)

    return guard


def _headers(port: int) -> Callable[[Any, web.StreamResponse], Awaitable[None]]:
    """Has the browser load and run nothing but the page's own parts, and keep nothing."""
    sockets = " ".join(f"ws://{host}" for host in _hosts(port))
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"default-src 'none'; script-src 'self'; style-src 'self'; "
        f"connect-src {sockets}; img-src data:; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Server": "nnscratch",
        "X-Content-Type-Options": "nosniff",
    }

    async def add(request: Any, response: web.StreamResponse) -> None:
        response.headers.update(headers)

    return add


def _hosts(port: int) -> tuple[str, str]:
    """What a browser on this machine may call us."""
    return f"127.0.0.1:{port}", f"localhost:{port}"


async def _close_sockets(app: web.Application) -> None:
    """Say that it ends to all tabs at once; one that does not listen is not waited for."""

    async def close(talking: web.WebSocketResponse) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_CLOSE):
                await talking.close(code=WSCloseCode.GOING_AWAY, message=b"The server has ended.")

    open_sockets = app[SOCKETS]
    await asyncio.gather(*map(close, list(open_sockets)))
