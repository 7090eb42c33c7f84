"""``sessions export`` and ``import`` between programs, at a site that only takes the right cookie."""

import asyncio
import json
import stat
import time
from io import StringIO
from pathlib import Path

import click
import pytest

from aura_browser.cli.formats import FORMATS, build_dump_options, warn_of_losses, write_text
from aura_browser.formats import Dumped
from aura_browser.store import FileStore, SessionKey
from tests.parts.command import Terminal, make_terminal, run, run_here
from tests.parts.sessions import make_cookie, make_session
from tests.parts.stub_site import COOKIE, GOOD, StubSite


@pytest.fixture
def store(state_home: Path, stub: StubSite) -> FileStore:
    """A store with a login at the stub."""
    folder = FileStore(state_home / "aura-browser" / "sessions")
    session = make_session(
        stub.origin,
        url=f"{stub.origin}/members",
        cookies=(make_cookie(COOKIE, GOOD, http_only=True),),
        harvested_at=time.time(),
        is_login=True,
    )
    asyncio.run(folder.save(SessionKey(stub.origin), session))
    return folder


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "curl"])
def test_what_is_exported_is_imported_and_taken_by_the_site(
    name: str, store: FileStore, stub: StubSite, tmp_path: Path
) -> None:
    file = tmp_path / "exported"
    shown = run_here("sessions", "export", "127", "--format", name, "-o", str(file))
    assert (shown.returncode, shown.stdout) == (0, ""), shown.stderr
    assert GOOD not in shown.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shown = run_here("sessions", "import", str(file), "--url", f"{stub.origin}/members", "--session", "other")
    assert (shown.returncode, shown.stdout) == (0, ""), shown.stderr
    kept = asyncio.run(store.load(SessionKey(stub.origin, "other")))
    assert kept is not None
    assert kept.proof == "distinguished"
    if name != "session":
        assert "Recognised a" in shown.stderr or "Recognised cookies as JSON" in shown.stderr
        assert f"Taken for {stub.origin}: 1 cookie" in shown.stderr


def test_a_person_is_told_what_is_taken_of_an_own_file_and_a_program_is_not(
    store: FileStore, stub: StubSite, tmp_path: Path
) -> None:
    file = tmp_path / "session.json"
    assert run_here("sessions", "export", "127", "-o", str(file)).returncode == 0
    with Terminal("sessions", "import", str(file)) as terminal:
        terminal.read_until(f"Taken for {stub.origin}: 1 cookie, 3 headers, 1 entry of local storage")
        terminal.read_until("Kept 127.*: 1 cookie")
    assert run_here("sessions", "import", str(file)).stderr == ""


def test_losses_are_warnings(store: FileStore) -> None:
    shown = run_here("sessions", "export", "127", "--format", "netscape")
    assert shown.returncode == 0
    assert f"\t{COOKIE}\t{GOOD}\n" in shown.stdout
    assert "Warning: not in it: the headers: User-Agent, Accept-Language, sec-ch-ua\n" in shown.stderr
    assert "Warning: not in it: 1 entry of local storage\n" in shown.stderr


def test_a_cookie_without_an_end_gets_the_one_that_is_asked_for(store: FileStore) -> None:
    shown = run_here("sessions", "export", "127", "--format", "netscape", "--session-days", "3")
    ends = [int(line.split("\t")[4]) for line in shown.stdout.splitlines() if f"\t{COOKIE}\t" in line]
    assert len(ends) == 2, "one line for programs that know #HttpOnly_, one for the others"
    assert all(abs(end - time.time() - 3 * 86_400) < 60 for end in ends)


def test_what_a_file_does_not_say_is_said(store: FileStore, stub: StubSite) -> None:
    shown = run_here("sessions", "import", "-", "--url", f"{stub.origin}/members", text=f"{COOKIE}={GOOD}")
    assert shown.returncode == 0, shown.stderr
    assert "Warning: the file does not say: which hosts get its cookies" in shown.stderr
    agent = "the browser's user agent. If the site compares it, give it with --user-agent"
    assert f"Warning: the file does not say: {agent}\n" in shown.stderr
    assert f"Taken for {stub.origin}: 1 cookie, 0 headers, 0 entries of local storage.\n" in shown.stderr
    [listed] = [
        line
        for line in run_here("sessions", "show", "127").stdout.splitlines()
        if "which hosts get its cookies" in line
    ]
    assert listed.startswith("unknown")


