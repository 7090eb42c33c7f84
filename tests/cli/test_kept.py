"""What a harvest says at its end: names and counts of what is kept, and where."""

import time
from pathlib import Path

import pytest

from aura_browser.cli import kept
from aura_browser.cli.kept import report_kept
from aura_browser.session import Session
from aura_browser.site import openchat_site, page_site
from aura_browser.store import SessionKey
from tests.parts.command_lines import parse_command
from tests.parts.sessions import make_cookie, make_session

ORIGIN = "https://a.example"
SLUG = SessionKey(ORIGIN).slug


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the person's home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def show(
    kept_one: Session, capsys: pytest.CaptureFixture[str], output: Path | None = None, **options: object
) -> list[str]:
    site = openchat_site(f"{ORIGIN}/") if kept_one.dialect else page_site(f"{ORIGIN}/")
    report_kept(site, kept_one, {"session": "default", **options}, now=0.0, output=output)  # type: ignore[typeddict-item]
    out, err = capsys.readouterr()
    assert out == ""
    return str(err).splitlines()


@pytest.mark.parametrize(
    ("names", "values", "said"),
    [
        ([], {}, "0 cookies, 0 stored values."),
        (["sid"], {"a": "1"}, "1 cookie (sid), 1 stored value."),
        (["sid", ""], {"a": "1", "b": "2"}, "2 cookies (sid, (no name)), 2 stored values."),
        (list("abcdefgh"), {}, "8 cookies (a, b, c, d, e, f, g, h), 0 stored values."),
        (list("abcdefghi"), {}, "9 cookies (a, b, c, d, e, f, g, h, … 1 more), 0 stored values."),
    ],
)
def test_the_cookies_are_counted_and_the_first_eight_named(
    names: list[str], values: dict[str, str], said: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = make_session(ORIGIN, cookies=tuple(map(make_cookie, names)), local_storage=values)
    assert show(session, capsys)[0] == f"The session of {ORIGIN}: {said}"


def test_all_of_it_is_said_line_by_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(make_session(ORIGIN, expires_at=7200.0), capsys, home / "me.json")[1:] == [
        f"  kept in  ~/state/aura-browser/sessions/{SLUG}.json",
        "  and in   ~/me.json",
        "  proof    unproven (nothing is known that proves it)",
        "  expires  in 2 h, as far as its cookies say",
        f"  use it   SiteClient('{ORIGIN}/')",
        f"  see it   aura-browser sessions show {SLUG}",
    ]


def test_of_a_chat_site_it_is_said_how_to_ask(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = show(make_session(ORIGIN, dialect="openchat-ui"), capsys)
    assert shown[-3:] == [
        f"  use it   AuraClient('{ORIGIN}/')",
        f"           aura-browser chat --url {ORIGIN}/",
        f"  see it   aura-browser sessions show {SLUG}",
    ]
    for line in shown[-2:]:
        parse_command(line[11:].split())


@pytest.mark.parametrize(
    ("store", "place"),
    [
        ("memory", "memory"),
        ("redis://cache.example/1", "redis://cache.example/1"),
        ("/srv/kept", f"/srv/kept/{SLUG}.json"),
        ("memory/deep", f"memory/deep/{SLUG}.json"),
    ],
)
def test_the_place_is_the_store_that_was_given(
    store: str, place: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show(make_session(ORIGIN), capsys, store=store)[1] == f"  kept in  {place}"


def test_what_only_begins_like_the_home_is_not_shortened(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = f"{home}-other"
    assert show(make_session(ORIGIN), capsys, store=place)[1] == f"  kept in  {place}/{SLUG}.json"
    monkeypatch.setattr(kept, "store_has_failed", lambda: True)
    assert show(make_session(ORIGIN), capsys)[1] == "  kept in  nowhere else, since the cache can't be written"


@pytest.mark.parametrize("dialect", ["", "openchat-ui"])
def test_another_session_is_named_everywhere(dialect: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = show(make_session(ORIGIN, dialect=dialect, harvested_at=time.time()), capsys, session="work")
    slug = SessionKey(ORIGIN, "work").slug
    assert lines[1] == f"  kept in  ~/state/aura-browser/sessions/{slug}.json"
    assert lines[3].endswith(f"Client('{ORIGIN}/', session='work')")
    assert lines[-1] == f"  see it   aura-browser sessions show {slug}"
