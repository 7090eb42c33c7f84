"""``aura-browser mcp``: which sessions an agent is offered, by which names, and with which methods."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from aura_browser.agents import server, tools
from aura_browser.agents.tools import Offer
from aura_browser.cli import main
from aura_browser.store import FileStore, SessionKey
from tests.parts.sessions import make_session

WIKI, SHOP = "https://wiki.example.com", "https://shop.example.com:8443"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what the server of the tools gets, which does not start."""
    got: dict[str, Any] = {}

    class Tools:
        """Keeps what it gets."""

        def __init__(self, list_offers: Any, options: Mapping[str, Any], allowed: Any, tell: Any) -> None:  # noqa: ANN401
            got.update({"list": list_offers, "options": options, "allowed": allowed, "tell": tell})

    async def serve(_tools: object) -> None:
        got["tell"]("A \x1b word.")
        got["offers"] = await got["list"]()

    monkeypatch.setattr(tools, "SiteTools", Tools)
    monkeypatch.setattr(server, "serve", serve)
    return got


class Shown:
    """What the command returned and printed; it is not run with files, which its event loop may not write to."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Run = Callable[..., Shown]


@pytest.fixture
def run(given: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> Run:
    return lambda *words: Shown(main(["mcp", *words]), *capsys.readouterr())


def keep(store: FileStore, origin: str, name: str = "default") -> str:
    """Keep a session and return its slug."""
    key = SessionKey(origin, name)
    asyncio.run(store.save(key, make_session(origin)))
    return key.slug


def label(offers: list[Offer]) -> dict[str, str]:
    return {offer.label: offer.name for offer in offers}


def test_a_session_is_offered_by_its_sites_name_else_its_host_else_its_slug(
    run: Run, given: dict[str, Any], store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURA_BROWSER_CONFIG", str(tmp_path))
    (tmp_path / "sites.toml").write_text(f'[wiki]\nurl = "{WIKI}/"\n', "utf-8")
    keep(store, WIKI)
    keep(store, SHOP)
    two = {keep(store, "https://two.example.com", name): name for name in ("default", "work")}
    hidden = keep(store, "https://hidden.example.com", "My Work")
    (store.folder / "broken-default-0123456789ab.json").write_text("{")
    shown = run()
    assert (shown.code, shown.out) == (0, ""), shown.err
    assert label(given["offers"]) == {"wiki": "default", "shop.example.com:8443": "default"} | two
    left_out = f"{hidden} is left out: it does not tell the name of its session.\n"
    assert shown.err == f"{left_out}A \N{REPLACEMENT CHARACTER} word.\n{left_out}"


def test_only_the_sites_that_are_named_are_offered_and_more_methods_where_they_are_allowed(
    run: Run, given: dict[str, Any], store: FileStore
) -> None:
    for origin in (WIKI, SHOP):
        keep(store, origin)
    allow = ("--allow", "wiki.example.com=post,Put", "--allow", "wiki.example.com=PATCH,DELETE,OPTIONS")
    shown = run("wiki.example.com", *allow, "--refresh", "never")
    assert shown.code == 0, shown.err
    assert label(given["offers"]) == {"wiki.example.com": "default"}
    assert given["allowed"] == {"wiki.example.com": {"POST", "PUT", "PATCH", "DELETE", "OPTIONS"}}
    assert (given["options"]["refresh"], "session" in given["options"]) == ("never", False)


@pytest.mark.parametrize("text", ["wiki", "wiki=", "wiki=GET", "wiki=POST,TRACE"])
def test_what_is_no_site_with_methods_is_refused(text: str, run: Run, given: dict[str, Any]) -> None:
    shown = run("--allow", text)
    said = f"{text!r} is not SITE=METHOD, such as wiki=POST, with methods of POST, PUT, PATCH, DELETE, OPTIONS"
    assert (shown.code, given) == (2, {})
    assert shown.err.endswith(f"Error: Invalid value for '--allow': {said}\n")


@pytest.mark.parametrize("words", [("nowhere",), ("--allow", "nowhere=POST")])
def test_a_site_without_a_session_is_told_of_with_those_that_have_one(
    words: tuple[str, ...], run: Run, given: dict[str, Any], store: FileStore
) -> None:
    said = "Error: site: 'nowhere' has no session; there are: "
    assert run(*words).err.startswith(f"{said}no session yet")
    for origin in (WIKI, SHOP):
        keep(store, origin)
    shown = run(*words)
    assert (shown.code, given) == (2, {})
    assert shown.err.startswith(f"{said}shop.example.com:8443, wiki.example.com")
