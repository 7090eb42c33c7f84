"""The site for synchronous code: in a thread with its own event loop."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import TypedDict, Unpack

from aura_browser.playground.server import Playground

_START_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 10.0


class PlaygroundOptions(TypedDict, total=False):
    """The keyword arguments of ``Playground``."""

    life: float | None
    sliding: bool
    port: int
    answer: str
    upstream: str | None
    upstream_key: str | None
    check_delay: float


@contextmanager
def serve_in_thread(gate: str = "none", **options: Unpack[PlaygroundOptions]) -> Iterator[Playground]:
    """Run a site in a thread for as long as the ``with`` block runs.

    Args:
        gate: as for ``Playground``.
        **options: as for ``Playground``.

    Yields:
        The running site.

    Raises:
        InvalidInput: an argument can't work.
        OSError: the port is taken.
        TimeoutError: the site did not start or stop within 10 s.
    """
    site = Playground(gate, **options)
    running: Future[Callable[[], object]] = Future()
    ended: Future[None] = Future()
    threading.Thread(target=_run, args=(site, running, ended), name="aura-playground", daemon=True).start()
    stop = running.result(_START_TIMEOUT_S)
    try:
        yield site
    finally:
        stop()
        ended.result(_STOP_TIMEOUT_S)


def _run(site: Playground, running: Future[Callable[[], object]], ended: Future[None]) -> None:
    try:
        asyncio.run(_serve(site, running))
    except BaseException as error:  # noqa: BLE001  # the waiting thread raises it
        (ended if running.done() else running).set_exception(error)
    else:
        ended.set_result(None)


async def _serve(site: Playground, running: Future[Callable[[], object]]) -> None:
    stop = asyncio.Event()
    async with site:
        running.set_result(partial(asyncio.get_running_loop().call_soon_threadsafe, stop.set))
        await stop.wait()
