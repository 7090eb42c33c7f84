"""What is reached over a network: a proxy, a Selenium Grid, a running Chrome."""

import asyncio
import json
from pathlib import Path
from shlex import quote
from typing import Final

import aiohttp
from yarl import URL

from aura_browser.doctor.finding import Finding, build_blocker
from aura_browser.doctor.page import LocalPage
from aura_browser.engine import Attach, AttachChrome, Grid
from aura_browser.errors import AuraError, BrowserNotFound, ConnectionFailed, GridFailed
from aura_browser.http.body import read_start
from aura_browser.http.exchange import check_proxy_answer, typed_errors
from aura_browser.proxy.address import PROXY_REFUSED, has_credentials, without_credentials, without_password
from aura_browser.proxy.connection import connection_args
from aura_browser.text import clean_text
from aura_browser.webdriver.browsers.grid import check_grid
from aura_browser.webdriver.everyday import find_everyday
from aura_browser.webdriver.locate import find_chrome

_TIMEOUT_S: Final = 5.0
_MAX_ANSWER_BYTES: Final = 64 * 1024


async def inspect_proxy(url: str, page: LocalPage) -> list[Finding]:
    """Request the doctor's *page* through the proxy *url*. A proxy that refuses the page works all the same."""
    shown = without_password(url)
    try:
        status = await _fetch_page(url, page)
    except ConnectionFailed as error:
        if not error.is_proxys_reply:
            return [build_blocker("proxy", f"{shown}: {error.reason}", _suggest_proxy(url, error.reason))]
        details = "it answers, but can't reach a page of this machine"
    except AuraError as error:
        return [build_blocker("proxy", f"{shown}: {error}", _suggest_proxy(url, str(error)))]
    else:
        access = "and accepts user and password" if has_credentials(url) else "and can reach pages of this machine"
        details = f"it answers, {access}" if page.was_fetched else f"it answers ({status} for a page of this machine)"
    return [Finding("proxy", "ok", f"{shown}: {details}")]


async def _fetch_page(url: str, page: LocalPage) -> int:
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout, **connection_args(url)) as http:
        with typed_errors(page.url, _TIMEOUT_S):
            async with http.get(page.url, allow_redirects=False) as answer:
                check_proxy_answer(answer, url)
                page.was_fetched = answer.headers.get("X-Doctor") == page.mark
                return answer.status


def _suggest_proxy(url: str, reason: str) -> str:
    if reason.startswith(PROXY_REFUSED):
        scheme, _, place = without_credentials(url).partition("://")
        return f"export AURA_BROWSER_PROXY={scheme}://USER:PASSWORD@{place}"
    return "export AURA_BROWSER_PROXY=http://HOST:PORT"


def inspect_grid(engine: Grid, proxy: str | None) -> list[Finding]:
    """Check that a Grid with Chrome is there, and that it can use *proxy*."""
    address = URL(engine.url)
    shown = str(address.with_user(None))
    if proxy and has_credentials(proxy):
        details = "with a user can't be used on a Grid: its Chrome can't send the password"
        return [
            build_blocker("proxy", f"{without_password(proxy)} {details}", "export AURA_BROWSER_PROXY=http://HOST:PORT")
        ]
    try:
        check_grid(address)
    except GridFailed as error:
        return [build_blocker("grid", f"{shown}: {error.reason}", _suggest_grid(address, error.reason))]
    return [Finding("grid", "ok", f"{shown} has Chrome")]


def _suggest_grid(address: URL, reason: str) -> str:
    if "password" in reason:
        return f"export AURA_BROWSER_GRID={address.scheme}://USER:PASSWORD@{address.host_subcomponent}:{address.port}"
    script = Path(__file__).parents[2] / "drivers" / "grid" / "start.sh"
    if script.is_file():
        return f"{quote(str(script))} --port {address.port}"
    return f"docker run -d -p {address.port}:4444 --shm-size=2g selenium/standalone-chromium"


async def inspect_attached(engine: Attach) -> tuple[Finding, str | None]:
    """Check that a Chrome listens there; return its version too, or None."""
    url = f"http://{engine.address}/json/version"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)) as http,
            http.get(url) as answer,
        ):
            version = json.loads(await read_start(answer.content, _MAX_ANSWER_BYTES))["Browser"]
    except (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError, RecursionError):
        details = f"no Chrome listens for remote debugging at {engine.address}"
        return build_blocker("attach", details, await asyncio.to_thread(_suggest_attach, engine)), None
    return Finding("attach", "ok", f"{clean_text(str(version))} at {engine.address}"), str(version).rpartition("/")[2]


def inspect_everyday(engine: AttachChrome) -> list[Finding]:
    """Check that the person's own Chrome can be connected to; it asks at the harvest."""
    command = f"aura-browser doctor --attach {engine.option}"
    try:
        everyday = find_everyday(engine.channel)
    except BrowserNotFound as error:
        return [build_blocker("attach", str(error), command)]
    if everyday.url is None:
        return [build_blocker("attach", f"your Chrome ({everyday.folder}): {everyday.problem}", command)]
    return [Finding("attach", "ok", f"your Chrome ({everyday.folder}) lets programs connect, and asks you each time")]


def _suggest_attach(engine: Attach) -> str:
    try:
        chrome = str(find_chrome() or "google-chrome")
    except BrowserNotFound:
        chrome = "google-chrome"
    port = engine.address.rpartition(":")[2]
    return f'{quote(chrome)} --remote-debugging-port={port} --user-data-dir="$HOME/chrome-for-programs"'
