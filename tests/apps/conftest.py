"""The applications, each started once, and the person who sits before them."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from aura_browser import FileStore, Session, assemble
from tests.apps.app import App, Running
from tests.apps.browsers import load
from tests.apps.chainlit import Chainlit
from tests.apps.django import Django
from tests.apps.dokuwiki import DokuWiki
from tests.apps.install import took_s
from tests.apps.jupyter import Jupyter
from tests.apps.mediawiki import MediaWiki
from tests.apps.node_red import NodeRed
from tests.parts.person import Person, screen

_APPS: Final[dict[str, Callable[[Path], App]]] = {"django": Django, "node-red": NodeRed, "dokuwiki": DokuWiki}
_ALL: Final[dict[str, Callable[[Path], Running]]] = {**_APPS, "jupyter": Jupyter, "chainlit": Chainlit}
# Too heavy to install each time: make test-apps-all.
_HEAVY: Final[dict[str, Callable[[Path], Running]]] = {"mediawiki": MediaWiki}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long each installation took."""
    for name, seconds in took_s.items():
        terminalreporter.line(f"installed {name} in {seconds:.0f} s")


@pytest.fixture(scope="package", params=_APPS)
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One application after the other."""
    with _APPS[request.param](tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture(scope="package", params=[*_ALL, *(pytest.param(name, marks=pytest.mark.heavy) for name in _HEAVY)])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One application after the other, those that know one person only among them."""
    with (_ALL | _HEAVY)[request.param](tmp_path_factory.mktemp(request.param)) as started:
        yield started


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
