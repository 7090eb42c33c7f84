"""The commands that errors carry: click understands each, and each names what is in force."""

import shlex
from pathlib import Path

import pytest

from aura_browser import (
    Attach,
    Condition,
    Grid,
    Selenium,
    SessionOptions,
    Undetected,
    assemble,
    openchat_site,
    page_site,
)
from aura_browser.errors import InteractionRequired, LoginNeeded, NotReady
from aura_browser.harvests import policy_harvest
from aura_browser.session import Session
from aura_browser.site.commands import list_options
from tests.parts.command_lines import parse_command
from tests.parts.sessions import make_session

_CONDITIONS = (Condition.parse("cookie:sid"), Condition.parse('text:it\'s "here" $HOME'))


@pytest.mark.parametrize("site", [page_site("https://a.example/x?q=1"), page_site("http://[::1]:1/", _CONDITIONS)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"engine": Selenium(profile="my profile")},
        {"engine": Undetected(profile=Path("/srv/p"))},
        {"engine": Attach("127.0.0.1:9222")},
        {"engine": Grid("http://grid.example:4444")},
        {"proxy": "http://proxy.example:3128", "session": "work", "store": "/srv/my sessions"},
        {"store": "redis://cache.example/1"},
    ],
    ids=lambda options: " ".join(options) or "none",
)
def test_each_command_can_be_pasted(site: object, options: dict[str, object]) -> None:
    for how in ("--interactive", "--basic"):
        command = site.login_command(*list_options(**options), how=how)  # type: ignore[attr-defined,arg-type]
        parse_command(shlex.split(command))


def test_no_password_is_in_a_command() -> None:
    options = list_options(
        engine=Grid("http://me:s3cret@grid.example"),
        proxy="http://me:s3cret@proxy.example:1",
        store="redis://:s3cret@c/1",
    )
    assert options == ()


async def test_what_the_policy_rules_out_names_the_whole_command(tmp_path: Path) -> None:
    site = openchat_site("https://chat.example/")
    options: SessionOptions = {
        "engine": Selenium(profile="me"),
        "session": "work",
        "store": str(tmp_path),
        "refresh": "never",
    }
    manager = assemble(site, **options)
    with pytest.raises(InteractionRequired) as caught:
        await manager.get()
    await manager.aclose()
    words = shlex.split(caught.value.command)
    assert words[:4] == ["aura-browser", "harvest", "https://chat.example/", "--interactive"]
    assert words[-6:] == ["--profile", "me", "--session", "work", "--store", str(tmp_path)]
    assert [word for word in words if word.startswith("selector:")] == [str(condition) for condition in site.ready]
    parse_command(words)


@pytest.mark.parametrize(
    "error",
    [LoginNeeded("https://a.example/login", "a password field", "x"), NotReady("https://a.example/", None, 1, ())],
)
async def test_the_policy_opens_a_window_as_soon_as_a_login_is_seen(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, object]] = []

    async def harvest(_site: object, **options: object) -> Session:
        calls.append(options)
        if not options["interactive"]:
            raise error
        return make_session("https://a.example")

    monkeypatch.setattr("aura_browser.webdriver.harvest", harvest)
    named = ("--session", "work")
    engine = Selenium(profile="me")
    site = page_site("https://a.example/", _CONDITIONS)
    await policy_harvest(site, "interactive", engine=engine, command_options=named)()
    assert [call["interactive"] for call in calls] == [False, True]
    assert {call["command_options"] for call in calls} == {named}


async def test_a_session_of_another_site_is_never_kept() -> None:
    async def harvest() -> Session:
        return make_session("https://elsewhere.example")

    manager = assemble(page_site("https://a.example/"), harvest=harvest, store="memory")
    with pytest.raises(Exception, match=r"harvest: gave a session of https://elsewhere\.example"):
        await manager.get()
    await manager.aclose()
