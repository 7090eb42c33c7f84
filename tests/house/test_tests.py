"""The tests' own layout: parts in one place, every module of the package with a test that says so."""

import os
import re
import subprocess
from pathlib import Path

import aura_browser
from tests.parts.own_place import remove_leftovers

PACKAGE = Path(aura_browser.__file__).parent
TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("*.py"))


def test_no_file_imports_from_a_test_file() -> None:
    imports = re.compile(r"^ *(?:from|import) +tests[\w.]*\.test_\w+", re.MULTILINE)
    assert [path for path in FILES if imports.search(path.read_text("utf-8"))] == []


def test_helpers_lie_in_parts() -> None:
    beside = {path.name for path in TESTS.glob("*.py")} - {"__init__.py", "conftest.py"}
    assert all(name.startswith("test_") for name in beside)


def test_there_is_one_way_to_wait() -> None:
    """A loop that sleeps is ruff's ASYNC110; bench/peers has those of other programs."""
    own = [path for path in FILES if "peers" not in path.parts and path.name != "waiting.py"]
    assert [path for path in own if "noqa: ASYNC" + "110" in path.read_text("utf-8")] == []


def test_the_table_says_once_where_each_module_is_tested() -> None:
    page = (TESTS / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| (`\S+(?:\.py|/)`(?:, `\S+`)*) \| (.+?) \|$", page, re.MULTILINE)
    told = [name for names, _ in rows for name in re.findall(r"`([^`]+)`", names)]
    assert sorted(told) == sorted(set(told))
    modules = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if path.stat().st_size > 700}
    places = {name for name in told if name.endswith("/")}
    untold = {name for name in modules - set(told) if not any(name.startswith(place) for place in places)}
    assert untold == set()
    assert [name for name in told if not (PACKAGE / name).exists()] == []
    tests = {test for _, row in rows for test in re.findall(r"`([^`]+)`", row)}
    assert [test for test in tests if not (TESTS / test).exists()] == []


def test_the_folder_of_a_run_that_was_killed_is_removed_by_the_next_one(tmp_path: Path) -> None:
    for name in ("aut-killed", "aut-running", "aut-new", "aut-of-others"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
        (tmp_path / name).chmod(0o700 if name == "aut-of-others" else 0o1777)
        if name != "aut-new":
            os.utime(tmp_path / name, (0, 0))
    command = ["flock", str(tmp_path / "aut-running"), "sh", "-c", "echo held; read _"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"held\n"
        remove_leftovers(tmp_path)
        running.communicate(b"\n", timeout=30)
    assert {path.name for path in tmp_path.iterdir()} == {"aut-running", "aut-new", "aut-of-others"}
