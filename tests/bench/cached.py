"""The second process on a cached session: from its start to the first token, beside a script that has the cookies."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
from yarl import URL

from aura_browser.playground import Playground, serve_in_thread
from aura_browser.session import Session
from aura_browser.session.cookie import Cookie
from aura_browser.store import FileStore, SessionKey
from tests.bench.measure import Effort, alternate
from tests.bench.processes import COMMAND, CommandFailed, first_byte_ms
from tests.bench.raw import made_session
from tests.bench.results import Goal, Result, make_row

NAME: Final = "cached"
SCRIPT: Final = Path(__file__).with_name("cached_script.py")


def run(effort: Effort) -> list[Result]:
    """Measure it behind a login, so that only a good cookie gets an answer; see to it that no browser was there."""
    with serve_in_thread("login-401") as site, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        session = asyncio.run(logged_in(site))
        asyncio.run(keep(session, folder))
        facts = write_headers(session, folder)
        pairs = alternate(
            lambda: first_byte_ms(chat_command(site.origin), {"XDG_STATE_HOME": folder}),
            lambda: first_byte_ms([sys.executable, str(SCRIPT), site.origin, str(facts)], {}),
            effort.of(25),
        )
        answers = 2 * (len(pairs) + (len(pairs) > 1))
        check_no_browser(site, answers)
    versus = "aiohttp script with the cookies"
    note = f"no browser: {answers} answers, no page loaded, one login (the benchmark's own)"
    return [make_row(NAME, "chat: start to first token", versus, "ms", pairs, goal=Goal("ratio", 1.2), note=note)]


def chat_command(origin: str) -> list[str]:
    """Return ``aura-browser chat`` at *origin*."""
    return [COMMAND, "chat", "--url", origin, "hello"]


async def logged_in(site: Playground) -> Session:
    """Log in over HTTP, and return what a browser would have harvested."""
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        http.post(
            f"{site.origin}/login", data={"username": "demo", "password": "demo"}, allow_redirects=False
        ) as response,
    ):
        name, _, value = response.headers["Set-Cookie"].partition(";")[0].partition("=")
    cookie = Cookie(name=name, value=value, domain="127.0.0.1", host_only=True, http_only=True)
    return made_session(site.origin, cookies=0).with_cookies((cookie,))


async def keep(session: Session, state_home: str) -> None:
    """Keep *session* where a process with that state folder finds it."""
    await FileStore(Path(state_home) / "aura-browser" / "sessions").save(SessionKey(session.origin), session)


def check_no_browser(site: Playground, answers: int) -> None:
    """See by the site's own counts that it was asked so often, and by nothing else than HTTP.

    Raises:
        CommandFailed: if it was not.
    """
    logins = sum(request.path == "/login" for request in site.requests)
    if (site.page_loads, logins, site.chats) != (0, 1, answers):
        raise CommandFailed(f"{site.page_loads} pages, {logins} logins, {site.chats} answers: not as a cached session")


def write_headers(session: Session, folder: str) -> Path:
    """Write what a script sends with each request to a file in *folder*, and return its path."""
    facts = Path(folder) / "headers.json"
    headers = dict(session.headers) | {"Cookie": session.cookie_header(URL(session.url))}
    facts.write_bytes(msgspec.json.encode(headers))
    return facts
