"""What all tests share: a state folder of their own, no blocking call in the event loop, and the real parts."""

import gc
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import HealthCheck, settings

from aura_browser.webdriver.locate import find_driver
from tests.parts.hurry import hurry  # noqa: F401 - a fixture that tests share
from tests.parts.lasting_connections import lasting_connections  # noqa: F401 - a fixture that tests share
from tests.parts.missing import missing
from tests.parts.selenium_grid import selenium_grid  # noqa: F401 - a fixture that tests share
from tests.parts.shared_chrome import chrome_of_this_process, shared_chrome  # noqa: F401 - as above
from tests.parts.shared_pages import (  # noqa: F401 - as above
    no_shared_browsers,
    pages_of_this_process,
    shared_pages,
)
from tests.parts.shuffle import shuffle

pytest_plugins = ["tests.parts.own_place", "tests.parts.reports", "tests.parts.summary"]

# How long an example takes says nothing on a machine that others use too.
settings.register_profile("untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_LONG = 30  # as many quick tests as take about as long as one with a browser
_MISSING_CHROME = "Chrome or ChromeDriver is missing; bring both with: drivers/install.sh"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a real Chrome where there is none; under CI that is a failure."""
    if item.get_closest_marker("chrome") is None or (shutil.which("chromium") and shutil.which("chromedriver")):
        return
    missing(_MISSING_CHROME)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the files that take longest first: with several workers, none is left with one of them at the end."""
    seed = config.getoption("--shuffle")
    if seed is not None:
        shuffle(items, seed)
        return
    weights = Counter[Path]()
    for item in items:
        is_long = item.get_closest_marker("chrome") or item.get_closest_marker("slow")
        weights[item.path] += _LONG if is_long else 1
    items.sort(key=lambda item: weights[item.path], reverse=True)


def pytest_collection() -> None:
    """Look for no garbage while test files are imported: nearly all of what that makes stays."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave what pytest holds for thousands of tests out of each collection of garbage in one of them."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Give it back: Hypothesis looks at it as it ends."""
    gc.unfreeze()


def pytest_xdist_auto_num_workers() -> int:
    """Run two more tests than there are processors: browsers and programs are waited for."""
    return (os.cpu_count() or 1) + 2


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let all tests that name no engine run with another one than the default, and tests in another order."""
    parser.addoption("--engine", choices=["chrome"], help="the engine of tests that name none")
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run them in another order, the same for each seed")


@pytest.fixture(autouse=True)
def usual_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the engine of ``--engine`` where a harvest in this process names none."""
    if request.config.getoption("--engine") == "chrome":
        default = import_module("aura_browser.webdriver.browsers.default")
        named = "AURA_BROWSER_DRIVER"
        monkeypatch.setattr(default, "find_driver", lambda given: os.environ.get(named) and find_driver(given))


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test's sessions and sites apart from the person's own."""
    folder = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in [name for name in os.environ if name.startswith("AURA_BROWSER_")]:
        monkeypatch.delenv(name)
    return folder


@pytest.fixture(autouse=True, scope="module")
def no_blocking_calls() -> Iterator[None]:
    """Fail whatever blocks the event loop from within the package."""
    with blockbuster_ctx("aura_browser") as blocking:
        # A client that is made from a name or an address reads a small file of this machine, as an import does.
        for call in ("io.BufferedReader.read", "os.stat"):
            blocking.functions[call].can_block_in("aura_browser/site/sites_file.py", "read_sites_file")
        yield
