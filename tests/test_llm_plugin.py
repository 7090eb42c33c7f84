"""The plugin in the real program ``llm``: both models, the history, errors in one line, and a quick start."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aura_browser.llm_plugin import AsyncAura, Aura, register_models
from aura_browser.playground import Playground, serve_in_thread
from tests.parts.cached import cache_session
from tests.parts.pages import ROOT

pytestmark = pytest.mark.slow  # it starts programs

PROGRAM = str(Path(sys.executable).with_name("llm"))
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def site(state_home: Path) -> Iterator[Playground]:
    with serve_in_thread() as running:
        cache_session(state_home, running.origin)
        yield running


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what runs ``llm`` with the plugin as an installed package offers it."""
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]["llm"]
    facts = tmp_path / "plugins" / "aura_plugin-1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: aura-plugin\nVersion: 1\n")
    lines = [f"{name} = {place}" for name, place in entry.items()]
    (facts / "entry_points.txt").write_text("\n".join(["[llm]", *lines, ""]))
    path = os.pathsep.join([str(facts.parent), str(ROOT)])

    def start(*args: str) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {"PYTHONPATH": path, "LLM_USER_PATH": str(tmp_path / "llm")}
        return subprocess.run(
            [PROGRAM, *args], capture_output=True, text=True, check=False, env=environment, stdin=subprocess.DEVNULL
        )

    return start


def test_a_conversation_keeps_its_history_and_its_system_text(site: Playground, run: Run) -> None:
    first = run("-m", "aura", "-o", "site", site.origin, "-s", "Be kind.", "one")
    assert (first.stdout, first.returncode) == ("one\n", 0), first.stderr
    second = run("-c", "-o", "site", site.origin, "two")
    assert second.stdout == "two\n"
    body = json.loads(site.requests[-1].body)
    assert body["prompt"] == "Be kind."
    assert [(each["role"], each["content"]) for each in body["messages"]] == [
        ("user", "one"),
        ("assistant", "one"),
        ("user", "two"),
    ]


def test_an_error_is_one_line(site: Playground, run: Run) -> None:
    failed = run("-m", "aura", "-o", "site", site.origin, "/limit 7")
    assert failed.returncode == 1
    assert failed.stderr.strip().splitlines() == [
        f"Error: {site.origin}/api/chat limits requests (429). Wait 7 s, then try again."
    ]


def test_both_models_have_one_name_stream_and_take_no_key() -> None:
    models: list[Aura | AsyncAura] = []
    register_models(lambda *both: models.extend(both))
    assert [type(model) for model in models] == [Aura, AsyncAura]
    assert [(model.model_id, model.can_stream, model.needs_key) for model in models] == 2 * [("aura", True, None)]


def test_an_answer_comes_in_pieces_and_says_its_usage(site: Playground) -> None:
    response = Aura().prompt("/slow 0.02 one two three four", site=site.origin)
    pieces = list(response)
    assert "".join(pieces) == "one two three four"
    assert len(pieces) > 2
    assert response.usage().output == 5


async def test_the_async_model_answers_inside_an_event_loop(site: Playground) -> None:
    response = AsyncAura().prompt("one two", site=site.origin)
    assert [text async for text in response] != []
    assert await response.text() == "one two"


def test_the_sync_model_works_inside_an_event_loop_too(site: Playground) -> None:
    """As in a notebook; in a process of its own, since these tests let nothing block a loop."""
    code = (
        "import asyncio, sys\nfrom aura_browser.llm_plugin import Aura\n"
        "async def main(): return Aura().prompt('one two', site=sys.argv[1]).text()\nprint(asyncio.run(main()))"
    )
    command = [sys.executable, "-c", code, site.origin]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "one two\n"


def test_who_stops_reading_stops_the_site(site: Playground) -> None:
    from tests.parts.waiting import until

    pieces = iter(Aura().prompt("/silent begun", site=site.origin))
    assert next(pieces) == "begun"
    pieces.close()  # type: ignore[attr-defined] # it is a generator
    until(lambda: site.answering == 0, "the site is stopped", 5)


def test_loading_it_is_quick() -> None:
    code = (
        "import llm, sys, time; began = time.perf_counter(); import aura_browser.llm_plugin;"
        "print((time.perf_counter() - began) * 1000, 'aiohttp' in sys.modules, 'msgspec' in sys.modules)"
    )
    took, aiohttp, msgspec = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert (aiohttp, msgspec) == ("False", "False")
    assert float(took) < 1000, "5 ms on a machine that does nothing else"
