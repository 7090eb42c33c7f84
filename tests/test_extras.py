"""The extras: one list of libraries, and hints that never name this project's name on PyPI, which is a stranger's."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from aura_browser import extras
from tests.parts.pages import ROOT

SUFFIXES = {".py", ".md", ".sh", ".html", ".json", ".toml", ".yaml", ""}
TEXTS = [
    path
    for place in ("aura_browser", "docs", "drivers")
    for path in (ROOT / place).rglob("*")
    if path.is_file() and path.suffix in SUFFIXES
]


def read_project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_extras_are_those_of_the_distribution() -> None:
    told = read_project()["project"]["optional-dependencies"]
    assert {name: set(libraries.values()) for name, libraries in extras.EXTRAS.items()} == {
        name: set(libraries) for name, libraries in told.items()
    }


def test_the_development_group_names_the_libraries_and_nothing_that_is_us() -> None:
    group = read_project()["dependency-groups"]["dev"]
    assert {each for libraries in extras.EXTRAS.values() for each in libraries.values()} <= set(group)
    assert not [each for each in group if each.lower().replace("_", "-").startswith("aura-browser")]


def test_the_distribution_has_not_the_strangers_name() -> None:
    assert read_project()["project"]["name"] == "aura-browser-session"
    assert set(read_project()["project"]["scripts"]) == {"aura-browser"}


@pytest.mark.parametrize(
    "pattern", [r"aura-browser\[", r"(?:pip|pipx|uv tool) install (?:--\S+ )*['\"]?aura[-_]browser"]
)
def test_no_text_would_install_the_strangers_package(pattern: str) -> None:
    texts = [*TEXTS, ROOT / "README.md", ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / ".ci" / "run"]
    found = [path for path in texts if re.search(pattern, path.read_text("utf-8"))]
    assert found == []


def test_the_command_installs_where_the_program_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin")
    assert extras.install_command("redis") == "pip install 'redis>=8.0'"
    monkeypatch.setenv("PATH", "/usr/bin")
    assert extras.install_command("redis") == f"{sys.executable} -m pip install 'redis>=8.0'"
    monkeypatch.setattr(extras, "_has_pip", lambda: False)
    assert extras.install_command("redis") == f"uv pip install --python {sys.executable} 'redis>=8.0'"
