"""The entrance of a driver's answers: what comes over the connection, and what a harvest makes of it."""

import asyncio
import socket
import struct
from contextlib import suppress
from random import Random
from typing import Any, Final

from aura_browser.session import Session
from aura_browser.site import Condition, Site
from aura_browser.webdriver.collect import collect_session
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.connection import Connection
from tests.fuzz.inputs import dump_json, pick_bytes, spoil_json
from tests.parts.ready_driver import ORIGIN, ReadyDriver


async def enter_driver_answer(random: Random) -> None:
    """What a driver answers: over the connection to it, and to each command of a harvest, which has its own thread."""
    await asyncio.to_thread(_enter, random)


def _enter(random: Random) -> None:
    if random.random() < 0.3:
        _call_driver(pick_bytes(random, ('{"value": {"sessionId": "x", "capabilities": {}}}', '{"value": []}')))
        return
    kinds = ("selector:body", random.choice(("cookie:sid", "text:x", "url:*", "js:1")))
    site = Site(f"{ORIGIN}/", ready=tuple(map(Condition.parse, kinds)))
    options = BrowserOptions(Deadline(_HARVEST_S), interactive=random.random() < 0.3)

    def spoil(answer: Any) -> Any:  # noqa: ANN401 - JSON
        return spoil_json(random, answer) if random.random() < 0.08 else answer

    driver = ReadyDriver(change=spoil, write=dump_json)
    session = collect_session(driver, site, options, proxy=None, on_wait=None).session
    Session.from_json(session.to_json())


_HARVEST_S: Final = 0.003


def _call_driver(text: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours, drivers = socket.create_connection(server.getsockname()), server.accept()[0]
    with ours, drivers:
        for each in (ours, drivers):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leaves no TIME_WAIT
        drivers.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
        drivers.shutdown(socket.SHUT_WR)
        with suppress(OSError, ValueError):  # of which the start of a browser makes LaunchFailed
            Connection(ours, "").call("GET", "/status")
