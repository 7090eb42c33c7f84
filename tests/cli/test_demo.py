"""``aura-browser demo`` without a browser: what it shows, and which program asks in the end."""

import re
import shutil
import socket
import sys
import time
from contextlib import suppress
from io import StringIO
from pathlib import Path

import aiohttp
import pytest

from aura_browser import AuraClient
from aura_browser.cli import demo, main
from aura_browser.gateway import server  # noqa: F401 - the event loop of a test can't wait for it
from aura_browser.playground import Playground
from aura_browser.session import Session
from aura_browser.site import Site
from tests.parts.sessions import make_cookie, make_session

NOBODY = "(there is neither OpenAI's client nor curl here to ask through the gateway)"


async def answer(*_: str) -> str:
    return "yes"


@pytest.mark.parametrize(
    ("there", "shown"),
    [
        ({"openai", "curl"}, "  openai: And now from another program?\n  site: yes\n"),
        ({"curl"}, "  curl: And now from another program?\n  site: yes\n"),
        (set(), f"  site: {NOBODY}\n"),
    ],
)
async def test_the_program_that_is_there_asks_in_the_end_whatever_listens_already(
    there: set[str], shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda name: name if name in there else None)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name in there else None)
    monkeypatch.setattr(demo, "_ask_with_openai", lambda _url: "yes")
    monkeypatch.setattr(demo, "_ask_with_curl", answer)
    with socket.socket() as usual:
        with suppress(OSError):  # somebody has it already
            usual.bind(("127.0.0.1", 8787))
            usual.listen()
        async with Playground() as site:
            session = make_session(site.origin)
            async with AuraClient(site.origin, store="memory", session=session) as client:
                await demo._ask_through_gateway(client)
    assert capsys.readouterr().out == shown


async def pass_the_check(site: Site, **_options: object) -> Session:
    """Do what the page's script does in a browser, and return its session."""
    async with aiohttp.ClientSession() as http:
        async with http.get(site.url) as answer:
            match = re.search(r'clearance=([^;"]+)', await answer.text())
        assert match is not None
        cookies = (make_cookie("clearance", match[1]),)
        async with http.get(site.url, headers={"Cookie": f"clearance={match[1]}"}) as answer:
            assert answer.status == 200
    return make_session(site.origin, cookies=cookies, dialect=site.dialect, harvested_at=time.time())


def test_the_whole_demo_is_told_and_leaves_nothing(state_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_browser.webdriver.harvest.harvest", pass_the_check)
    monkeypatch.setattr(demo, "find_spec", lambda _name: "there")
    monkeypatch.setattr(demo, "_ask_with_openai", lambda _url: "yes")
    shown = StringIO()
    monkeypatch.setattr(sys, "stdout", shown)
    assert main(["demo"]) == 0
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", re.sub(r"\d+\.\d\d s", "T s", shown.getvalue()))
    assert text == (
        "A chat site runs at http://HOST; it admits only clients that passed its script check.\n"
        "Harvested with Chrome in T s: 1 cookie, 3 headers, Chrome 1.2.3.\n"
        "  you:  Привет! 你好! Hello! 👋\n  site: Привет! 你好! Hello! 👋\n"
        "The site has revoked every session.\n"
        "  you:  And now again, with a new session.\n  site: And now again, with a new session.\n"
        "  openai: And now from another program?\n  site: yes\n"
        "Done: 2 answers (first text after T s, with a new session after T s), 2 harvests, no browser left open.\n"
    )
    assert not state_home.exists()
