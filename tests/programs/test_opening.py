"""What is asked of a browser that gets a session back, and what is taken of its answer; no browser is started."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from aura_browser import Probe, Session, Site
from aura_browser.programs.opening import build_window_harvest, check_in_browser
from aura_browser.site import Condition
from aura_browser.webdriver import harvest as harvests
from aura_browser.webdriver import restore
from tests.parts.sessions import make_session

EXTRA = {"https://other.example.com": {"theme": "dark"}}
READY = (Condition.parse("js:document.title"),)
SITE = Site("https://a.example.com/login", ready=READY, probe=Probe("/other"))
GIVEN = make_session(
    "https://a.example.com", url="https://a.example.com/app", proxy="http://h:1", probe="/me", extra_storage=EXTRA
)
READ = make_session("https://a.example.com", harvested_at=2000.0)


class Browser:
    """Stands in for one: it notes what it is asked for, and holds a session afterwards."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.holds = READ
        self.site = SITE
        self.options: dict[str, Any] = {}
        self.restored: list[tuple[Any, ...]] = []
        monkeypatch.setattr(harvests, "harvest", self._harvest)
        monkeypatch.setattr(restore, "restore_session", lambda *told: told)

    async def _harvest(self, site: Site, **options: Any) -> Session:  # noqa: ANN401 - as they are passed on
        self.site, self.options = site, options
        options["prepare"](SimpleNamespace(capabilities={"browserVersion": "140.0"}), "the deadline")
        return self.holds

    def take(self, restored: Any, version: str) -> None:  # noqa: ANN401 - what the stand-in above returns
        self.restored.append((*restored, version))


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    return Browser(monkeypatch)


def look(_left_s: float, _missing: tuple[str, ...]) -> None:
    """Do nothing with what a window waits for."""


async def test_a_window_shows_the_sessions_page_for_a_day_and_waits_for_nothing_else(browser: Browser) -> None:
    await build_window_harvest(GIVEN, SITE, browser.take, look)()
    assert (browser.site.url, browser.site.ready) == ("https://a.example.com/app", ())
    options = {name: value for name, value in browser.options.items() if name != "prepare"}
    assert options == {"proxy": "http://h:1", "interactive": True, "timeout_s": 86_400.0, "on_wait": look}
    [(driver, *told)] = browser.restored
    assert (driver.capabilities, told) == ({"browserVersion": "140.0"}, [GIVEN, "the deadline", "140.0"])


async def test_a_check_shows_the_sessions_page_until_the_site_is_ready(browser: Browser) -> None:
    assert await check_in_browser(GIVEN, SITE, browser.take) == msgspec.structs.replace(READ, extra_storage=EXTRA)
    assert (browser.site.url, browser.site.ready) == ("https://a.example.com/app", READY)
    options = {name: value for name, value in browser.options.items() if name != "prepare"}
    assert options == {"proxy": "http://h:1", "interactive": False, "timeout_s": None, "on_wait": None}
    assert browser.restored[0][1:] == (GIVEN, "the deadline", "140.0")


@pytest.mark.parametrize("was", [True, False])
@pytest.mark.parametrize("is_now", [True, False])
async def test_what_was_or_became_a_login_is_one(browser: Browser, *, was: bool, is_now: bool) -> None:
    browser.holds = msgspec.structs.replace(READ, is_login=is_now)
    kept = await build_window_harvest(msgspec.structs.replace(GIVEN, is_login=was), SITE, browser.take)()
    assert kept == msgspec.structs.replace(READ, is_login=was or is_now, probe="/me", extra_storage=EXTRA)


async def test_storage_that_the_browser_gives_replaces_that_of_the_session(browser: Browser) -> None:
    browser.holds = msgspec.structs.replace(READ, extra_storage={"https://new.example.com": {"a": "b"}})
    assert await check_in_browser(GIVEN, SITE, browser.take) == browser.holds
