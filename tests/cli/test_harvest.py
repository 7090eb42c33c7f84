"""``aura-browser harvest``: what it prints, says and returns for each kind of page. A browser is played."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import click
import pytest
import rich.live  # noqa: F401 - the event loop of a test can't wait for it

from aura_browser import harvests
from aura_browser.cli import harvest as harvesting
from aura_browser.cli import main, running
from aura_browser.engine import DefaultEngine
from aura_browser.errors import AuraError, BrowserNotFound, InteractionRequired, NotReady
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.store import FileStore, SessionKey
from tests.parts.command import Terminal, make_terminal, run_here
from tests.parts.sessions import make_cookie, make_session
from tests.parts.stub_site import COOKIE, GOOD, StubSite

NOWHERE = "http://127.0.0.1:9"


class PlayedBrowser:
    """Returns sessions of one page without a browser.

    Attributes:
        value: the cookie's value in the next session; None for no cookie.
        store: where they are kept.
        error: what the next harvest raises, or None.
        harvests: how many there were.
        options: what the last one was to be like.
    """

    def __init__(self, store: FileStore) -> None:
        self.store = store
        self.value: str | None = GOOD
        self.error: AuraError | None = None
        self.is_login = False
        self.harvests = 0
        self.options: dict[str, object] = {}

    def open(self, site: Site, **options: object) -> Callable[[], object]:
        self.options = options

        async def harvest() -> Session:
            self.harvests += 1
            if self.error:
                raise self.error
            cookies = () if self.value is None else (make_cookie(COOKIE, self.value, http_only=True),)
            return make_session(
                site.origin, url=site.url, cookies=cookies, harvested_at=time.time(), is_login=self.is_login
            )

        return harvest


class Shown:
    """What a command returned and printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def session(self) -> Session:
        return Session.from_json(self.out)


Run = Callable[..., Shown]


@pytest.fixture
def store(state_home: Path) -> FileStore:
    return FileStore(state_home / "aura-browser" / "sessions")


