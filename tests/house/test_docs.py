"""The pages are true: their links lead somewhere, their tables agree with the code, their code runs."""

import ast
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_args

import pyrage
import pytest

from aura_browser import assembly, errors
from aura_browser.engine import Engine
from aura_browser.formats import age, dump
from aura_browser.keeping.counters import Counters
from aura_browser.playground import serve_in_thread
from aura_browser.session.session import Proof
from aura_browser.session.state import State
from aura_browser.site.condition import ConditionKind
from tests.house import test_floors as floors
from tests.parts import moved, screens
from tests.parts.cached import cache_session
from tests.parts.command_lines import parse_command, read_lines, split_commands
from tests.parts.forks import choose_python
from tests.parts.help_pages import MARK, render_page, walk_commands
from tests.parts.members_site import COOKIE, serving_members
from tests.parts.missing import need_program
from tests.parts.pages import (
    COMMAND_LINE,
    PAGES,
    ROOT,
    Block,
    name_of,
    read_anchors,
    read_blocks,
    read_links,
    read_prose,
    read_rows,
)
from tests.parts.sessions import make_cookie, make_session

T = TypeVar("T")
KEY = pyrage.x25519.Identity.generate()

BLOCKS = [block for page in PAGES for block in read_blocks(page)]
PYTHON = [block for block in BLOCKS if block.kind == "python"]
LINES = [(block, line) for block in BLOCKS if block.kind == "sh" for line in read_lines(block.text)]

NOT_RUN: Mapping[str, str] = {
    "pip": "changes the environment that the tests run in; tests/try_wheel.sh installs the package",
    "pipx": "installs for the person; tests/fresh.sh runs it",
    ".": "changes the shell that it is run in; tests/fresh.sh runs it",
    "python": "house/test_examples.py runs the program",
    "make": "starts the tests themselves, or benchmarks; its targets are checked",
    "git": "relay/test_programs.py clones so",
    "export": "sets a variable for the lines after it",
}
"""Commands of the pages that no test runs, and why."""
ONLY_PARSED: Mapping[str, str] = {
    r" --basic": "needs a password; webdriver/test_readiness.py and cli/test_commands.py give one",
    r" open (?!.*--check)": "needs a person; programs/test_open.py plays one",
    r" --interactive": "needs a person; webdriver/test_interactive.py plays one",
    r" --attach chrome": "needs a person's click; webdriver/browsers/test_everyday.py plays one",
    r" serve( (--port|--alias|http)| +#|$)": "runs until Ctrl-C; cli/test_serve.py runs it",
    r" --from-curl": "needs a text copied from a browser; cli/test_request.py writes such texts",
    r" proxy": "runs until Ctrl-C; relay/test_programs.py runs it",
    r" sites learn": "needs a person; cli/test_learn.py plays one",
    r" playground": "runs until Ctrl-C; cli/test_commands.py runs it",
}
"""Command lines of aura-browser that are read by click only, and why."""
NEEDS_CHROME = re.compile(r'\bharvest\(|gate="check| demo\b| doctor\b| harvest .*--(fresh|until)| open .*--check')


def fits(line: str, patterns: Mapping[str, str]) -> bool:
    return any(re.search(pattern, line) for pattern in patterns)


def mark_chrome(cases: Sequence[T], text_of: Callable[[T], str]) -> list[Any]:
    """Return the cases as parameters, those that start a browser with their mark."""
    chrome = [pytest.mark.chrome]
    return [pytest.param(each, marks=chrome if NEEDS_CHROME.search(text_of(each)) else []) for each in cases]


def without_numbers(text: str) -> str:
    return re.sub(r"\d+(?:\.\d+)*", "N", text)


def output_after(block: Block) -> str | None:
    """Return the text that the page shows as what *block* prints, or None: it is the next block, if that is text."""
    following = next((each for each in BLOCKS if each.page == block.page and each.line > block.line), None)
    is_output = following is not None and following.kind == "text" and block.page not in {COMMAND_LINE, screens.PAGE}
    return following.text if following and is_output else None


@pytest.fixture(scope="module")
def origins() -> Iterator[tuple[str, str]]:
    """Serve what the pages call openchat.team and example.com."""
    with serve_in_thread() as chat, serving_members() as members:
        yield chat.origin, members


