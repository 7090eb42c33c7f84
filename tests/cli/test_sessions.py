"""The command ``aura-browser sessions``, as people run it: in a process of its own."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from cryptography.fernet import Fernet

from aura_browser.cli.sessions import view
from aura_browser.cli.sessions.catalogue import Entry, choose, find_set_aside, read_entries
from aura_browser.cli.sessions.checking import Checked
from aura_browser.errors import StoreError
from aura_browser.playground import Playground, serve_in_thread
from aura_browser.session import Session
from aura_browser.store import FileStore, SessionKey
from aura_browser.store.encrypted import KEY_VARIABLE, encrypt_at_rest
from tests.parts.command import Terminal, run, run_here
from tests.parts.harvests import Harvests
from tests.parts.sessions import make_cookie, make_session

Start = Callable[..., Playground]
A = SessionKey("https://a.example.com")
B = SessionKey("https://b.example.com:8443", "work")


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as exits:
        yield lambda gate: exits.enter_context(serve_in_thread(gate))


def keep(store: FileStore, key: SessionKey, **facts: object) -> Session:
    session = make_session(key.origin, **{"harvested_at": time.time() - 7300, **facts})
    asyncio.run(store.save(key, session))
    return session


def keep_harvested(store: FileStore, site: Playground) -> tuple[SessionKey, Session]:
    """Log in at *site* over HTTP and cache the session."""
    key, session = SessionKey(site.origin), asyncio.run(Harvests(site)())
    asyncio.run(store.save(key, session))
    return key, session


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def sessions(*args: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    shown = run_here("sessions", *args, **environment)
    assert "s3cret" not in shown.stdout + shown.stderr
    assert "Traceback" not in shown.stderr
    return shown


def interrupted(process: "subprocess.Popen[bytes]") -> int:
    """Press Ctrl-C, again if nothing happens: Python overlooks it just before it begins to read; return the code."""
    for _ in range(20):
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            return process.wait(2)
    raise AssertionError("Ctrl-C does not end it")


def test_an_entry_has_a_session_or_a_problem(store: FileStore) -> None:
    session = keep(store, A)
    asyncio.run(store.swap("damaged", None, b"{"))
    good, damaged = asyncio.run(read_entries(store))
    assert (good.slug, good.session, good.problem) == (A.slug, session, "")
    assert (damaged.slug, damaged.session) == ("damaged", None)
    assert "JSON" in damaged.problem


def test_the_list_tells_what_there_is_and_changes_nothing(store: FileStore) -> None:
    keep(store, A, expires_at=time.time() + 7260, verified_at=time.time() - 61)
    session = keep(store, B, expires_at=time.time() - 1)
    asyncio.run(store.swap("budget-0123456789ab", None, b"{}"))
    asyncio.run(store.swap(f"{A.slug}.previous", None, b"{}"))
    asyncio.run(store.swap("damaged", None, b'{"s3cret'))
    before = contents(store.folder)
    shown = sessions("list")
    assert (shown.returncode, shown.stderr) == (0, "")
    heading, first, second, third = shown.stdout.splitlines()
    assert heading.split() == ["SLUG", "ORIGIN", "AGE", "EXPIRES", "COOKIES", "PROOF", "VERIFIED", "FINGERPRINT"]
    fingerprint = make_session(A.origin).fingerprint
    assert first.split("  ")[0] == A.slug
    assert " ".join(first.split()[1:]) == f"{A.origin} 2 h in 2 h 1 unproven 1 min ago {fingerprint}"
    assert " ".join(second.split()) == f"{B.slug} {B.origin} 2 h expired 1 unproven - {session.fingerprint}"
    assert third.split("  ")[0] == "damaged"
    assert "can't be read: Not a session: malformed JSON" in third
    assert heading.index("AGE") == first.index("2 h") == second.index("2 h")
    assert contents(store.folder) == before


def test_the_list_as_json(store: FileStore) -> None:
    session = keep(store, A, expires_at=time.time() + 60)
    asyncio.run(store.swap("damaged", None, b'{"s3cret'))
    shown = sessions("list", "--json", "--store", str(store.folder))
    assert json.loads(shown.stdout) == [
        {
            "slug": A.slug,
            "origin": A.origin,
            "state": "unproven",
            "harvested_at": session.harvested_at,
            "expires_at": session.expires_at,
            "verified_at": None,
            "proof": "unproven",
            "login": "no",
            "generation": 0,
            "cookies": 1,
            "fingerprint": session.fingerprint,
        },
        {"slug": "damaged", "state": None, "problem": "Not a session: malformed JSON. Harvest a new session."},
    ]


def test_the_list_says_the_state_of_the_last_proof(store: FileStore) -> None:
    facts: dict[str, dict[str, object]] = {
        "a": {"proof": "distinguished"},
        "b": {"proof": "open"},
        "c": {"proof": "distinguished", "expires_at": 1.0},
    }
    for name, each in facts.items():
        asyncio.run(store.save(SessionKey("http://127.0.0.1:1", name), make_session("http://127.0.0.1:1", **each)))
    listed = json.loads(sessions("list", "--json").stdout)
    assert [each["state"] for each in listed] == ["valid", "open", "expired"]


def test_an_empty_store_is_an_empty_table_and_is_not_made(store: FileStore) -> None:
    shown = sessions("list")
    assert (shown.returncode, len(shown.stdout.splitlines()), shown.stderr) == (0, 1, "")
    assert sessions("list", "--json").stdout == "[]\n"
    assert (sessions("check").returncode, sessions("clean").returncode) == (0, 0)
    assert not store.folder.exists()
    with Terminal("sessions", "list") as terminal:
        terminal.read_until("Get one with: aura-browser harvest")


def test_a_foreign_name_cannot_steer_the_terminal(store: FileStore) -> None:
    keep(store, A)
    (store.folder / "evil\x1b[31m\u202e.json").write_bytes(b"{}")
    for args in (("list",), ("check",), ("show", "none"), ("show", "evil"), ("clean",)):
        shown = sessions(*args)
        assert "\x1b" not in shown.stdout + shown.stderr
        assert "\u202e" not in shown.stdout + shown.stderr


def test_show_tells_names_and_places_and_no_values(store: FileStore) -> None:
    cookie = make_cookie(
        "sid", domain="b.example.com", secure=True, http_only=True, same_site="Lax", expires=time.time() + 90
    )
    keep(
        store,
        B,
        cookies=(cookie, make_cookie("theme", domain="example.com", host_only=False, path="/x")),
        url=f"{B.origin}/chat?token=s3cret#s3cret",
        proxy="http://me:s3cret@proxy:8080",
        verified_at=time.time() - 61,
        proof="open",
        probe="/api/me?token=s3cret",
        is_login=None,
        generation=3,
    )
    shown = sessions("show", "b.exa")
    assert (shown.returncode, shown.stderr) == (0, "")
    facts = [line.split(maxsplit=1) for line in shown.stdout.splitlines()]
    assert ["slug", B.slug] in facts
    assert ["url", f"{B.origin}/chat"] in facts
    assert ["proxy", "http://me@proxy:8080"] in facts
    assert ["browser", "chrome 1.2.3"] in facts
    assert ["headers", "User-Agent, Accept-Language, sec-ch-ua"] in facts
    assert ["cookie", "sid b.example.com / host-only secure httpOnly sameSite=Lax expires in 1 min"] in facts
    assert ["cookie", "theme example.com /x"] in facts
    assert ["local", "storage  theme"] in facts
    assert ["verified", "1 min ago"] in facts
    assert ["proof", "open (anybody gets the same answer)"] in facts
    assert ["probe", "/api/me"] in facts
    assert ["login", "unknown"] in facts
    assert ["generation", "3"] in facts


@pytest.mark.parametrize("proxy", ["me:s3cret@proxy:8080", "http://[s3cret", "s3cret"])
def test_a_proxy_that_is_no_url_is_neither_stored_nor_shown(store: FileStore, proxy: str) -> None:
    with pytest.raises(StoreError, match="not the URL of a proxy") as caught:
        keep(store, A, proxy=proxy)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", [B.slug, B.slug[:4], "b.example.com:84", "https://b.", f"{B.origin}/app?x=1"])
def test_a_beginning_is_enough(store: FileStore, name: str) -> None:
    for key in (A, B):
        keep(store, key)
    assert B.slug in sessions("show", name).stdout


def test_the_name_of_a_site_stands_for_its_session(store: FileStore, tmp_path: Path) -> None:
    keep(store, A)
    folder = tmp_path / "config" / "aura-browser"
    folder.mkdir(parents=True)
    (folder / "sites.toml").write_text(f'[mine]\nurl = "{A.origin}/"\n', "utf-8")
    assert A.slug in sessions("show", "mine").stdout
    assert sessions("show", "yours").returncode == 1


def test_a_name_that_tells_none_or_several_lists_what_there_is(store: FileStore) -> None:
    other = SessionKey(A.origin, "work")
    for key in (A, B, other):
        keep(store, key)
    for command in ("show", "check", "rm"):
        unknown = sessions(command, "c.example.com")
        assert (unknown.returncode, unknown.stdout, unknown.stderr.count("\n")) == (1, "", 1)
        assert all(key.slug in unknown.stderr for key in (A, B, other))
        several = sessions(command, "a.ex")
        assert (several.returncode, several.stdout, several.stderr.count("\n")) == (1, "", 1)
        assert A.slug in several.stderr
        assert other.slug in several.stderr
        assert B.slug not in several.stderr
    assert len(contents(store.folder)) == 4  # with the store's own lock


def test_check_tells_valid_from_refused_and_keeps_what_was_rotated(start: Start, store: FileStore) -> None:
    good, bad = start("login-401"), start("login-401")
    (good_key, session), (bad_key, _) = keep_harvested(store, good), keep_harvested(store, bad)
    bad.revoke_all()
    before = asyncio.run(store.read(bad_key.slug))
    shown = sessions("check")
    assert (shown.returncode, shown.stderr) == (77, "")
    lines = dict(line.split("  ", 1) for line in shown.stdout.splitlines())
    assert lines[good_key.slug] == "valid"
    assert lines[bad_key.slug].startswith("refused: ")
    assert asyncio.run(store.read(bad_key.slug)) == before
    proven = asyncio.run(store.load(good_key))
    assert proven is not None
    assert proven.verified_at is not None
    assert abs(proven.verified_at - time.time()) < 30
    assert (proven.proof, proven.lineage) == ("distinguished", session.lineage)
    assert proven.cookies[0].name == session.cookies[0].name
    one = sessions("check", good_key.slug)
    assert (one.returncode, one.stdout) == (0, f"{good_key.slug}  valid\n")


def test_check_does_not_call_refused_what_no_site_refused(start: Start, store: FileStore) -> None:
    key = SessionKey("http://127.0.0.1:9")
    keep(store, key)
    asyncio.run(store.swap("damaged", None, b"{}"))
    shown = sessions("check")
    assert shown.returncode == 75
    assert f"{key.slug}  unreachable: No answer from {key.origin}" in shown.stdout
    assert "can't be read: Not a session" in shown.stdout


def test_encrypted_sessions_are_read_with_the_key_and_left_alone_without(start: Start, store: FileStore) -> None:
    site = start("login-401")
    key, session = SessionKey(site.origin), asyncio.run(Harvests(site)())
    made = Fernet.generate_key().decode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, made)
        asyncio.run(encrypt_at_rest(store).save(key, session))
    value = asyncio.run(store.read(key.slug))
    for args in (("list",), ("check",), ("show", key.slug), ("clean",)):
        shown = sessions(*args)
        assert shown.returncode == {"check": 1, "show": 1}.get(args[0], 0)
        assert args[0] == "clean" or f"{KEY_VARIABLE}: is not set" in shown.stdout + shown.stderr
    assert asyncio.run(store.read(key.slug)) == value
    assert site.origin in sessions("list", **{KEY_VARIABLE: made}).stdout
    assert sessions("check", **{KEY_VARIABLE: made}).stdout == f"{key.slug}  valid\n"
    assert (asyncio.run(store.read(key.slug)) or b"").startswith(b"aura-browser-encrypted-2 ")
    malformed = sessions("list", **{KEY_VARIABLE: "s3cret"})
    assert (malformed.returncode, malformed.stdout) == (78, "")
    assert KEY_VARIABLE in malformed.stderr
    assert sessions("rm", key.slug).returncode == 0
    assert asyncio.run(store.slugs()) == ()


def test_rm_removes_what_is_named_with_its_previous(store: FileStore) -> None:
    for key in (A, A, B):
        keep(store, key)
    assert len(asyncio.run(store.slugs())) == 3
    shown = sessions("rm", "a.example.com", A.slug)
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")
    assert asyncio.run(store.slugs()) == (B.slug,)
    with Terminal("sessions", "rm", B.slug) as terminal:
        terminal.read_until(f"Removed {B.slug}")


def test_rm_all_asks_a_person_and_needs_yes_elsewhere(store: FileStore) -> None:
    for key in (A, A, B):
        keep(store, key)
    asyncio.run(store.swap("budget-0123456789ab", None, b"{}"))
    asyncio.run(store.swap("damaged", None, b"{}"))
    asyncio.run(store.set_aside("damaged"))
    before = contents(store.folder)
    shown = sessions("rm", "--all")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "--yes" in shown.stderr
    with Terminal("sessions", "rm", "--all") as terminal:
        terminal.read_until("Remove all sessions")
        terminal.type("n\n")
        assert terminal.process.wait(20) == 1
    with Terminal("sessions", "rm", "--all") as terminal:
        terminal.read_until("Remove all sessions")
        assert interrupted(terminal.process) == 130
    assert contents(store.folder) == before
    with Terminal("sessions", "rm", "--all") as terminal:
        terminal.read_until("Remove all sessions")
        terminal.type("y\n")
        terminal.read_until("Removed damaged.corrupt")
        assert terminal.process.wait(20) == 0
    assert set(contents(store.folder)) == {"budget-0123456789ab.json", ".swap"}
    assert sessions("rm", "--all", "--yes").returncode == 0


@pytest.mark.parametrize(
    "args", [("rm",), ("rm", "--all", "x"), ("show",), ("other",), ("list", "--store", "redis://")]
)
def test_wrong_usage_is_exit_code_2(args: tuple[str, ...]) -> None:
    shown = sessions(*args)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "Error" in shown.stderr


def test_a_store_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shown = sessions("clean", "--store", str(tmp_path / "file"))
    assert shown.returncode in {0, 1}
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert "Traceback" not in sessions("list", "--store", str(loop)).stderr


def test_clean_removes_what_is_of_no_use(store: FileStore) -> None:
    gone = SessionKey("https://gone.example.com")
    for key in (gone, gone, A, A, B, B):
        keep(store, key, expires_at=time.time() - 1 if key is A else None)
    asyncio.run(store.swap(gone.slug, asyncio.run(store.read(gone.slug)), None))
    asyncio.run(store.swap("damaged", None, b"{}"))
    before = contents(store.folder)
    expected = f"{A.slug}\n{A.slug}.previous\n{gone.slug}.previous\n"
    for args in (("clean", "--dry-run"), ("clean",)):
        assert contents(store.folder) == before
        shown = sessions(*args)
        assert (shown.returncode, shown.stdout, shown.stderr) == (0, expected, "")
    assert asyncio.run(store.slugs()) == (B.slug, f"{B.slug}.previous", "damaged")


def test_clean_keeps_a_login_that_its_site_renews_by_a_request(store: FileStore) -> None:
    with serve_in_thread("login-401") as site:  # which refuses the session itself
        key = SessionKey(site.origin)
        keep(store, key, expires_at=time.time() - 1, is_login=True, proof="distinguished")
        config = Path(os.environ["XDG_CONFIG_HOME"], "aura-browser")
        config.mkdir(parents=True)
        definition = f'[home]\nurl = "{site.origin}/"\nprobe = "/me"\n'
        (config / "sites.toml").write_text(f'{definition}\n[home.refresh_request]\npost = "/refresh"\n', "utf-8")
        assert sessions("clean").stdout == ""
        (config / "sites.toml").write_text(definition, "utf-8")
        assert sessions("clean").stdout == f"{key.slug}\n"


def test_what_is_set_aside_is_kept_for_a_while(store: FileStore) -> None:
    asyncio.run(store.swap("damaged", None, b"{}"))
    os.utime(store.folder / "damaged.json", (0, 0))
    asyncio.run(store.set_aside("damaged"))
    now = time.time()
    assert find_set_aside(encrypt_at_rest(store), now - 60) == []
    assert [file.name for file in find_set_aside(encrypt_at_rest(store), now + 60)] == ["damaged.corrupt"]
    assert sessions("clean").stdout == ""


def test_help_teaches_by_example() -> None:
    for args in ((), ("list",), ("show",), ("check",), ("rm",), ("clean",)):
        shown = sessions(*args, "--help")
        assert shown.returncode == 0
        assert "\n  aura-browser sessions " in shown.stdout


def test_a_session_from_another_machine_is_kept_once_its_site_takes_it(
    store: FileStore, start: Start, tmp_path: Path
) -> None:
    site = start("login-401")
    file = tmp_path / "session.json"
    file.write_text(asyncio.run(Harvests(site)()).to_json())
    shown = sessions("import", str(file), "--session", "work")
    assert (shown.returncode, shown.stdout) == (0, ""), shown.stderr
    kept = asyncio.run(store.load(SessionKey(site.origin, "work")))
    assert kept is not None
    assert kept.verified_at is not None
    assert run("chat", "--url", site.origin, "--session", "work", "--refresh", "never", "hello").stdout == "hello\n"
    site.revoke_all()
    refused = sessions("import", str(file), "--session", "other")
    assert refused.returncode == 77
    assert "refused" in refused.stderr
    assert asyncio.run(store.load(SessionKey(site.origin, "other"))) is None


def test_what_is_no_session_is_not_imported(store: FileStore, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"cookies": [{"name": "a", "value": "s3cret"}]}')
    shown = sessions("import", str(tmp_path / "x.json"))
    assert shown.returncode == 1
    assert "it holds no cookies that can be kept; 1 that no browser would keep as cookies: a." in shown.stderr
    assert "s3cret" not in shown.stderr
    assert asyncio.run(store.slugs()) == ()
    assert sessions("import", str(tmp_path / "nowhere.json")).returncode == 2


def test_what_a_name_stands_for() -> None:
    entries = [Entry("ab"), Entry("abc"), Entry("b")]
    assert choose(entries, "ab") == entries[0]
    told = {
        "a": "'a' matches more than one session: ab, abc",
        "https://x.example": "'https://x.example' matches no session; there are: ab, abc, b",
    }
    for name, problem in told.items():
        with pytest.raises(click.ClickException) as caught:
            choose(entries, name)
        assert caught.value.message == problem
    with pytest.raises(click.ClickException, match=r"^'a' matches no session; there are: no sessions$"):
        choose([], "a")
    with pytest.raises(click.UsageError, match="name is empty"):  # of a variable that is not set
        choose(entries[:1], "")


def test_a_session_is_described_by_all_but_its_values() -> None:
    cookies = (
        make_cookie("", "s3cret", expires=1000.0),
        make_cookie("b", partition_key="https://b.example", host_only=False, domain="b.example", expires=1001.0),
    )
    session = make_session(A.origin, cookies=cookies, unknown=("user_agent",), is_login=True, expires_at=None)
    assert view.describe("mine", session, 1000.0) == [
        ("slug", "mine"),
        ("origin", "https://a.example.com"),
        ("url", "https://a.example.com/"),
        ("proxy", "-"),
        ("browser", "chrome 1.2.3"),
        ("user agent", "Chrome/1 test"),
        ("headers", "User-Agent, Accept-Language, sec-ch-ua"),
        ("unknown", "the browser's user agent"),
        ("harvested", "0 s ago"),
        ("verified", "-"),
        ("proof", "unproven (nothing is known that proves it)"),
        ("probe", "-"),
        ("login", "yes"),
        ("generation", "0"),
        ("expires", "-"),
        ("fingerprint", session.fingerprint),
        ("cookie", "(no name) 127.0.0.1 / host-only expires expired"),
        ("cookie", "b b.example / partition=https://b.example expires in 1 s"),
        ("local storage", "theme"),
    ]


def test_a_long_problem_is_cut_at_a_thousand_characters() -> None:
    checked = Checked(Entry("s"), None, "x" * 1001)
    assert view.format_state(checked, 3) == f"s    can't be read: {'x' * 999}\u2026"
    assert view.align([("a", "b"), ("x" * 1001,), ("long", "c", "d")]) == [
        "a     b",
        "x" * 999 + "\u2026",
        "long  c  d",
    ]


def test_json_is_for_people_too(store: FileStore) -> None:
    asyncio.run(store.swap("damaged", None, b"{"))
    for command in ("list", "check"):
        assert sessions(command, "--json").stdout.startswith('[\n  {\n    "slug": "damaged",\n    "state": null,\n')


@pytest.mark.parametrize(("later_s", "names"), [(7 * 86_400 - 60, ""), (7 * 86_400 + 60, "damaged.corrupt\n")])
def test_what_is_set_aside_is_removed_after_a_week(
    store: FileStore, monkeypatch: pytest.MonkeyPatch, later_s: float, names: str
) -> None:
    asyncio.run(store.swap("damaged", None, b"{}"))
    asyncio.run(store.set_aside("damaged"))
    now = time.time() + later_s
    monkeypatch.setattr("aura_browser.cli.sessions.commands.time", SimpleNamespace(time=lambda: now))
    assert sessions("clean").stdout == names
