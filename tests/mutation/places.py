"""Where things lie: the checkout, and what a run keeps between calls."""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import Final

from tests.parts.pages import ROOT

PACKAGE: Final = "aura_browser"
DATA: Final = ROOT / ".venv" / "mutants"
SURVIVORS: Final = Path(__file__).with_name("survivors.toml")
_FILES_AT_A_TIME: Final = 6
UNSUITABLE: Final = ("tests/apps", "tests/clients", "tests/mutation", "tests/bench")
"""Test folders that no mutant is tried with: they install programs, or measure, or are this one."""


def list_modules(root: Path) -> list[str]:
    """Return the modules of the package below *root*, as paths relative to it."""
    return sorted(str(path.relative_to(root)) for path in (root / PACKAGE).rglob("*.py"))


def list_test_files(root: Path, chosen: list[str]) -> list[str]:
    """Return the test files below *chosen*, files or folders relative to *root*; all suitable ones if it is empty."""
    found = {
        str(path.relative_to(root))
        for place in chosen or ["tests"]
        for path in ([root / place] if (root / place).is_file() else (root / place).rglob("test_*.py"))
    }
    return sorted(name for name in found if not name.startswith(UNSUITABLE))


def group_by_folder(files: Iterable[str]) -> Iterator[list[str]]:
    """Yield the files that one run of pytest takes: a few of the same folder."""
    for _, group in groupby(files, key=lambda file: file.rpartition("/")[0]):
        yield from batched(group, _FILES_AT_A_TIME)


def batched(group: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield lists of *size* at most. Drop when Python 3.12 is the oldest, whose itertools have it."""
    rest = iter(group)
    while part := list(islice(rest, size)):
        yield part