@pytest.fixture
def browser(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> PlayedBrowser:
    played = PlayedBrowser(store)
    monkeypatch.setattr(harvests, "browser_harvest", played.open)
    return played


@pytest.fixture
def run(browser: PlayedBrowser, capfd: pytest.CaptureFixture[str]) -> Run:
    def harvest(*args: str) -> Shown:
        code = main(["harvest", *args])
        shown = capfd.readouterr()
        assert "Traceback" not in shown.err
        assert "s3cret" not in shown.err
        return Shown(code, shown.out, shown.err)

    return harvest


def keep(store: FileStore, origin: str, path: str, value: str = GOOD, **facts: object) -> SessionKey:
    key = SessionKey(origin)
    cookies = (make_cookie(COOKIE, value, http_only=True),)
    session = make_session(
        origin, **({"url": f"{origin}{path}", "cookies": cookies, "harvested_at": time.time()} | facts)
    )
    asyncio.run(store.save(key, session))
    return key


def load(store: FileStore, key: SessionKey) -> Session:
    session = asyncio.run(store.load(key))
    assert session is not None
    return session


def test_a_page_without_a_login_is_open_and_in_a_pipe_nothing_is_said(stub: StubSite, run: Run) -> None:
    shown = run(f"{stub.origin}/public")
    assert (shown.code, shown.session.proof, shown.err) == (0, "open", "")


def test_on_a_terminal_one_line_says_that_anybody_gets_the_page(stub: StubSite, store: FileStore) -> None:
    keep(store, stub.origin, "/public")
    with Terminal("harvest", f"{stub.origin}/public") as terminal:
        shown = terminal.read_until("Anybody gets this page.*")
        assert terminal.process.wait(30) == 0
    assert '"proof": "open"' in shown
    assert "--probe" not in shown


@pytest.mark.parametrize(("path", "proof"), [("/public", "open"), ("/shy", "unproven")])
def test_a_login_that_is_not_proven_is_one_warning(stub: StubSite, run: Run, path: str, proof: str) -> None:
    shown = run(f"{stub.origin}{path}", "--interactive", "--until", "cookie:sid")
    assert (shown.code, shown.session.proof) == (0, proof)
    [line] = shown.err.splitlines()
    assert line.startswith("Warning: ")
    assert "--probe" in line


def test_what_cannot_be_proven_is_a_warning_without_a_person_too(stub: StubSite, run: Run) -> None:
    shown = run(f"{stub.origin}/shy")
    assert (shown.code, shown.session.proof, shown.err.count("\n")) == (0, "unproven", 1)
    assert "--probe" in shown.err


def test_a_stored_login_that_is_not_proven_is_a_warning_too(stub: StubSite, run: Run, store: FileStore) -> None:
    keep(store, stub.origin, "/public", is_login=True)
    shown = run(f"{stub.origin}/public")
    assert (shown.code, shown.session.proof, shown.err.count("\n")) == (0, "open", 1)
    assert shown.err.startswith("Warning: ")


def test_a_proven_login_says_nothing(stub: StubSite, run: Run, tmp_path: Path) -> None:
    shown = run(f"{stub.origin}/members", "--interactive", "--until", "cookie:sid", "-o", str(tmp_path / "me.json"))
    assert (shown.code, shown.out, shown.err) == (0, "", "")
    assert json.loads((tmp_path / "me.json").read_text())["proof"] == "distinguished"


def test_a_probe_proves_what_the_page_does_not_and_is_remembered(stub: StubSite, run: Run, store: FileStore) -> None:
    shown = run(f"{stub.origin}/public", "--probe", "/api/me")
    assert (shown.code, shown.session.proof, shown.session.probe, shown.err) == (0, "distinguished", "/api/me", "")
    assert load(store, SessionKey(stub.origin)).probe == "/api/me"


def test_a_probe_that_anybody_may_ask_is_a_warning(stub: StubSite, run: Run) -> None:
    shown = run(f"{stub.origin}/members", "--probe", "/public")
    assert (shown.code, shown.session.proof) == (0, "open")
    assert shown.err.startswith("Warning: /public is answered alike")


@pytest.mark.parametrize("probe", ["api/me", "//elsewhere/x", "https://elsewhere/x", "", "/a b", "/a\nb"])
def test_what_is_no_path_is_no_probe(stub: StubSite, run: Run, probe: str) -> None:
    shown = run(f"{stub.origin}/public", "--probe", probe)
    assert (shown.code, shown.out) == (2, "")


def test_a_login_page_gives_the_command_to_log_in_and_keeps_what_is_stored(
    stub: StubSite, run: Run, store: FileStore
) -> None:
    key = keep(store, stub.origin, "/members", proof="distinguished", is_login=True)
    before = load(store, key)
    shown = run(f"{stub.origin}/login", "--fresh", "--session", "default", "--probe", "/login")
    assert (shown.code, shown.out) == (77, "")
    [line] = shown.err.splitlines()
    assert line.startswith(f"Error: {stub.origin}/login asks for a login or a check")
    assert f"Run: aura-browser harvest {stub.origin}/login --interactive --probe /login" in line
    assert load(store, key) == before


def test_the_cached_session_is_proven_before_it_is_printed(
    stub: StubSite, run: Run, browser: PlayedBrowser, store: FileStore
) -> None:
    key = keep(store, stub.origin, "/members")
    shown = run(f"{stub.origin}/members")
    assert (shown.code, shown.session.proof, shown.err) == (0, "distinguished", "")
    assert browser.harvests == 0
    assert load(store, key).proof == "distinguished"


def test_a_profile_that_was_not_opened_is_named(run: Run, browser: PlayedBrowser, stub: StubSite) -> None:
    said = "The profile was not opened: the site takes the cached session. --fresh opens it."
    for options, is_said in ((("--profile", "me"), False), (("--profile", "me"), True), ((), False)):
        shown = run(f"{stub.origin}/members", *options)
        assert shown.code == 0
        assert (said in shown.err) is is_said
    assert browser.harvests == 1


def test_a_cached_session_that_is_refused_is_renewed(
    stub: StubSite, run: Run, browser: PlayedBrowser, store: FileStore
) -> None:
    keep(store, stub.origin, "/members", "gone")
    shown = run(f"{stub.origin}/members")
    assert (shown.code, browser.harvests) == (0, 1)
    assert shown.session.cookies[0].value == GOOD


@pytest.mark.parametrize("expires_at", [None, 1.0])
@pytest.mark.parametrize(
    "cause",
    [
        (BrowserNotFound("Chrome", ("PATH",), "Install it."), 69),
        (NotReady("http://x/", 200, 60.0, ("load",)), 77),
        (InteractionRequired("A window is needed.", "aura-browser harvest"), 77),
    ],
)
def test_a_cached_session_that_cannot_be_renewed_is_the_cause(
    stub: StubSite, run: Run, browser: PlayedBrowser, cause: tuple[AuraError, int], expires_at: float | None
) -> None:
    keep(browser.store, stub.origin, "/members", "gone", expires_at=expires_at)
    browser.error, code = cause
    shown = run(f"{stub.origin}/members")
    assert (shown.code, shown.out) == (code, "")
    assert shown.err == f"Error: {cause[0]}\n"


@pytest.mark.parametrize("expires_at", [None, 1.0])
def test_a_site_that_is_away_is_no_reason_for_a_browser(
    run: Run, browser: PlayedBrowser, store: FileStore, expires_at: float | None
) -> None:
    key = keep(store, NOWHERE, "/", expires_at=expires_at)
    shown = run(f"{NOWHERE}/")
    assert (shown.code, shown.out, browser.harvests) == (75, "", 0)
    assert shown.err.startswith(f"Error: No answer from {NOWHERE}/")
    assert load(store, key).cookies


def test_a_login_is_not_replaced_by_what_is_not_proven_unless_a_person_says_so(
    stub: StubSite, run: Run, browser: PlayedBrowser, store: FileStore
) -> None:
    key = keep(store, stub.origin, "/public", proof="distinguished", is_login=True)
    before = load(store, key)
    browser.value = "anonymous"
    shown = run(f"{stub.origin}/public", "--fresh")
    assert (shown.code, shown.out) == (77, "")
    assert "is not proven to be a login" in shown.err
    assert load(store, key) == before
    shown = run(f"{stub.origin}/public", "--replace", "--interactive", "--until", "cookie:sid")
    assert shown.code == 0
    assert load(store, key).cookies[0].value == "anonymous"
    assert asyncio.run(store.read(f"{key.slug}.previous")) is not None


def test_an_earlier_failure_holds_back_a_script_and_no_person(
    stub: StubSite, run: Run, browser: PlayedBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.error = NotReady("http://x/", 200, 60.0, ("load",))
    assert run(f"{stub.origin}/members").code == 77
    browser.error = None
    for new in ((), ("--fresh",)):
        shown = run(f"{stub.origin}/members", *new)
        assert (shown.code, shown.out) == (75, "")
        assert "No new harvest for another" in shown.err
    monkeypatch.setattr(harvesting, "has_person", lambda: True)
    assert run(f"{stub.origin}/members", "--session", "default").code == 0
    assert run(f"{stub.origin}/members", "--fresh").code == 0
    assert browser.harvests == 3


def test_an_earlier_failure_does_not_hold_back_a_window(stub: StubSite, run: Run, browser: PlayedBrowser) -> None:
    browser.error = NotReady("http://x/", 200, 60.0, ("load",))
    assert run(f"{stub.origin}/members").code == 77
    browser.error = None
    assert run(f"{stub.origin}/members", "--interactive", "--until", "cookie:sid").code == 0


def test_a_person_has_a_terminal_for_input_and_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    for has_input, has_messages in ((True, True), (True, False), (False, True)):
        monkeypatch.setattr("sys.stdin.isatty", lambda value=has_input: value)
        monkeypatch.setattr("sys.stderr.isatty", lambda value=has_messages: value)
        assert running.has_person() is (has_input and has_messages)


@pytest.mark.parametrize(
    "words",
    [("--fresh",), ("--replace",), ("--interactive",), ("--until", "cookie:sid"), ("--basic",), ("--attach", "chrome")],
    ids=lambda words: words[0],
)
def test_a_cached_session_is_not_what_was_asked_for(
    words: tuple[str, ...], stub: StubSite, run: Run, browser: PlayedBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURA_BROWSER_BASIC", "ann:pass")
    keep(browser.store, stub.origin, "/members")
    assert run(f"{stub.origin}/members", *words).code == 0
    assert browser.harvests == 1


def test_the_browser_is_as_the_options_say(
    stub: StubSite, run: Run, browser: PlayedBrowser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AURA_BROWSER_BASIC", "ann:pass")
    words = ("--interactive", "--timeout", "7", "--basic", "--profile", "me", "--session", "work", "--format", "curl")
    assert run(f"{stub.origin}/members", *words, "-o", str(tmp_path / "me")).code == 0
    del browser.options["on_wait"]
    named = ("--profile", "me", "--session", "work", "-o", str(tmp_path / "me"), "--format", "curl")
    assert browser.options == {
        "engine": DefaultEngine(profile="me"),
        "proxy": None,
        "interactive": True,
        "timeout_s": 7.0,
        "basic": "ann:pass",
        "command_options": named,
    }
    assert run(f"{stub.origin}/members", "--fresh", "-o", "/dev/null").code == 0
    del browser.options["on_wait"]
    plain = {"engine": None, "proxy": None, "interactive": False, "timeout_s": None, "basic": None}
    assert browser.options == plain | {"command_options": ()}


def test_a_proxy_is_the_browsers_too(run: Run, browser: PlayedBrowser) -> None:
    browser.error = InteractionRequired("Enough.", "aura-browser harvest")
    assert run(NOWHERE, "--proxy", "http://127.0.0.1:9").code == 77
    assert browser.options["proxy"] == "http://127.0.0.1:9"


def test_a_named_sites_command_has_what_was_typed_besides(
    stub: StubSite, run: Run, browser: PlayedBrowser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AURA_BROWSER_CONFIG", str(tmp_path))
    definition = f'[mine]\nurl = "{stub.origin}/login"\nuntil = ["cookie:sid"]\nprobe = "/login"\n'
    (tmp_path / "sites.toml").write_text(definition, "utf-8")
    shown = run("mine", "--fresh", "--until", "cookie:sid", "--until", "text:Hi", "--probe", "/login?x")
    said = "aura-browser harvest mine --interactive --until cookie:sid --until text:Hi --probe '/login?x'"
    assert (shown.code, shown.out, shown.err.rstrip().endswith(said)) == (77, "", True), shown.err
    assert run("mine", "--fresh", "--session", "b").err.rstrip().endswith("harvest mine --interactive --session b")


@pytest.mark.parametrize(
    ("words", "doing"), [((), "Chrome is at"), (("--interactive", "--until", "cookie:sid"), "Chrome waits for you at")]
)
def test_a_person_sees_where_the_browser_is(
    words: tuple[str, ...], doing: str, stub: StubSite, browser: PlayedBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = make_terminal(monkeypatch, "stderr")
    monkeypatch.setattr(sys, "stdout", StringIO())
    code = main(["harvest", f"{stub.origin}/public", "--fresh", *words, "-o", "/dev/null"])
    assert code == 0, shown.getvalue()
    text = " ".join(click.unstyle(shown.getvalue()).split())
    assert f"{doing} {stub.origin}/public" in text
    assert f"The session of {stub.origin}: 1 cookie (sid)" in text
    assert ("Anybody gets this page" in text) is (not words)
    assert "and in" not in text


def test_a_new_harvest_is_proven_once(stub: StubSite, run: Run) -> None:
    assert run(f"{stub.origin}/members").code == 0
    assert len(stub.server.seen) == 2  # with the session, and without it


@pytest.mark.usefixtures("shared_chrome")
@pytest.mark.chrome
@pytest.mark.parametrize("path", ["/members", "/login"])
def test_a_login_page_in_a_real_browser(stub: StubSite, store: FileStore, path: str) -> None:
    shown = run_here("harvest", f"{stub.origin}{path}")
    assert (shown.returncode, shown.stdout) == (77, ""), shown.stderr
    assert f"aura-browser harvest {stub.origin}{path} --interactive" in shown.stderr
    assert asyncio.run(store.session_slugs()) == []