@pytest.fixture
def sites(origins: tuple[str, str], state_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cache a session of both sites, and say where they are."""
    chat, members = origins
    monkeypatch.setenv(moved.OPENCHAT, chat)
    monkeypatch.setenv(moved.EXAMPLE, members)
    cache_session(state_home, chat)
    cache_session(state_home, members, COOKIE, "/app")


@pytest.fixture
def folder(origins: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder with the files that command lines name."""
    here = tmp_path / "here"
    here.mkdir()
    session = make_session(origins[1], cookies=(make_cookie(COOKIE),))
    (here / "session.json").write_text(session.to_json(), "utf-8")
    (here / "cookies.txt").write_text(dump(session, "netscape").text, "utf-8")
    (here / "server.pub").write_text(f"{KEY.to_public()}\n")
    (here / "server").write_text(f"{KEY}\n")
    (here / "session.age").write_text(age.encrypt(session.to_json().encode(), [str(KEY.to_public())]))
    (here / "notes.txt").write_text("One note.", "utf-8")
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put ``aura-browser`` first on the path, with openchat.team at the test's site."""
    path = tmp_path / "bin" / "aura-browser"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec {shlex.join(choose_python())} tests.parts.moved cli "$@"\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    return path


def test_no_block_is_left_out() -> None:
    kinds = Counter(block.kind for block in BLOCKS)
    assert set(kinds) <= {"python", "sh", "text", "mermaid", "json", "toml"}
    assert kinds["python"] >= 15
    assert kinds["sh"] >= 15
    fences = sum(page.read_text("utf-8").count("```") for page in PAGES)
    assert fences == 2 * len(BLOCKS)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in read_links(page):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in read_anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_paths_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"`((?:tests|drivers|docs|aura_browser|\.ci)/[\w./-]+)`", read_prose(page))
    made_later = {"drivers/bin", "drivers/bin/", "aura_browser/formats/"}
    missing = {path for path in named if not (ROOT / path).exists() and "NAME" not in path}
    assert missing <= made_later


def test_every_page_can_be_reached_from_the_first_one() -> None:
    reached: set[Path] = set()
    pages = {ROOT / "README.md"}
    while pages:
        reached |= pages
        links = {(page.parent / link.partition("#")[0]).resolve() for page in pages for link in read_links(page)}
        pages = (links & set(PAGES)) - reached
    assert set(PAGES) <= reached


def test_the_command_line_page_says_what_help_says() -> None:
    page = COMMAND_LINE.read_text("utf-8")
    assert page == render_page(page), "run: make docs"
    assert len(list(walk_commands())) >= 12


def read_screens(command: str) -> dict[int, list[str]]:
    """Return what the page of screens shows of *command*, by width."""
    text = screens.PAGE.read_text("utf-8").partition(f"\n`{command}`\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"(\d+) columns:\n\n```text\n(.*?)\n```", text, re.DOTALL)
    return {int(columns): block.splitlines() for columns, block in blocks}


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(each, marks=[pytest.mark.chrome, pytest.mark.soak] if each.endswith("demo") else [])
        for each in screens.SCREENS
    ],
)
def test_screens_are_what_commands_show(command: str) -> None:
    shown = read_screens(command)
    assert set(shown) == set(screens.WIDTHS)
    chosen = screens.WIDTHS[:1] if command.endswith("demo") else screens.WIDTHS
    for columns in chosen:
        lines = screens.SCREENS[command](columns)
        assert [without_numbers(line) for line in lines] == [without_numbers(line) for line in shown[columns]]
        assert max(map(len, lines)) <= columns


def test_the_floors_are_those_that_are_held() -> None:
    rows = list(read_rows(ROOT / "docs" / "architecture.md", "## Layout"))
    shown = {place: int(floor) for floor, places, _ in rows for place in re.findall(r"`([^`]+)`", places)}
    assert shown == dict(floors.FLOORS)


def read_names(page: str, heading: str, column: int = 0) -> set[str]:
    """Return what stands as code in one column of the table after *heading*."""
    rows = list(read_rows(ROOT / page, heading))
    assert rows, heading
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row[column])}


def test_all_options_are_in_the_table_with_their_defaults() -> None:
    rows = read_rows(ROOT / "docs" / "library.md", "## Options that all of them take")
    shown = {name.strip("`"): ast.literal_eval(default.strip("`")) for name, default, _ in rows}
    assert shown == {field.name: field.default for field in fields(assembly._Settings)}
    assert set(shown) == set(assembly.ClientOptions.__annotations__)


def test_all_errors_are_in_the_table() -> None:
    every = {name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.AuraError)}
    assert read_names("docs/library.md", "## Errors") == every - {"AuraError", "BrowserError", "ChatError"}


def test_all_counters_are_in_the_table() -> None:
    assert read_names("docs/library.md", "## Counters and events") == set(Counters.__struct_fields__)


def test_all_proofs_are_in_the_table() -> None:
    assert read_names("docs/keeping-sessions-alive.md", "## What is proven") == set(get_args(Proof))


def test_all_states_of_a_check_are_in_the_table() -> None:
    assert read_names("docs/command-line.md", "## States of a stored session") == set(get_args(State))


def test_all_engines_are_in_the_table() -> None:
    shown = {name.partition("(")[0] for name in read_names("docs/browsers-and-logins.md", "## Which browser", 2)}
    assert shown == {kind.__name__ for kind in get_args(Engine)}


def test_all_kinds_of_conditions_are_in_the_table() -> None:
    shown = read_names("docs/browsers-and-logins.md", "## Log in")
    kinds = {name.partition(":")[0] for name in shown if ":" in name}
    assert kinds | (shown & {"probe"}) == set(get_args(ConditionKind))


