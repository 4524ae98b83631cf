"""Who is let in by the server of `nnscratch play`, and what is handed out."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.play.serving import HOST, TOKEN, UPGRADE, run, serving, status


def ask_all(questions):
    """The answers to several questions to one server."""

    async def scene():
        async with serving() as port:
            return [await asyncio.to_thread(status, port, path, **h) for path, h in questions]

    return run(scene())


def test_the_page_and_its_parts_are_there_for_who_knows_the_token():
    names = ["", "play.css", "base.css", "network.js", "dom.js"]
    answers = ask_all(
        [(f"/{TOKEN}/{name}", HOST) for name in names]
        + [(f"/{TOKEN}/", {"Host": "localhost:{port}"})]
    )
    kinds = ["text/html", *["text/css"] * 2, *["text/javascript"] * 2, "text/html"]
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


def test_no_other_way_to_write_its_path_opens_a_socket_without_an_origin():
    paths = [
        f"/{TOKEN}%2Fx/socket",
        f"/{TOKEN}%2F/socket",
        f"/{TOKEN}/socket/",
        f"/{TOKEN}//socket",
    ]
    for code, _, _ in ask_all([(path, HOST | UPGRADE) for path in paths]):
        assert code == 404


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
