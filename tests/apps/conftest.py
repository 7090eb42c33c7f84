"""The applications, each started once, and the person who sits before them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from aura_browser import FileStore, Session, assemble
from tests.apps.app import App, Running
from tests.apps.browsers import load
from tests.apps.every import APPS, RUNNING, name_heavy
from tests.apps.install import took_s
from tests.parts.person import Person, screen


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long each installation took."""
    for name, seconds in took_s.items():
        terminalreporter.line(f"installed {name} in {seconds:.0f} s")


@pytest.fixture(scope="package", params=APPS)
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One application after the other."""
    with APPS[request.param](tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture(scope="package", params=name_heavy(*RUNNING))
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One application after the other, those that know one person only among them."""
    with RUNNING[request.param](tmp_path_factory.mktemp(request.param)) as started:
        yield started


@pytest.fixture
def defined(running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the definition in sites.toml, as a person has it."""
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("AURA_BROWSER_CONFIG", str(folder))
    (folder / "sites.toml").write_text(running.definition)


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
