"""Sessions that a site binds to a key of the device: known as Chrome knows them, and renewed by a living browser."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from selenium.common.exceptions import WebDriverException
from yarl import URL

from aura_browser import (
    Chrome,
    Condition,
    DeviceBound,
    FileStore,
    Probe,
    Selenium,
    Session,
    SessionKey,
    Site,
    SiteClient,
)
from aura_browser.http.pages import Pages
from aura_browser.webdriver.device_bound import read_device_bound
from aura_browser.webdriver.harvest import harvest
from tests.parts.command import run
from tests.parts.device_bound import HOST, BoundSite, make_tls, write_binding_chrome, write_chrome
from tests.parts.servers import serving

pytestmark = pytest.mark.chrome

LIFE_S = 4
READY = (Condition.parse("cookie:bound"),)


class Stand(NamedTuple):
    """A site, and a Chrome that takes part."""

    server: BoundSite
    site: Site
    chrome: Path
    folder: Path
    spki: str


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    tls, spki = make_tls(tmp_path)
    server = BoundSite(LIFE_S)
    async with serving(server.handle, tls) as (_server, address):
        origin = f"https://{HOST}:{address.rpartition(':')[2]}"
        site = Site(f"{origin}/", ready=READY, probe=Probe("/me"))
        yield Stand(server, site, write_binding_chrome(tmp_path, spki), tmp_path, spki)


@pytest.mark.parametrize("engine", [Chrome, Selenium])
async def test_what_is_bound_is_known_and_shown(
    stand: Stand, engine: type[Chrome] | type[Selenium], caplog: pytest.LogCaptureFixture, state_home: Path
) -> None:
    with caplog.at_level(logging.WARNING):
        session = await harvest(stand.site, engine=engine(chrome_path=stand.chrome))
    refresh_url = f"{stand.site.origin}/refresh"
    assert session.device_bound == (DeviceBound(site=f"https://{HOST}", cookies=("bound",), refresh_url=refresh_url),)
    assert Session.from_json(session.to_json()) == session
    advice = f"only the browser can renew bound of https://{HOST}: keep it open (--refresh kept)"
    assert advice in caplog.text
    store = FileStore(state_home / "aura-browser" / "sessions")
    await store.save(SessionKey(session.origin), session)
    shown = await asyncio.to_thread(run, "sessions", "show", SessionKey(session.origin).slug)
    assert f"device-bound   {advice}" in shown.stdout.replace("device-bound  ", "device-bound   ").replace(
        "    ", "   "
    )


async def test_a_chrome_that_does_not_say_is_guessed_at(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    plain = write_chrome(stand.folder, stand.spki)
    session = await harvest(Site(stand.site.url), engine=Chrome(chrome_path=plain))
    assert session.device_bound == ()
    assert "the site binds its session to this device" in caplog.text


async def test_a_page_that_is_kept_renews_what_is_bound(stand: Stand) -> None:
    pages = Pages(stand.site, Chrome(chrome_path=stand.chrome), None, is_static=False)
    try:
        session = await pages.harvest()
        await asyncio.sleep(LIFE_S + 0.5)  # the cookie has left the browser, which renews nothing by itself
        before = stand.server.refreshed
        renewed = await pages.renew(session)
    finally:
        await pages.aclose()
    assert stand.server.registered == 1
    assert stand.server.refreshed > before
    assert [cookie.value for cookie in session.cookies] != [cookie.value for cookie in renewed.cookies]
    assert renewed.device_bound == session.device_bound


class Told:
    """A driver's and a log's stand-in, where what is bound is told at the third look at the log, or never."""

    binds_session = True

    def __init__(self, *sessions: dict[str, Any], error: Exception | None = None) -> None:
        self.device_bound: list[dict[str, Any]] | None = None
        self.asked: list[tuple[str, object]] = []
        self._sessions = sessions
        self._error = error
        self._looks = 0

    def execute_cdp_cmd(self, command: str, arguments: dict[str, object]) -> object:
        self.asked.append((command, arguments))
        if self._error is not None:
            raise self._error
        return {}

    def drain(self) -> None:
        self._looks += 1
        if self._looks == 3 and self._sessions:
            self.device_bound = list(self._sessions)


def bound(site: str, *names: str) -> dict[str, Any]:
    """Return what Chrome says of one session."""
    cravings = [{"name": name} for name in names]
    return {"key": {"site": site}, "cookieCravings": cravings, "refreshUrl": f"{site}/refresh?key=s3cret"}


def read(told: Any) -> tuple[DeviceBound, ...]:  # noqa: ANN401 - a stand-in
    return read_device_bound(told, told, URL("https://app.example.com/"))


def test_what_is_bound_is_asked_for_until_it_is_told_and_then_no_more() -> None:
    told = Told(bound("https://example.com", "a", "b", "a"), bound("https://other.example", "c"))
    refresh_url = "https://example.com/refresh"
    assert read(told) == (DeviceBound(site="https://example.com", cookies=("a", "b"), refresh_url=refresh_url),)
    command = "Network.enableDeviceBoundSessions"
    assert told.asked == [(command, {"enable": True}), (command, {"enable": False})]


def test_of_a_chrome_that_tells_nothing_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_browser.webdriver.device_bound._PATIENCE_S", 0.02)
    assert read(Told()) == ()
    assert read(Told(error=WebDriverException("no such command"))) == ()
    unasked = Told(bound("https://example.com", "a"))
    unasked.binds_session = False
    assert read(unasked) == ()
    assert unasked.asked == []


@pytest.mark.soak
async def test_a_page_that_sends_requests_stays_in(stand: Stand) -> None:
    engine = Chrome(chrome_path=stand.chrome)
    async with SiteClient(stand.site, engine=engine, store="memory", transport="page") as client:
        assert (await client.session()).proof == "distinguished"
        for pause_s in (0.0, LIFE_S + 0.5):
            await asyncio.sleep(pause_s)
            async with client.get("/me") as response:
                assert response.status == 200
        assert client.counters.harvests == 1
    assert stand.server.refreshed >= 1
