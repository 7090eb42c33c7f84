"""A real Chrome that is handed ``Set-Cookie`` lines and asked what it keeps."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from tests.cookies.server import address_that_sets
from tests.parts.open_chrome import open_chrome


class Chrome:
    """One tab, driven over CDP.

    Args:
        socket: the tab's WebSocket.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._origin = ""

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        """Call a CDP method and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json()
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result

    async def open(self, origin: str) -> None:
        """Open the page of *origin*, from which :meth:`fetch` asks."""
        if origin == self._origin:
            return
        await self.call("Page.navigate", url=f"{origin}/")
        while await self._evaluate("location.origin + document.readyState") != f"{origin}complete":
            pass
        self._origin = origin

    async def fetch(self, origin: str, path: str, lines: Sequence[str] = (), date: float | None = None) -> str:
        """Let the page of *origin* fetch *path* there; return the ``Cookie`` header that Chrome sent."""
        await self.open(origin)
        address = json.dumps(address_that_sets(path, lines, date))
        sent: str = await self._evaluate(f"fetch({address}).then((answer) => answer.text(), String)")
        return sent

    async def cookies(self) -> list[dict[str, Any]]:
        """Return all cookies in CDP's form."""
        cookies: list[dict[str, Any]] = (await self.call("Storage.getCookies"))["cookies"]
        return cookies

    async def clear(self) -> None:
        """Forget all cookies."""
        await self.call("Storage.clearCookies")

    async def _evaluate(self, expression: str) -> Any:  # noqa: ANN401 - a JavaScript value
        answer = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        return answer["result"].get("value")


@asynccontextmanager
async def chrome_at(ports: tuple[int, int], profile: Path) -> AsyncIterator[tuple[Chrome, str]]:
    """Run a Chrome for which every host is the local server; yield it with its version."""
    rules = f"MAP *:80 127.0.0.1:{ports[0]}, MAP *:443 127.0.0.1:{ports[1]}"
    flags = (
        f"--host-resolver-rules={rules}",
        "--ignore-certificate-errors",
        "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
    )
    with open_chrome(profile, flags=flags) as address:
        async with aiohttp.ClientSession() as http:
            async with http.get(f"http://{address}/json/version") as answer:
                version: str = (await answer.json())["Browser"]
            async with http.get(f"http://{address}/json/list") as answer:
                tab = next(each for each in await answer.json() if each["type"] == "page")
            async with http.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Chrome(socket), version
