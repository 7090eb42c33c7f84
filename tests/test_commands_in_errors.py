"""The commands that errors carry: click understands each, and each names what is in force."""

import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from click.testing import CliRunner
from cryptography.fernet import Fernet

from aura_browser import (
    Attach,
    AttachChrome,
    Condition,
    Grid,
    Selenium,
    SessionOptions,
    Undetected,
    assemble,
    openchat_site,
    page_site,
)
from aura_browser.assembly import open_store
from aura_browser.cli import cli
from aura_browser.cli.kept import report_kept
from aura_browser.client import SiteClient
from aura_browser.errors import InteractionRequired, LoginNeeded, NotReady, SessionRefused, SessionUnreadable
from aura_browser.harvests import policy_harvest
from aura_browser.session import Session
from aura_browser.site import Probe, Site
from aura_browser.site.commands import describe_hidden, list_options, replace_output
from aura_browser.store import FileStore, MemoryStore, SessionKey
from aura_browser.store.redis import RedisStore
from tests.parts.command_lines import parse_command
from tests.parts.servers import serving
from tests.parts.sessions import make_cookie, make_session

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
        {"store": "redis://cache.example/1", "output": "my session.json"},
        {"engine": Selenium(sandbox=False)},
        {"engine": Undetected(sandbox=True)},
    ],
    ids=lambda options: " ".join(options) or "none",
)
def test_each_command_can_be_pasted(site: object, options: dict[str, object]) -> None:
    for how in ("--interactive", "--basic"):
        command = site.login_command(*list_options(**options), how=how)  # type: ignore[attr-defined,arg-type]
        assert parse_command(shlex.split(command)) == "harvest"


def test_no_password_is_in_a_command() -> None:
    options = list_options(
        engine=Grid("http://me:s3cret@grid.example"),
        proxy="http://me:s3cret@proxy.example:1",
        store="redis://:s3cret@c/1",
    )
    assert options == ()


def test_what_a_command_leaves_out_is_named_to_be_put_in_the_environment() -> None:
    secret = "http://me:s3cret@host.example:1"
    said = describe_hidden(engine=Grid(secret), proxy=secret, store="redis://:s3cret@c/1")
    assert said == (
        " Put the proxy's URL in AURA_BROWSER_PROXY first. Put the Grid's URL in AURA_BROWSER_GRID first."
        " Put the store's URL in AURA_BROWSER_STORE first."
    )
    assert describe_hidden(engine=Selenium(), proxy="http://p.example:1", store="redis://c/1") == ""


def test_where_nothing_is_kept_the_command_writes_a_file() -> None:
    assert list_options(engine=AttachChrome(), transport="page") == ("--attach", "chrome", "--transport", "page")
    assert list_options(store="memory") == ("-o", "session.json")
    assert list_options(store="memory", output="me.json") == ("-o", "me.json")
    assert replace_output(("-o", "me.json", "--profile", "me")) == ("--profile", "me", "-o", "session.json")
    assert replace_output(("--profile", "me")) == ("--profile", "me", "-o", "session.json")


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (Probe("/api/me"), ["--probe", "/api/me"]),
        (Probe("/me?view=it's"), ["--probe", "/me?view=it's"]),
        (Probe("/me?token=s3cret"), []),
        (Probe("/me", method="POST"), []),
        (Probe("https://api.a.example/me"), []),
        (Probe("/a path"), []),
        (None, []),
    ],
)
def test_the_command_names_the_probe_if_a_path_says_all_of_it(probe: Probe | None, words: list[str]) -> None:
    command = shlex.split(Site("https://a.example/", probe=probe).login_command())
    assert command == ["aura-browser", "harvest", "https://a.example/", "--interactive", *words]
    parse_command(command)


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

    monkeypatch.setattr("aura_browser.webdriver.harvest.harvest", harvest)
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


def assert_whole(command: str, origin: str, store: Path) -> None:
    """Check that a command names all that was in force in a test."""
    words = shlex.split(command)
    expected = ["aura-browser", "harvest", f"{origin}/", "--interactive", "--until", "cookie:sid", "--probe", "/me"]
    assert words == [*expected, "--profile", "me", "--no-sandbox", "--session", "work", "--store", str(store)]
    parse_command(words)


@asynccontextmanager
async def client_of(origin: str, folder: Path) -> AsyncIterator[SiteClient]:
    """Open a client with all kinds of options, whose harvest brings nobody's session."""

    async def harvest() -> Session:
        return make_session(origin, cookies=(make_cookie(value="nobody"),))

    site = Site(f"{origin}/", ready=_CONDITIONS[:1], probe=Probe("/me"))
    options: SessionOptions = {
        "engine": Selenium(profile="me", sandbox=False),
        "session": "work",
        "store": str(folder),
        "harvest": harvest,
    }
    async with SiteClient(site, **options) as client:
        yield client


async def _let_nobody_in(request: web.BaseRequest) -> web.StreamResponse:
    """Refuse the data to all, and greet whoever does not come with a login that is over."""
    is_greeted = request.path == "/me" and make_cookie().value not in request.headers.get("Cookie", "")
    return web.Response(text="hello guest") if is_greeted else web.Response(status=401)


