"""A visitor without a browser: keeps cookies between requests as a browser does, and never follows a redirect."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import aiohttp
import msgspec
from yarl import URL

from tests.parts.sessions import make_session

_HEADERS = {"User-Agent": "Chrome/1 test", "Accept-Language": "en"}


@dataclass(frozen=True)
class Answer:
    """What was answered: a status, the place that a redirect leads to, and a text."""

    status: int
    location: str
    text: str


class Visitor:
    """Visits one site. What it has got so far is :attr:`session`.

    Args:
        page: the page that the session is for.
    """

    def __init__(self, page: str) -> None:
        origin = str(URL(page).origin())
        facts = {"user_agent": _HEADERS["User-Agent"], "headers": _HEADERS, "local_storage": {}, "cookies": ()}
        self.session = make_session(origin, url=page, harvested_at=time.time(), **facts)

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), headers=_HEADERS)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    def cookie(self, name: str) -> str:
        """Return the value of a cookie."""
        return next(cookie.value for cookie in self.session.cookies if cookie.name == name)

    def keep(self, name: str, value: str) -> None:
        """Keep an entry in the local storage, as a page's script does."""
        self.session = msgspec.structs.replace(self.session, local_storage={name: value})

    async def get(self, path: str) -> Answer:
        """Ask for a page."""
        return await self._ask("GET", path, None)

    async def post(self, path: str, form: Mapping[str, str]) -> Answer:
        """Send a form."""
        return await self._ask("POST", path, aiohttp.FormData(form))

    async def post_json(self, path: str, body: Mapping[str, str]) -> Answer:
        """Send a JSON object."""
        return await self._ask("POST", path, aiohttp.JsonPayload(body))

    async def _ask(self, method: str, path: str, body: aiohttp.FormData | aiohttp.JsonPayload | None) -> Answer:
        url = URL(self.session.origin).join(URL(path))
        headers = {"Cookie": self.session.cookie_header(url)}
        async with self._http.request(method, url, data=body, headers=headers, allow_redirects=False) as response:
            self.session = self.session.fold(response.headers.getall("Set-Cookie", ()), url, time.time())
            return Answer(response.status, response.headers.get("Location", ""), await response.text())
