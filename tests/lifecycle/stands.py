"""Sets an engine up for a cell: the options that choose it, its environment, what may be there afterwards."""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from tests.lifecycle.attached import PersonsChrome, persons_chrome
from tests.lifecycle.gate import Gate
from tests.lifecycle.grid import HeldGrid
from tests.lifecycle.matrix import Cell
from tests.parts.cached import cache_session

_LOCAL: Final = {
    "selenium": ("--engine", "selenium"),
    "chrome": ("--engine", "chrome"),
    "display": ("--virtual-display",),
    "undetected": ("--engine", "undetected"),
}


class Stand:
    """An engine that is set up.

    Attributes:
        options: of the command, that choose it.
        gate: before the program whose start is the launch.
        variables: to be in the environment.
    """

    starts_by_itself = False
    """Whether what is held at the launch comes up in the end, whatever becomes of the harvest: a Grid's Chrome does."""

    def __init__(self, gate: Gate, options: tuple[str, ...], variables: dict[str, str]) -> None:
        self.gate = gate
        self.options = options
        self.variables = variables

    def list_words(self, url: str, timeout_s: float, *, is_command: bool) -> list[str]:
        """Return a module and its arguments: of aura-browser, or of a program that says how it ended."""
        module = ["aura_browser", "harvest", "--fresh"] if is_command else ["tests.lifecycle.harvester"]
        return [*module, url, "--timeout", f"{timeout_s:g}", *self.options]

    def kill_chrome(self) -> None:
        """Kill Chrome."""
        self.gate.process().kill()

    def kill_driver(self) -> None:
        """Kill ChromeDriver."""
        driver = self.gate.process().parent()
        if driver is None or not driver.name().startswith("chromedriver"):
            raise AssertionError(f"Chrome's parent is no ChromeDriver but {driver}")
        driver.kill()

    def settle(self) -> None:
        """Wait for what a harvest has no hand in."""

    def left(self) -> list[str]:
        """Return what is left where the cell's own process and folder are not."""
        return []


class _ProfileStand(Stand):
    def __init__(self, gate: Gate, profile: Path) -> None:
        super().__init__(gate, ("--profile", str(profile)), {"AURA_BROWSER_CHROME": str(gate.script)})
        self._profile = profile

    def left(self) -> list[str]:
        return [] if self._profile.is_dir() else ["no profile, which was to be kept"]


class _GridStand(Stand):
    starts_by_itself = True

    def __init__(self, grid: HeldGrid) -> None:
        super().__init__(grid.gate, ("--grid", grid.url), {})
        self._grid = grid
        self._lost_driver = False

    def kill_driver(self) -> None:
        self._lost_driver = True
        super().kill_driver()

    def settle(self) -> None:
        self._grid.settle()

    def left(self) -> list[str]:
        processes = self._grid.processes()
        return processes if self._lost_driver else [*processes, *self._grid.profiles(), *self._grid.sessions()]


class _AttachStand(Stand):
    def __init__(self, gate: Gate, chrome: PersonsChrome) -> None:
        super().__init__(gate, ("--attach", chrome.address), {"AURA_BROWSER_DRIVER": str(gate.script)})
        self._chrome = chrome
        self._tabs = chrome.tabs()
        self._is_killed = False

    def kill_chrome(self) -> None:
        self._is_killed = True
        self._chrome.process.kill()
        self._chrome.process.wait()
        if self.gate.is_held:
            self.gate.release()  # ChromeDriver starts, and finds nobody

    def kill_driver(self) -> None:
        self.gate.process().kill()

    def left(self) -> list[str]:
        if self._is_killed:
            return []
        if self._chrome.process.poll() is not None:
            return ["no Chrome of the person's"]
        now = self._chrome.tabs()
        return [f"tab {tab} more" for tab in now if tab not in self._tabs] + [
            f"tab {tab} less" for tab in self._tabs if tab not in now
        ]


class _EverydayStand(_AttachStand):
    def __init__(self, gate: Gate, chrome: PersonsChrome) -> None:
        super().__init__(gate, chrome)
        self.options = ("--attach", "chrome")
        self.variables = {"XDG_CONFIG_HOME": str(chrome.folder.parent)}


class _PageStand(Stand):
    def __init__(self, gate: Gate, home: Path) -> None:
        super().__init__(gate, (), {"AURA_BROWSER_CHROME": str(gate.script)})
        self._home = home

    def list_words(self, url: str, timeout_s: float, *, is_command: bool) -> list[str]:
        if not is_command:
            return ["tests.lifecycle.sender", url, "--timeout", f"{timeout_s:g}"]
        cache_session(self._home / ".local" / "state", url.rstrip("/"))
        return ["aura_browser", "request", "--transport", "page", "--refresh", "never", f"{url}reading"]


def stand(cell: Cell, folder: Path, the_grid: HeldGrid | None) -> AbstractContextManager[Stand]:
    """Set the engine of *cell* up while the context lasts.

    Args:
        cell: which.
        folder: an existing one, for what is needed.
        the_grid: for a cell that is on one.
    """
    match cell.engine:
        case "grid":
            assert the_grid is not None
            return _on_grid(the_grid)
        case "attach":
            return _attached(folder, _AttachStand)
        case "everyday":
            return _attached(folder, _EverydayStand)
        case "page":
            return _by_page(folder)
        case "profile":
            return _with_profile(folder)
        case local:
            return _local(folder, _LOCAL[local])


@contextmanager
def _on_grid(grid: HeldGrid) -> Iterator[Stand]:
    with grid.turn:
        try:
            yield _GridStand(grid)
        finally:
            grid.clear()


@contextmanager
def _attached(folder: Path, kind: type[_AttachStand]) -> Iterator[Stand]:
    with persons_chrome() as chrome, Gate(folder, shutil.which("chromedriver") or "") as gate:
        yield kind(gate, chrome)


@contextmanager
def _by_page(folder: Path) -> Iterator[Stand]:
    with Gate(folder, shutil.which("chromium") or "") as gate:
        yield _PageStand(gate, folder.with_name("home"))


@contextmanager
def _with_profile(folder: Path) -> Iterator[Stand]:
    with Gate(folder, shutil.which("chromium") or "") as gate:
        yield _ProfileStand(gate, folder.with_name("profile"))


@contextmanager
def _local(folder: Path, options: tuple[str, ...]) -> Iterator[Stand]:
    with Gate(folder, shutil.which("chromium") or "") as gate:
        yield Stand(gate, options, {"AURA_BROWSER_CHROME": str(gate.script)})