async def test_a_renewal_that_would_lose_a_login_names_the_whole_command(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    async with serving(_let_nobody_in) as (_, origin):
        login = make_session(origin, proof="distinguished", is_login=True)
        await FileStore(folder).save(SessionKey(origin, "work"), login)
        for _ in range(2):  # the second one's harvest is held back
            async with client_of(origin, folder) as client:
                with pytest.raises(InteractionRequired) as caught:
                    await client.get("/data").__aenter__()
            assert_whole(caught.value.command, origin, folder)


async def test_a_session_that_does_not_help_names_the_whole_command(tmp_path: Path) -> None:
    async with serving(_let_nobody_in) as (_, origin), client_of(origin, tmp_path / "kept") as client:
        with pytest.raises(SessionRefused) as caught:
            await client.get("/data").__aenter__()
    assert_whole(str(caught.value).rpartition("Log in yourself: ")[2], origin, tmp_path / "kept")


async def test_a_new_session_that_is_sent_to_a_login_names_the_whole_command(tmp_path: Path) -> None:
    async def send_to_login(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "/login"})

    async with serving(send_to_login) as (_, origin), client_of(origin, tmp_path / "kept") as client:
        with pytest.raises(SessionRefused) as caught:
            await client.session()
    assert "TLS" not in str(caught.value)
    assert_whole(str(caught.value).rpartition("Run: ")[2], origin, tmp_path / "kept")


def test_what_a_harvest_says_at_its_end_names_all_that_is_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def show(session: Session, **options: object) -> dict[str, str]:
        report_kept(site, session, {"session": "work", **options}, now=0.0, output=None)  # type: ignore[typeddict-item]
        lines = capsys.readouterr().err.splitlines()
        return {line[2:11].strip(): line[11:].strip() for line in lines if "aura-browser" in line or "Client(" in line}

    site = openchat_site("https://chat.example/")
    session = make_session("https://chat.example", proxy="http://p.example:1", dialect="openchat-ui")
    place, url = str(tmp_path / "my sessions"), "https://chat.example/"
    shown = show(session, store=place)
    assert shown["use it"] == f"AuraClient({url!r}, session='work', store={place!r}, proxy='http://p.example:1')"
    assert shown[""] == (
        f"aura-browser chat --url {url} --proxy http://p.example:1 --session work --store {shlex.quote(place)}"
    )
    assert shown["see it"].endswith(f" --store {shlex.quote(place)}")
    for command in (shown[""], shown["see it"]):
        parse_command(shlex.split(command))
    secret = "http://me:s3cret@p.example:1"
    hidden = show(msgspec.structs.replace(session, proxy=secret), store="redis://:s3cret@c/1")
    assert "s3cret" not in str(hidden)
    assert 'store=os.environ["AURA_BROWSER_STORE"], proxy=os.environ["AURA_BROWSER_PROXY"]' in hidden["use it"]


@pytest.mark.parametrize(
    ("store", "ending"),
    [("memory", ["-o", "session.json"]), (MemoryStore(), ["-o", "session.json"]), (None, [])],
    ids=["memory", "store", "default"],
)
async def test_a_store_that_a_command_cannot_name_gets_a_file(
    store: MemoryStore | str | None, ending: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    manager = assemble(page_site("https://a.example/"), store=store, refresh="never")
    with pytest.raises(InteractionRequired) as caught:
        await manager.get()
    await manager.aclose()
    assert shlex.split(caught.value.command)[4:] == ending


async def test_a_folder_given_as_a_store_is_named(tmp_path: Path) -> None:
    manager = assemble(page_site("https://a.example/"), store=FileStore(tmp_path), refresh="never")
    with pytest.raises(InteractionRequired) as caught:
        await manager.get()
    await manager.aclose()
    assert shlex.split(caught.value.command)[-2:] == ["--store", str(tmp_path)]


@pytest.mark.parametrize("command", ["chat", "harvest"])
def test_each_command_names_its_options_where_a_login_is_needed(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def harvest(site: Site, *, command_options: tuple[str, ...], **_options: object) -> Session:
        raise LoginNeeded(site.url, "a password field", site.login_command(*command_options))

    monkeypatch.setattr("aura_browser.webdriver.harvest.harvest", harvest)
    options = [
        "--profile",
        "me",
        "--proxy",
        "http://127.0.0.1:1",
        "--session",
        "work",
        "--store",
        str(tmp_path / "kept"),
    ]
    given = {"chat": ["--url", "https://a.example/", "hi"], "harvest": ["https://a.example/", "-o", "me.json"]}[command]
    shown = CliRunner().invoke(cli, [command, *given, *options])
    assert shown.exit_code == 77, shown.output
    words = shlex.split(shown.stderr.strip().rpartition("Log in yourself: ")[2])
    output = ["-o", str(Path("me.json").absolute())] if command == "harvest" else []
    assert words[-8 - len(output) :] == [*options, *output]
    parse_command(words)


async def test_the_command_that_removes_what_a_store_can_not_read_names_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURA_BROWSER_KEY", Fernet.generate_key().decode())
    key, store = SessionKey("https://a.example"), open_store(str(tmp_path / "my sessions"))
    plain = make_session("https://a.example").to_json()
    other = make_session("https://b.example").to_json()
    for data, is_inner in ((plain, True), ('{"version": 3}', False), (other, False)):
        for slug in await store.slugs():
            assert await store.inner.swap(slug, await store.inner.read(slug), None)  # type: ignore[attr-defined]
        assert await (store.inner if is_inner else store).swap(key.slug, None, data.encode())  # type: ignore[attr-defined]
        with pytest.raises(SessionUnreadable) as caught:
            await store.load(key)
        words = shlex.split(str(caught.value).rpartition("with: ")[2])
        assert words == ["aura-browser", "sessions", "rm", key.slug, "--store", str(tmp_path / "my sessions")]
        parse_command(words)
    assert FileStore().build_command("rm", "x") == "aura-browser sessions rm x"
    assert RedisStore("redis://:s3cret@c/1").build_command("rm", "x") == "aura-browser sessions rm x"
    assert RedisStore("redis://c/1").build_command("rm", "x") == "aura-browser sessions rm x --store redis://c/1"
