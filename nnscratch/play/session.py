"""One tab of the page: what it asks for, and the thread that trains its playground."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import WSMsgType

from nnscratch.play.choices import Choices, checked, options
from nnscratch.play.datasets import CLASSES, DATASETS, make
from nnscratch.play.playground import Playground

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import WSMessage, web

Result = TypeVar("Result")

SPEEDS = (1, 5, 20, 100, 0)
"""Steps in a second; 0 is as many as there is time for."""

PICTURES_PER_SECOND = 20

PREVIEW_POINTS = 60
"""How many points of each data set are shown where one chooses it."""


class Session:
    """Answers one page until it is closed.

    Everything that touches the playground runs in a thread of the session's own, one thing at a
    time, so that the server can always listen. While training runs, the page gets a picture at most
    `PICTURES_PER_SECOND` times a second, and training waits until the page says that it has drawn
    the last one.
    """

    def __init__(self, socket: web.WebSocketResponse) -> None:
        """Talk through an open socket."""
        self._socket = socket
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nnscratch-play")
        self._one_at_a_time = asyncio.Lock()
        self._running = asyncio.Event()
        self._drawn = asyncio.Event()
        self._speed = 0

    async def serve(self) -> None:
        """Listen and train until the page is closed; then the thread ends."""
        try:
            await self._send({"kind": "hello", "options": await self._in_thread(_offers)})
            await self._begin(Choices())
            async with asyncio.TaskGroup() as tasks:
                training = tasks.create_task(self._train())
                async for message in self._socket:
                    await self._answer(message)
                training.cancel()
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _answer(self, message: WSMessage) -> None:
        """Do what a message asks for; what makes no sense is answered with a sentence."""
        try:
            await self._obey(_understood(message))
        except ValueError as error:
            await self._send({"kind": "error", "text": str(error)})

    async def _obey(self, order: Any) -> None:
        match order:
            case {"do": "drawn"}:
                self._drawn.set()
            case {"do": "run"}:
                if self._playground.stopped:
                    raise ValueError(f"{self._playground.stopped} Reset, or choose otherwise.")
                self._running.set()
            case {"do": "pause"}:
                await self._pause_and(lambda: None)
            case {"do": "step"}:
                await self._pause_and(self._playground.step)
            case {"do": "epoch"}:
                await self._pause_and(self._playground.finish_epoch)
            case {"do": "reset"}:
                self._running.clear()
                await self._begin(self._playground.choices)
            case {"do": "choose", "changes": changes}:
                await self._begin(checked(changes, self._playground.choices))
            case {"do": "speed", "steps": int(steps)} if steps in SPEEDS:
                self._speed = steps
            case _:
                raise ValueError(f"The page asked for something unknown: {order!r:.60}.")

    async def _begin(self, choices: Choices) -> None:
        """Make data and network anew and show them."""
        async with self._one_at_a_time:
            self._playground = await self._in_thread(lambda: Playground(choices))
            start = await self._in_thread(self._playground.start)
            await self._send({"kind": "start", **start, "picture": await self._picture()})

    async def _pause_and(self, act: Callable[[], None]) -> None:
        self._running.clear()
        async with self._one_at_a_time:
            await self._in_thread(act)
            await self._show()

    async def _train(self) -> None:
        """Whenever training runs: a few steps, a picture, a rest."""
        clock = asyncio.get_running_loop().time
        while True:
            await self._running.wait()
            await self._drawn.wait()
            began = clock()
            async with self._one_at_a_time:
                if self._running.is_set():
                    await self._in_thread(lambda: _burst(self._playground, self._speed))
                    if self._playground.stopped:
                        self._running.clear()
                    await self._show()
            slowest = min(self._speed or PICTURES_PER_SECOND, PICTURES_PER_SECOND)
            await asyncio.sleep(began + 1 / slowest - clock())

    async def _show(self) -> None:
        await self._send(await self._picture())

    async def _picture(self) -> dict[str, Any]:
        """The playground as it stands; the page will say when it has drawn it."""
        snapshot = await self._in_thread(self._playground.snapshot)
        self._drawn.clear()
        return {"kind": "picture", "running": self._running.is_set(), **snapshot}

    async def _send(self, message: dict[str, Any]) -> None:
        with suppress(ConnectionResetError):  # closed meanwhile; whoever listens will notice
            await self._socket.send_str(json.dumps(message, allow_nan=False))

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _understood(message: WSMessage) -> Any:
    """A message as what it says.

    Raises:
        ValueError: not JSON.
    """
    try:
        return json.loads(message.data if message.type is WSMsgType.TEXT else "")
    except (ValueError, RecursionError):
        raise ValueError("The page sent something that is not JSON.") from None


def _burst(playground: Playground, speed: int) -> None:
    """The steps of one picture: those that are due at this speed, as far as there is time."""
    end = time.perf_counter() + 1 / PICTURES_PER_SECOND
    due = max(1, speed // PICTURES_PER_SECOND) if speed else None
    taken = 0
    while taken != due and not playground.stopped and (taken == 0 or time.perf_counter() < end):
        playground.step()
        taken += 1


def _offers() -> dict[str, Any]:
    """What the page offers to choose from, with some points of each data set."""
    previews = {}
    for name in DATASETS:
        x, y = make(name, noise=0.0, seed=0)
        previews[name] = [
            [round(float(number), 3) for number in (*point, target)]
            for point, target in zip(
                x[:PREVIEW_POINTS], 2 * y - 1 if name in CLASSES else y, strict=False
            )
        ]
    return options() | {"previews": previews, "speeds": SPEEDS}
