"""The floor table: a module imports only from lower floors, and doors that swing one way stay shut."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import aura_browser

PACKAGE = Path(aura_browser.__file__).parent
FLOOR_0 = ("errors", "proxy", "connector", "engine", "cookie", "session", "site", "chat", "counters", "events")
FLOORS = {
    **dict.fromkeys(FLOOR_0, 0),
    **dict.fromkeys(("protocol", "verdict", "lifetime", "exchange", "store", "webdriver"), 1),
    **dict.fromkeys(("budget", "verify"), 2),
    "manager": 3,
    "middleware": 4,
    **dict.fromkeys(("transport", "assembly"), 5),
    "client": 6,
    **dict.fromkeys(("provider", "playground", "doctor"), 7),
    "cli": 8,
    **dict.fromkeys(("__init__", "__main__"), 9),
}
# On floor 0 a value may be made of another, in the order above.
MODULES = sorted(PACKAGE.rglob("*.py"))


def home(path: Path) -> str:
    """Return the name that the table has for a file: its module, or the folder that it is in."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Yield what a file imports, wherever in it: whole module names."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written out in full"
            yield node.module or ""


def test_every_module_has_a_floor() -> None:
    assert {home(path) for path in MODULES} == set(FLOORS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    here = home(path)
    for name in imported(path):
        if name == "aura_browser":
            pytest.fail(f"{path} imports the root, which is above it")
        if not name.startswith("aura_browser."):
            continue
        there = name.split(".")[1]
        if there == here:
            continue
        if FLOORS[here] == FLOORS[there] == 0:
            assert FLOOR_0.index(there) < FLOOR_0.index(here), f"{here} imports {there}"
        else:
            assert FLOORS[there] < FLOORS[here], f"{here} imports {there}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_library_has_its_door(path: Path) -> None:
    doors = {
        "selenium": {"webdriver", "provider", "engine"},  # the latter two name a driver's type
        "publicsuffixlist": {"webdriver"},
        "psutil": {"webdriver"},
        "click": {"cli"},
        "rich": {"cli"},
        "platformdirs": {"store", "webdriver"},
        "filelock": {"store", "webdriver"},
        "pyvirtualdisplay": {"webdriver"},
        "undetected_chromedriver": {"webdriver"},
        "redis": {"store"},
        "aiohttp_socks": {"connector"},
        "cryptography": {"store"},
        "keyring": {"store"},
    }
    for name in imported(path):
        allowed = doors.get(name.split(".")[0])
        assert allowed is None or home(path) in allowed, f"{path} imports {name}"
