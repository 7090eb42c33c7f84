"""What all tests share: a state folder of their own, no blocking call in the event loop, and the real parts."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from aura_browser.cookie import Cookie
from aura_browser.session import Browser, Session
from tests.parts import missing
from tests.selenium_grid import selenium_grid  # noqa: F401 - a fixture that tests share

_MISSING_CHROME = "Chrome or ChromeDriver is missing; bring both with: drivers/install.sh"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a real Chrome where there is none; under CI that is a failure."""
    if item.get_closest_marker("chrome") is None or (shutil.which("chromium") and shutil.which("chromedriver")):
        return
    missing(_MISSING_CHROME)


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test's sessions apart from the person's own."""
    folder = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    for name in [name for name in os.environ if name.startswith("AURA_BROWSER_")]:
        monkeypatch.delenv(name)
    return folder


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[None]:
    """Fail whatever blocks the event loop from within the package."""
    with blockbuster_ctx("aura_browser"):
        yield


def make_cookie(name: str = "sid", value: str = "s3cret+/==", **facts: object) -> Cookie:
    """Return a cookie of 127.0.0.1, but for the facts given."""
    return Cookie(**({"name": name, "value": value, "domain": "127.0.0.1", "host_only": True} | facts))  # type: ignore[arg-type]


def make_session(origin: str = "http://127.0.0.1:8080", **facts: object) -> Session:
    """Return a session at *origin*, but for the facts given."""
    defaults: dict[str, object] = {
        "origin": origin,
        "url": f"{origin}/",
        "user_agent": "Chrome/1 test",
        "headers": {"User-Agent": "Chrome/1 test", "Accept-Language": "de,en;q=0.9", "sec-ch-ua": '"Chromium";v="1"'},
        "cookies": (make_cookie(),),
        "local_storage": {"theme": "s3cret-dark"},
        "proxy": None,
        "browser": Browser(name="chrome", version="1.2.3"),
        "harvested_at": 1000.0,
    }
    return Session(**(defaults | facts))  # type: ignore[arg-type]
