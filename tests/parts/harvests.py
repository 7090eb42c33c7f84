"""A stand-in for a browser, for what would need a thousand real ones; and whether a harvested session works."""

import time

from aura_browser import AuraClient
from aura_browser.playground import Playground
from aura_browser.session import Session
from tests.parts.sessions import make_cookie, make_session


class Harvests:
    """A browser stand-in that logs in at a gate over HTTP, for what would need a thousand real ones."""

    def __init__(self, site: Playground) -> None:
        self.count = 0
        self._site = site

    async def __call__(self) -> Session:
        import aiohttp

        self.count += 1
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.post(
                f"{self._site.origin}/login",
                data={"username": "demo", "password": "demo"},
                allow_redirects=False,
            ) as response,
        ):
            name, _, value = response.headers["Set-Cookie"].partition(";")[0].partition("=")
        cookie = make_cookie(name, value, http_only=True)
        return make_session(self._site.origin, cookies=(cookie,), harvested_at=time.time())


async def works(session: Session) -> bool:
    """Return whether a chat answers with *session* as it is."""
    async with AuraClient(session.origin, session=session, refresh="never") as client:
        return await client.complete("hello") == "hello"
