"""The applications, each started once, and the person who sits before them."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from aura_browser import FileStore, Session, assemble
from tests.apps.app import App
from tests.apps.browsers import load
from tests.apps.django import Django
from tests.apps.dokuwiki import DokuWiki
from tests.apps.install import took_s
from tests.apps.node_red import NodeRed
from tests.parts.person import Person, screen

_APPS: Final[dict[str, Callable[[Path], App]]] = {"django": Django, "node-red": NodeRed, "dokuwiki": DokuWiki}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long each installation took."""
    for name, seconds in took_s.items():
        terminalreporter.line(f"installed {name} in {seconds:.0f} s")


@pytest.fixture(scope="package", params=_APPS)
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One application after the other."""
    with _APPS[request.param](tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "sessions")


@pytest.fixture
async def stored(app: App, store: FileStore) -> Session:
    """Return the member's login, proven, as it is in the store."""
    manager = assemble(app.site, store=store, harvest=app.log_in)
    await manager.get()
    await manager.aclose()
    return await load(store, app)


@pytest.fixture(scope="package")
def display() -> Iterator[str]:
    with screen() as name:
        yield name


@pytest.fixture
async def person(tmp_path: Path, display: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Person]:
    """Somebody at a machine with a screen."""
    monkeypatch.setenv("DISPLAY", display)
    async with Person(tmp_path) as someone:
        yield someone
