"""Keeps a browser open beside an event loop: a thread of its own opens it, holds it and ends it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from aura_browser.engine import Chrome
from aura_browser.webdriver.browsers import open_browser
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.proxy_relay import open_browser_proxy

if TYPE_CHECKING:
    from collections.abc import Callable

    from aura_browser.webdriver.cdp.driver import CdpDriver

T = TypeVar("T")

_LOOK_EVERY_S: Final = 0.5


class HeldBrowser(Generic[T]):
    """A Chrome of our own that stays open until it is closed. A thread holds it, as locks of profiles belong to one.

    Args:
        engine: how it is started.
        proxy: the proxy's URL, or None.
        url: the address that will be opened.
        prepare: is called in its thread with what drives it; :meth:`open` returns what this returns.
    """

    def __init__(
        self, engine: Chrome, proxy: str | None, url: str, prepare: "Callable[[CdpDriver, BrowserOptions], T]"
    ) -> None:
        self._engine = engine
        self._proxy = proxy
        self._url = url
        self._prepare = prepare
        self._released = threading.Event()
        self._is_open = False
        self._life: asyncio.Task[None] | None = None

    async def open(self, timeout_s: float) -> T:
        """Open it, and return what ``prepare`` returns. Call this once.

        Cancelling ends the browser at once and waits until it has ended.

        Args:
            timeout_s: seconds for both.

        Raises:
            AuraError: if the browser can't be opened or prepared. Nothing is left running then.
        """
        opened: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        life = self._life = asyncio.create_task(self._live(opened, timeout_s))
        try:
            both: list[asyncio.Future[Any]] = [opened, life]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self.aclose()
            raise
        if not opened.done():
            self._life = None
            life.result()
        self._is_open = True
        return opened.result()

    async def aclose(self) -> None:
        """End the browser, and wait until it has ended. A second call does nothing."""
        self._released.set()
        life, self._life = self._life, None
        if life is None:
            return
        if not self._is_open:
            life.cancel()
        await _wait_for(life)
        if not life.cancelled():
            life.exception()  # what kept it from opening was told before; of what ended it later, its page tells

    async def _live(self, opened: "asyncio.Future[T]", timeout_s: float) -> None:
        """Hold the browser, and the relay to its proxy, which is to be entered and left in one task."""
        loop = asyncio.get_running_loop()
        deadline = Deadline(timeout_s)
        # A second Ctrl-C ends the loop without closing anything, and the program's end waits for its threads.
        deadline.end_when(lambda: loop.is_closed() or not threading.main_thread().is_alive())
        options = BrowserOptions(deadline, url=self._url)
        async with AsyncExitStack() as exits:
            if self._proxy is not None:
                relay = await exits.enter_async_context(open_browser_proxy(self._proxy, self._url))
                options = replace(options, proxy=relay)
            executor = ThreadPoolExecutor(1, "aura-browser-page")
            job = loop.run_in_executor(executor, self._hold, options, opened)
            executor.shutdown(wait=False)
            try:
                await asyncio.wait([job])
            except asyncio.CancelledError:
                deadline.cancel()
                await _wait_for(job)
                job.exception()
                raise
            job.result()

    def _hold(self, options: BrowserOptions, opened: "asyncio.Future[T]") -> None:
        """Open the browser, and hold it until it is released. Runs in its thread."""
        loop = opened.get_loop()
        with open_browser(self._engine, options) as driver:
            value = self._prepare(driver, options)  # type: ignore[arg-type]  # this engine's is a CdpDriver
            options.deadline.lift()
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_tell, opened, value)
            while not self._released.wait(_LOOK_EVERY_S) and not options.deadline.is_cancelled:
                pass


def _tell(opened: "asyncio.Future[T]", value: T) -> None:
    if not opened.done():
        opened.set_result(value)


async def _wait_for(job: "asyncio.Future[None]") -> None:
    """Wait until *job* is done, also if the caller is cancelled meanwhile.

    Raises:
        CancelledError: afterwards, if the caller was cancelled.
    """
    is_cancelled = False
    while not job.done():
        try:
            await asyncio.wait([job])
        except asyncio.CancelledError:
            is_cancelled = True
    if is_cancelled:
        raise asyncio.CancelledError
