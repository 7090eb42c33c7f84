"""What is reached over a network: a proxy, a Selenium Grid, a Chrome that runs already."""

import asyncio
from pathlib import Path
from shlex import quote
from typing import Final

import aiohttp
from yarl import URL

from aura_browser.doctor.finding import Finding, stopping
from aura_browser.doctor.page import LocalPage
from aura_browser.engine import Attach, Grid
from aura_browser.errors import AuraError, BrowserNotFound, ConnectionFailed, GridFailed
from aura_browser.http.exchange import check_proxy_answer, typed_errors
from aura_browser.proxy.address import PROXY_REFUSED, has_credentials, without_credentials, without_password
from aura_browser.proxy.connection import connection_args
from aura_browser.text import clean_text
from aura_browser.webdriver.browsers.grid import check_grid
from aura_browser.webdriver.locate import find_chrome

_WAIT_S: Final = 5.0


async def look_at_proxy(url: str, page: LocalPage) -> list[Finding]:
    """Ask the proxy *url* for the doctor's own *page*: it may refuse that, but only a proxy that lives can."""
    shown = without_password(url)
    try:
        status = await _fetched(url, page)
    except ConnectionFailed as error:
        # SOCKS's own answer about its way to the page.
        if getattr(error.__cause__, "error_code", None) is None:
            return [stopping("proxy", f"{shown}: {error.reason}", _other_proxy(url, error.reason))]
        said = "it answers; a page of this machine it could not reach"
    except AuraError as error:
        return [stopping("proxy", f"{shown}: {error}", _other_proxy(url, ""))]
    else:
        taken = "and takes user and password" if has_credentials(url) else "and gives pages of this machine"
        said = f"it answers, {taken}" if page.was_fetched else f"it answers ({status} for a page of this machine)"
    return [Finding("proxy", "ok", f"{shown}: {said}")]


async def _fetched(url: str, page: LocalPage) -> int:
    timeout = aiohttp.ClientTimeout(total=_WAIT_S)
    async with aiohttp.ClientSession(timeout=timeout, **connection_args(url)) as http:
        with typed_errors(page.url, _WAIT_S):
            async with http.get(page.url, allow_redirects=False) as answer:
                check_proxy_answer(answer, url)
                page.was_fetched = answer.headers.get("X-Doctor") == page.mark
                return answer.status


def _other_proxy(url: str, reason: str) -> str:
    if reason.startswith(PROXY_REFUSED):
        scheme, _, place = without_credentials(url).partition("://")
        return f"export AURA_BROWSER_PROXY={scheme}://USER:PASSWORD@{place}"
    return "export AURA_BROWSER_PROXY=http://HOST:PORT"


def look_at_grid(engine: Grid, through: str | None) -> list[Finding]:
    """Look whether a Grid with Chrome is there, and can go through the proxy that is asked for."""
    address = URL(engine.url)
    shown = str(address.with_user(None))
    if through and has_credentials(through):
        said = "with a user can't be used on a Grid: its Chrome has no way to give the password"
        return [stopping("proxy", f"{without_password(through)} {said}", "export AURA_BROWSER_PROXY=http://HOST:PORT")]
    try:
        check_grid(address)
    except GridFailed as error:
        return [stopping("grid", f"{shown}: {error.reason}", _grid_command(address, error.reason))]
    return [Finding("grid", "ok", f"{shown} has Chrome")]


def _grid_command(address: URL, reason: str) -> str:
    if "password" in reason:
        return f"export AURA_BROWSER_GRID={address.scheme}://USER:PASSWORD@{address.host_subcomponent}:{address.port}"
    script = Path(__file__).parents[2] / "drivers" / "grid" / "start.sh"
    if script.is_file():
        return f"{quote(str(script))} --port {address.port}"
    return f"docker run -d -p {address.port}:4444 --shm-size=2g selenium/standalone-chromium"


async def look_at_attached(engine: Attach) -> tuple[Finding, str | None]:
    """Look whether a Chrome listens there; return its version too."""
    url = f"http://{engine.address}/json/version"
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_WAIT_S)) as http, http.get(url) as answer:
            told = (await answer.json(content_type=None))["Browser"]
    except (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError):
        said = f"no Chrome listens for debuggers at {engine.address}"
        return stopping("attach", said, await asyncio.to_thread(_attach_command, engine)), None
    return Finding("attach", "ok", f"{clean_text(str(told))} at {engine.address}"), str(told).rpartition("/")[2]


def _attach_command(engine: Attach) -> str:
    try:
        chrome = str(find_chrome() or "google-chrome")
    except BrowserNotFound:
        chrome = "google-chrome"
    port = engine.address.rpartition(":")[2]
    return f'{quote(chrome)} --remote-debugging-port={port} --user-data-dir="$HOME/chrome-for-programs"'