def test_what_a_site_refuses_is_not_kept(store: FileStore, stub: StubSite) -> None:
    before = asyncio.run(store.load(SessionKey(stub.origin)))
    shown = run_here("sessions", "import", "-", "--url", f"{stub.origin}/members", text=f"{COOKIE}=s3cret-gone")
    assert shown.returncode == 77
    assert "The site refused it, so it is not kept" in shown.stderr
    assert asyncio.run(store.load(SessionKey(stub.origin))) == before


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (("export", "127", "--format", "nonsense"), "is not one of"),
        (("export", "127", "--url", "https://example.com/"), "--url is for --format curl or header"),
        (("export", "127", "--session-days", "3"), "--session-days is for --format netscape"),
        (("export", "127", "--format", "netscape", "--session-days", "nan"), "has to be a number of days"),
        (("import", "-", "--user-agent", "a\nb"), "Invalid value for '--user-agent': it is not a header's value."),
        (("import", "-", "--user-agent", " "), "Invalid value for '--user-agent': it is not a header's value."),
    ],
)
def test_wrong_usage_is_said_before_anything_is_done(store: FileStore, args: tuple[str, ...], problem: str) -> None:
    shown = run_here("sessions", *args, text="{}")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert problem in shown.stderr


def test_a_url_of_another_site_is_refused(store: FileStore) -> None:
    shown = run_here("sessions", "export", "127", "--format", "header", "--url", "https://example.org/")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "it is not of the session's site" in shown.stderr


def test_json_on_standard_output_is_json(store: FileStore) -> None:
    state = json.loads(run_here("sessions", "export", "127", "--format", "storage-state").stdout)
    assert state["cookies"][0]["value"] == GOOD


def test_what_standard_output_can_not_encode_is_refused_and_goes_to_a_file(
    store: FileStore, stub: StubSite, tmp_path: Path
) -> None:
    session = make_session(stub.origin, cookies=(make_cookie("odd", "h\u20ac"),))
    asyncio.run(store.save(SessionKey(stub.origin), session, replace=True))
    shown = run("sessions", "export", "127", "--format", "netscape", PYTHONIOENCODING="ascii")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "standard output can't encode all of it; write to a file: -o FILE" in shown.stderr
    file = tmp_path / "cookies.txt"
    assert run_here("sessions", "export", "127", "--format", "netscape", "-o", str(file)).returncode == 0
    assert "h\u20ac" in file.read_text("utf-8")


LONG = "x" * 1000


def test_what_is_lost_is_warned_of_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    warn_of_losses(Dumped("", (LONG, f"{LONG}y"), (LONG, f"{LONG}y")))
    cut = f"{LONG[:-1]}…"
    before = "Warning: not in it: "
    assert capsys.readouterr() == ("", f"{before}{LONG}\n{before}{cut}\nWarning: {LONG}\nWarning: {cut}\n")


@pytest.mark.parametrize("text", ['{"a": "\u00fc\U0001f44b"}', '["\u00fc"]', "plain"])
def test_an_output_of_few_characters_gets_json_that_means_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    write_text(text, None)
    assert stream.getvalue().isascii()
    assert stream.getvalue() == text or json.loads(stream.getvalue()) == json.loads(text)


def test_an_output_that_cannot_hold_a_text_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", StringIO())
    with pytest.raises(click.ClickException) as caught:
        write_text("name=\u00fc", None)
    assert caught.value.message == "standard output can't encode all of it; write to a file: -o FILE"


@pytest.mark.parametrize(("options", "is_warned"), [({}, True), ({"is_secret": False}, False)])
def test_who_sees_a_session_on_a_terminal_is_warned(
    options: dict[str, bool], *, is_warned: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = make_terminal(monkeypatch, "stdout")
    write_text("plain\n", None, **options)
    said = "Warning: with this text, anybody can act as you at that site. Prefer -o FILE.\n"
    assert (shown.getvalue(), capsys.readouterr().err) == ("plain\n", said if is_warned else "")


@pytest.mark.parametrize(
    ("name", "url", "days", "said"),
    [
        *((name, "https://a.example/", None, "") for name in ("curl", "header")),
        ("netscape", "https://a.example/", None, "--url is for --format curl or header."),
        ("netscape", None, 3.0, ""),
        *((name, None, 3.0, "--session-days is for --format netscape.") for name in ("curl", "session")),
        ("session", None, None, ""),
    ],
)
def test_an_option_that_a_format_has_no_use_for_is_refused(
    name: str, url: str | None, days: float | None, said: str
) -> None:
    if said:
        with pytest.raises(click.UsageError) as caught:
            build_dump_options(name, url, days)
        assert caught.value.message == said
        return
    options = build_dump_options(name, url, days)
    assert (options.url, options.session_days, abs(options.now - time.time()) < 60) == (url, days, True)
