"""The floor table: a module imports only from lower floors, and never in a circle."""

import ast
from collections.abc import Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import aura_browser

PACKAGE = Path(aura_browser.__file__).parent
FLOORS: Mapping[str, int] = {
    **dict.fromkeys(("charsets", "listening", "slugs", "suffixes", "text", "tls", "urls"), 0),
    **dict.fromkeys(("errors", "extras", "hosts", "request"), 1),
    **dict.fromkeys(("engine", "proxy"), 2),
    "session": 3,
    "site": 4,
    **dict.fromkeys(("store", "chat", "webdriver", "formats"), 5),
    "keeping": 6,
    "http": 7,
    "harvests": 7,
    "carriers": 8,
    "assembly": 9,
    "client": 10,
    "programs": 10,
    "agents": 11,
    "chat/client": 11,
    **dict.fromkeys(("provider", "doctor", "gateway", "llm_plugin", "playground", "relay"), 12),
    "learning": 12,
    "cli": 13,
    **dict.fromkeys(("__init__", "__main__"), 14),
}
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE).with_suffix("")) for path in MODULES]


def place_of(name: str) -> str:
    """Return the entry of the table that a module belongs to: the longest path that it begins with."""
    parts = name.split("/")
    return next(place for n in range(len(parts), 0, -1) if (place := "/".join(parts[:n])) in FLOORS)


def path_of(name: str) -> Path:
    return PACKAGE / f"{name}.py"


@cache
def imported(path: Path) -> list[tuple[str, str]]:
    """Return what a file imports, wherever in it: whole names of modules, each with the name that is taken from it."""
    found: list[tuple[str, str]] = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.extend((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written out in full"
            found.extend((node.module or "", alias.name) for alias in node.names)
    return found


def own_imports(name: str) -> set[str]:
    """Return the package's own modules that one of them imports; a folder stands for its ``__init__``."""
    found = set()
    for module, taken in imported(path_of(name)):
        if module.split(".")[0] == "aura_browser":
            place = module.replace(".", "/").removeprefix("aura_browser").lstrip("/")
            choices = (f"{place}/{taken}", f"{place}/{taken}/__init__", place, f"{place}/__init__")
            found.add(next(each.lstrip("/") for each in choices if each.lstrip("/") in NAMES))
    return found


def print_floors() -> None:
    for floor in sorted(set(FLOORS.values())):
        print(f"{floor:>3}  {', '.join(place for place, number in FLOORS.items() if number == floor)}")  # noqa: T201 - the floors, for people


def test_every_module_has_a_floor_and_every_floor_a_module() -> None:
    print_floors()
    assert {place_of(name) for name in NAMES} == set(FLOORS)


def goes_down(name: str, other: str) -> bool:
    here, there = place_of(name), place_of(other)
    return there == here or FLOORS[there] < FLOORS[here]


def test_imports_go_down() -> None:
    assert [f"{name} imports {each}" for name in NAMES for each in own_imports(name) if not goes_down(name, each)] == []


def test_no_imports_run_in_a_circle() -> None:
    try:
        TopologicalSorter({name: own_imports(name) - {name} for name in NAMES}).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' → '.join(error.args[1])}")


def test_each_library_has_its_places() -> None:
    places = {
        "selenium": {"webdriver", "provider", "engine"},  # the latter two name a driver's type
        "publicsuffixlist": {"suffixes"},
        "psutil": {"webdriver"},
        "click": {"cli"},
        "rich": {"cli"},
        "platformdirs": {"site", "store", "webdriver", "cli"},  # what a shell completes loads nothing more
        "mcp": {"agents"},
        "tomlkit": {"cli"},
        "filelock": {"store", "webdriver"},
        "pyvirtualdisplay": {"webdriver"},
        "undetected_chromedriver": {"webdriver"},
        "redis": {"store"},
        "aiohttp_socks": {"proxy"},
        "cryptography": {"store"},
        "llm": {"llm_plugin"},
        "openai": {"cli"},  # the demo, where it is installed
        "pydantic": {"llm_plugin"},
        "keyring": {"store"},
        "pyrage": {"formats"},
    }
    for name in NAMES:
        for module, _ in imported(path_of(name)):
            allowed = places.get(module.split(".")[0])
            assert allowed is None or place_of(name) in allowed, f"{name} imports {module}"


def test_a_session_loads_no_http_library() -> None:
    for name in NAMES:
        if place_of(name) == "session":
            for node in ast.parse(path_of(name).read_text("utf-8")).body:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not [each for each in names if each.split(".")[0] == "aiohttp"]