def test_all_environment_variables_are_in_the_table() -> None:
    text = COMMAND_LINE.read_text("utf-8").partition(MARK)[0]
    sources = "".join(path.read_text("utf-8") for path in floors.MODULES)
    used = set(re.findall(r"\bAURA_BROWSER_[A-Z_]+\b", sources))
    assert set(re.findall(r"\bAURA_BROWSER_[A-Z_]+\b", text)) == used


def test_pages_differ_in_more_than_letter_case() -> None:
    names = [path.relative_to(ROOT).as_posix().lower() for path in (ROOT / "docs").rglob("*")]
    assert len(names) == len(set(names)), "on macOS and Windows one would replace the other"


def test_pages_and_examples_are_shipped_with_the_source() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert {"docs", "drivers", "CHANGELOG.md"} <= set(project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])


def test_the_first_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


def test_the_modules_that_the_architecture_names_exist() -> None:
    rows = read_rows(ROOT / "docs" / "architecture.md", "## Where do I find …")
    for _, places in rows:
        for place in re.findall(r"`([^`]+)`", places):
            assert (floors.PACKAGE / place).exists(), place


def test_data_can_be_read() -> None:
    for block in BLOCKS:
        if block.kind in {"json", "toml"}:
            assert (json.loads if block.kind == "json" else tomllib.loads)(block.text), str(block)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind == "mermaid"], ids=str)
def test_pictures_are_flowcharts(block: Block) -> None:
    first, *edges = block.text.splitlines()
    assert first in {"flowchart LR", "flowchart TD"}
    assert all(re.search(r" (--|-\.) (.+ )?(-->|\.->) |-->", edge) for edge in edges)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind == "text"], ids=str)
def test_shown_output_has_what_prints_it(block: Block) -> None:
    if block.page not in {COMMAND_LINE, screens.PAGE}:  # which other tests check
        before = BLOCKS[BLOCKS.index(block) - 1]
        assert before.page == block.page
        assert before.kind in {"python", "sh"}


@pytest.mark.slow
@pytest.mark.parametrize("block", mark_chrome(PYTHON, lambda block: block.text), ids=str)
def test_python_runs(block: Block, sites: None, folder: Path) -> None:
    if "def test_" in block.text:
        _run_as_a_test(block, folder)
        return
    program = [*choose_python(), "tests.parts.moved", "page", str(block.page), str(block.line)]
    run = subprocess.run(program, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    (result,) = json.loads(run.stdout.splitlines()[-1])
    assert result["error"] == ""
    shown = output_after(block)
    assert shown is None or result["output"].strip() == shown.strip()


def _run_as_a_test(block: Block, folder: Path) -> None:
    (folder / "test_block.py").write_text(block.text, "utf-8")
    program = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-o",
        "asyncio_mode=auto",
        "-p",
        "no:cacheprovider",
        "test_block.py",
    ]
    run = subprocess.run(program, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert re.search(r"^1 passed", run.stdout, re.MULTILINE), run.stdout


@pytest.mark.parametrize(
    ("block", "line"), LINES, ids=[f"{block} {line.split('#')[0].strip()}" for block, line in LINES]
)
def test_command_lines_are_understood(block: Block, line: str, folder: Path) -> None:
    for words in split_commands(line):
        if words[0] == "aura-browser":
            parse_command(words)
        elif words[0] == "make":
            _check_targets([word for word in words[1:] if "=" not in word])
        elif words[0] not in NOT_RUN and words[0] != "curl":
            assert (ROOT / words[0]).exists(), f"{block}: {words[0]} is neither run nor listed"


def _check_targets(targets: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE), target


def pick_lines() -> Iterator[tuple[Block, str]]:
    """Yield the lines that are run: of those that stand on several pages with the same output, the first."""
    seen = set()
    for block, line in LINES:
        what = line.partition(" #")[0].strip(), output_after(block)
        if "aura-browser" in line and not fits(line, ONLY_PARSED) and what not in seen:
            seen.add(what)
            yield block, line


RUN = list(pick_lines())


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", mark_chrome(RUN, lambda case: case[1]), ids=lambda case: f"{case[0]} {case[1].strip()}"
)
def test_command_lines_run(case: tuple[Block, str], folder: Path, sites: None, command: Path) -> None:
    block, line = case
    for name in {"curl", "wget"}.intersection(line.split()):
        need_program(name)
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", moved.move_text(line)],  # noqa: S607 - as people run it
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, f"{block}: {run.stderr}"
    shown = output_after(block)
    assert shown is None or without_numbers(run.stdout) == without_numbers(shown)


def test_every_exception_is_used() -> None:
    said = {words[0] for _, line in LINES for words in split_commands(line)}
    assert set(NOT_RUN) <= said
    assert all(any(fits(line, {pattern: ""}) for _, line in LINES) for pattern in ONLY_PARSED)
