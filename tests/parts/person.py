"""A scripted person: a second client on a visible Chrome, who sees its pages and types into them."""

import asyncio
import contextlib
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.parts.missing import missing
from tests.parts.ports import free_port
from tests.parts.waiting import eventually

_PATIENCE_S = 60.0
_LOG_IN = """(async () => {
  while (!document.querySelector('form button')) await new Promise((later) => setTimeout(later, 20));
  document.querySelector('[name=username]').value = 'demo';
  document.querySelector('[name=password]').value = 'demo';
  document.querySelector('form').submit();
})()"""

# Also below shadow roots.
_FIND = """((selector) => {
  const find = (root) => root.querySelector(selector) ||
    [...root.querySelectorAll('*')].reduce((found, each) => found || (each.shadowRoot && find(each.shadowRoot)), null);
  return find(document);
})"""
_FILL_IN = """(async () => {
  const [fields, button] = %s;
  const find = %s;
  while (![button, ...Object.keys(fields)].every(find)) await new Promise((later) => setTimeout(later, 20));
  for (const [selector, text] of Object.entries(fields)) {
    // As typed: what a page's script sets goes past frameworks that watch the field.
    const type = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
    type.call(find(selector), text);
    find(selector).dispatchEvent(new Event('input', {bubbles: true, composed: true}));
  }
  while (find(button).disabled) await new Promise((later) => setTimeout(later, 20));
  // Once this script has answered: the click ends the page.
  setTimeout(() => find(button).click(), 0);
})()"""


@contextlib.contextmanager
def screen() -> Iterator[str]:
    """Run an X server that only the test's windows are on, and yield the display's name."""
    if shutil.which("Xvfb") is None:
        missing("Xvfb is missing; bring it with: apt-get install xvfb")
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-noreset"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            yield f":{server.stdout.readline().strip()}"
        finally:
            server.kill()


class Person:
    """Sits before the Chrome that :meth:`chrome` starts.

    Args:
        folder: for the program that is given out as Chrome's executable.
        port: where a Chrome that runs already listens; None for the one that :meth:`chrome` starts.
    """

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self._port = free_port() if port is None else port
        self._folder = folder

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(f"http://127.0.0.1:{self._port}")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    def chrome(self) -> Path:
        """Return an executable that starts the real Chrome with a second door, and writes down how it was called."""
        path = self._folder / "chrome"
        path.write_text(
            f'#!/bin/sh\necho "DISPLAY=$DISPLAY $*" >> "{self._folder}/starts"\n'
            f'exec chromium "$@" --remote-debugging-port={self._port}\n'
        )
        path.chmod(0o755)
        return path

    @property
    def starts(self) -> list[str]:
        """How Chrome was started so far: its display and its arguments, a line each."""
        file = self._folder / "starts"
        return file.read_text().splitlines() if file.exists() else []

    async def log_in(self) -> None:
        """Fill in the playground's login form and send it."""
        async with self._page("/login") as ask:
            await ask("Runtime.evaluate", expression=_LOG_IN, awaitPromise=True)

    async def fill_in(self, at: str, fields: Mapping[str, str], button: str) -> None:
        """Wait for a page whose address holds *at*, type a text into each field (CSS selectors), click a button."""
        async with self._page(at) as ask:
            script = _FILL_IN % (json.dumps([fields, button]), _FIND)
            answer = await ask("Runtime.evaluate", expression=script, awaitPromise=True)
            assert '"result"' in answer, answer  # an error: the page was left before all was filled in

    async def wait_for(self, at: str, selector: str) -> None:
        """Wait for a page whose address holds *at*, and for an element there (CSS selector)."""

        async def is_there() -> bool:
            async with self._page(at) as ask:
                found = await ask("Runtime.evaluate", expression=f"!!{_FIND}({json.dumps(selector)})")
                return '"value":true' in found

        await eventually(is_there, _PATIENCE_S)

    async def close_the_window(self, at: str = "/login") -> None:
        """Close the last window, which ends Chrome."""
        async with self._page(at) as ask:
            await ask("Page.close")

    async def sees_pages(self) -> bool:
        """Return whether Chrome still runs and shows a page."""
        async with self._http.get("/json/list") as answer:
            return any(page["type"] == "page" for page in await answer.json(content_type=None))

    async def leave_the_page(self, at: str, to: str) -> None:
        """Wait until a page whose address holds *at* is shown, and go to another."""
        async with self._page(at) as ask:
            await ask("Page.navigate", url=to)

    @asynccontextmanager
    async def _page(self, part: str) -> AsyncIterator[Callable[..., Any]]:
        async with asyncio.timeout(_PATIENCE_S):
            address = await eventually(lambda: self._address(part), _PATIENCE_S)
            async with self._http.ws_connect(address) as socket_:

                async def ask(method: str, **params: object) -> str:
                    await socket_.send_json({"id": 1, "method": method, "params": params})
                    answer = await socket_.receive()
                    assert "exceptionDetails" not in str(answer.data), answer.data
                    return str(answer.data)

                await ask("Page.bringToFront")
                yield ask

    async def _address(self, part: str) -> str:
        """Return the debugger's address of the page whose own holds *part*, once it is loaded."""
        try:
            async with self._http.get("/json/list") as answer:
                pages = await answer.json(content_type=None)
        except aiohttp.ClientConnectionError:
            return ""
        shown = [page for page in pages if page["type"] == "page" and part in page["url"]]
        return next((page["webSocketDebuggerUrl"] for page in shown), "")
