"""Eight planted secrets, and everything that people paste, log or can read: none of them is found there."""

import asyncio
import gc
import importlib
import json
import logging
import os
import pkgutil
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import psutil
import pytest
from cryptography.fernet import Fernet
from rich.pretty import pretty_repr
from yarl import URL

import aura_browser
from aura_browser import AuraClient, Grid, Session, SessionKey, SiteClient, page_site
from aura_browser.assembly import assemble, open_store
from aura_browser.chat.messages import Message
from aura_browser.errors import AuraError
from aura_browser.formats import dump
from aura_browser.http.proof import prove
from aura_browser.playground import serve_in_thread
from aura_browser.request import Request
from aura_browser.site.mark import Answer
from aura_browser.site.refresh_request import RefreshRequest
from tests.parts.command import choose_program
from tests.parts.sessions import make_cookie, make_session
from tests.parts.stream_server import stream_server

T = TypeVar("T")
COOKIE: Final = "planted-cookie-1f8d"
HEADER: Final = "planted-header-2a7c"
TOKEN: Final = "planted-token-3b6e"
PROXY: Final = "planted-proxy-4c5f"
REDIS: Final = "planted-redis-5d4a"
GRID: Final = "planted-grid-6e3b"
PROMPT: Final = "planted-prompt-7f2c"
KEY: Final = Fernet.generate_key().decode()
SECRETS: Final = (COOKIE, HEADER, TOKEN, PROXY, REDIS, GRID, PROMPT, KEY)


def find_secrets(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def plant(origin: str) -> Session:
    return make_session(
        origin,
        url=f"{origin}/x?code={TOKEN}#access_token={TOKEN}",
        cookies=(make_cookie("sid", COOKIE),),
        headers={"User-Agent": "x", "Authorization": f"Bearer {HEADER}"},
        local_storage={"token": TOKEN},
        tokens={"csrf": TOKEN},
        extra_storage={"db": TOKEN},
    )


def show_everything(error: BaseException) -> str:
    """Return all that a traceback, a debugger or a log shows of *error*, and of all errors that it leads to."""
    seen: dict[int, BaseException] = {}
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen[id(each)] = each
            waiting += [other for other in (each.__cause__, each.__context__) if other is not None]
            waiting += list(getattr(each, "exceptions", ()))
    parts = [*traceback.format_exception(error)]
    for each in seen.values():
        facts = {name: value for name, value in vars(each).items() if name != "partial"}
        parts += [str(each), repr(each), repr(each.args), repr(facts), repr(getattr(each, "request_info", ""))]
    return "\n".join(parts)


def read_files(folder: Path) -> str:
    """Return the names and bytes of all files."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return "\n".join(f"{path}\n{path.read_bytes().decode('latin-1')}" for path in files)


def odd_heads() -> Iterator[tuple[str, bytes]]:
    cookie = f"Set-Cookie: sid={COOKIE}-new; Path=/".encode()
    yield "cut head", b"HTTP/1.1 200 OK\r\n" + cookie
    yield "cut body", b"HTTP/1.1 200 OK\r\n" + cookie + b"\r\nContent-Length: 99\r\n\r\nx"
    yield "NUL", b"HTTP/1.1 200 OK\r\n" + cookie + b"\0x\r\nContent-Length: 0\r\n\r\n"
    yield "9 KB", b"HTTP/1.1 200 OK\r\n" + cookie + b"x" * 9000 + b"\r\nContent-Length: 0\r\n\r\n"
    yield "no colon", b"HTTP/1.1 200 OK\r\n" + cookie.replace(b":", b"") + b"\r\n\r\n"
    yield "no HTTP", f"sid={COOKIE}-new\r\n\r\n".encode()
    yield "bad chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsid=" + COOKIE.encode() + b"-new\r\n\r\n"
    yield "bad gzip", b"HTTP/1.1 200 OK\r\n" + cookie + b"\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"
    yield "two lengths", b"HTTP/1.1 200 OK\r\n" + cookie + b"\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"
    yield "many headers", b"HTTP/1.1 200 OK\r\n" + (cookie + b"\r\n") * 200 + b"Content-Length: 0\r\n\r\n"
    yield "closed", b""
    yield "500", b"HTTP/1.1 500 No\r\n" + cookie + b"\r\nContent-Length: 0\r\n\r\n"
    yield "401", b"HTTP/1.1 401 No\r\n" + cookie + b"\r\nContent-Length: 0\r\n\r\n"
    yield "429", b"HTTP/1.1 429 No\r\n" + cookie + b"\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
    target = f"https://evil.example/?code={TOKEN}#access_token={TOKEN}".encode()
    yield "302", b"HTTP/1.1 302 No\r\n" + cookie + b"\r\nLocation: " + target + b"\r\nContent-Length: 0\r\n\r\n"


HEADS: Final = dict(odd_heads())


@asynccontextmanager
async def serving(answer: bytes, *, after: bytes = b"\r\n\r\n") -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(after)
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with stream_server(serve) as port:
        yield f"http://127.0.0.1:{port}"


async def ask_as_client(origin: str, session: Session) -> None:
    async with SiteClient(origin, store="memory", session=session, refresh="never") as http:
        url = f"/x?code={TOKEN}#access_token={TOKEN}"
        async with http.post(url, headers={"X-Token": TOKEN}, data=PROMPT) as response:
            response.raise_for_status()
            await response.read()


async def ask_as_chat(origin: str, session: Session) -> None:
    async with AuraClient(origin, store="memory", session=session, refresh="never") as chat:
        await chat.complete([{"role": "user", "content": PROMPT}])


async def ask_for_models(origin: str, session: Session) -> None:
    async with AuraClient(origin, store="memory", session=session, refresh="never") as chat:
        await chat.models()


async def ask_for_a_socket(origin: str, session: Session) -> None:
    async with (
        SiteClient(origin, store="memory", session=session, refresh="never") as http,
        http.ws_connect(f"/x?code={TOKEN}", headers={"X-Token": TOKEN}),
    ):
        pass


async def ask_the_probe(origin: str, session: Session) -> None:
    await prove(page_site(f"{origin}/x?code={TOKEN}"), session, read_timeout_s=5.0)


@pytest.mark.parametrize("ask", [ask_as_client, ask_as_chat, ask_for_models, ask_for_a_socket, ask_the_probe])
@pytest.mark.parametrize("head", HEADS)
async def test_a_broken_answer_shows_no_secret(
    head: str, ask: Callable[[str, Session], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(HEADS[head]) as origin:
        try:
            await ask(origin, plant(origin))
        except AuraError as error:
            shown = show_everything(error)
            assert find_secrets(shown) == [], shown
    assert find_secrets(caplog.text) == []
    gc.collect()


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_is_away_shows_no_secret(scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    proxy = f"{scheme}://me:{PROXY}@127.0.0.1:9"
    session = msgspec.structs.replace(plant("http://chat.invalid"), proxy=proxy)
    for ask in (ask_as_client, ask_as_chat, ask_the_probe):
        with pytest.raises(AuraError) as caught:
            await ask("http://chat.invalid", session)
        assert find_secrets(show_everything(caught.value)) == []
    assert find_secrets(caplog.text) == []


async def test_a_store_that_is_away_or_refuses_shows_no_secret(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("AURA_BROWSER_KEY", KEY)
    key = SessionKey("https://chat.example.com", "me", f"http://me:{PROXY}@proxy:8080")
    session = plant(key.origin)
    async with serving(
        f"-ERR unknown value '{COOKIE}', with args beginning with: {TOKEN}\r\n".encode(), after=b"\r\n"
    ) as origin:
        places = (origin.replace("http://", f"redis://me:{REDIS}@"), f"redis://127.0.0.1:9/0?password={REDIS}")
        for place in (*places, "/dev/null"):
            store = open_store(place)
            for use in (store.load(key), store.save(key, session), store.slugs()):
                with pytest.raises(AuraError) as caught:
                    await use
                assert find_secrets(show_everything(caught.value)) == []
            assert find_secrets(repr(store) + pretty_repr(store)) == []
            await store.aclose()
    store = open_store(str(tmp_path / "s"))
    await store.save(key, session)
    assert find_secrets(await asyncio.to_thread(read_files, tmp_path)) == []  # encrypted
    monkeypatch.setenv("AURA_BROWSER_KEY", Fernet.generate_key().decode())
    with pytest.raises(AuraError) as caught:
        await open_store(str(tmp_path / "s")).load(key)
    assert find_secrets(show_everything(caught.value)) == []
    assert find_secrets(caplog.text) == []


@pytest.mark.parametrize(
    ("what", "make"),
    [
        ("proxy", lambda: SiteClient("https://a.example", proxy=f"http://me:{PROXY}@a:b")),
        ("proxy", lambda: SiteClient("https://a.example", proxy=f"http://me:{PROXY}\udcff@proxy:80")),
        ("grid", lambda: Grid(f"http://me:{GRID}@[::g]:4444")),
        ("grid", lambda: Grid(f"http://me:{GRID}@grid:4444/?x={GRID}")),
        ("store", lambda: open_store(f"redis://me:{REDIS}@host:x/0")),
        ("store", lambda: open_store(f"redis://host/0?password={REDIS}&x=y")),
        ("store", lambda: open_store(f"redis://me:{REDIS}\udcff@host/0")),
        ("url", lambda: SiteClient(f"https://me:{TOKEN}@a.example")),
        ("url", lambda: SiteClient(f"https://a.example:x/?code={TOKEN}")),
        ("session", lambda: Session.from_json(plant("https://a.example").to_json().replace('"cookies"', '"biscuits"'))),
        ("session", lambda: Session.from_json(plant("https://a.example").to_json().encode() + b"\xff")),
        ("session", lambda: Session.from_json(plant("https://a.example").to_json()[:-20])),
    ],
)
def test_wrong_input_shows_no_secret(what: str, make: Callable[[], object]) -> None:
    with pytest.raises(AuraError) as caught:
        make()
    assert find_secrets(show_everything(caught.value)) == [], what


def test_no_value_shows_a_secret() -> None:
    session = msgspec.structs.replace(plant("https://a.example"), proxy=f"http://me:{PROXY}@proxy:8080")
    values = (
        session,
        session.cookies,
        SessionKey(session.origin, "me", session.proxy),
        Message("user", PROMPT),
        Request("POST", f"/x?code={TOKEN}", {"Authorization": HEADER}, PROMPT.encode()),
        Grid(f"http://me:{GRID}@grid:4444"),
        assemble(page_site("https://a.example"), session=session, store="memory"),
        SiteClient("https://a.example", session=session, store="memory"),
        dump(session, "netscape"),
        Answer(200, {"X-Key": HEADER}, URL(f"/x?code={TOKEN}"), PROMPT.encode()),
        RefreshRequest("/token", form={"secret": TOKEN}, headers={"Authorization": HEADER}),
    )
    for value in values:
        assert find_secrets(f"{value!r} {value} {pretty_repr(value)}") == [], type(value)
        for name, _ in getattr(value, "__rich_repr__", list)():
            assert f"{name}=" in pretty_repr(value, expand_all=True), "else rich shows what it likes"


def test_what_hides_a_part_of_itself_hides_it_from_rich_too() -> None:
    """A struct tells rich all of its fields, whatever its repr says."""
    for module in pkgutil.walk_packages(aura_browser.__path__, "aura_browser."):
        if not module.name.endswith(("__main__", "holder")):  # these are run, not imported
            importlib.import_module(module.name)
    hiding = [kind for kind in list_kinds(msgspec.Struct) if "__repr__" in vars(kind)]
    assert len(hiding) > 10
    assert [kind for kind in hiding if "__rich_repr__" not in vars(kind)] == []


def test_an_error_has_one_form_that_shows_its_text_alone() -> None:
    """And none is another's equal: a dataclass that is not told so compares its fields."""
    errors = list_kinds(AuraError)
    assert len(errors) > 25
    forms = {(each.__repr__, each.__eq__) for each in errors}
    assert forms == {(AuraError.__repr__, object.__eq__)}


def list_kinds(kind: type[T]) -> list[type[T]]:
    """Return the package's own kinds of *kind*, and theirs."""
    own = [each for each in kind.__subclasses__() if each.__module__.startswith("aura_browser.")]
    return [*own, *(deeper for each in own for deeper in list_kinds(each))]


@pytest.mark.parametrize(
    ("option", "value", "variable"),
    [
        ("--store", f"redis://me:{REDIS}@127.0.0.1:9", "AURA_BROWSER_STORE"),
        ("--store", f"redis://127.0.0.1:9/0?password={REDIS}", "AURA_BROWSER_STORE"),
        ("--proxy", f"http://me:{PROXY}@127.0.0.1:9", "AURA_BROWSER_PROXY"),
        ("--grid", f"http://me:{GRID}@127.0.0.1:9", "AURA_BROWSER_GRID"),
    ],
)
def test_a_password_on_a_command_line_is_refused_and_the_variable_is_read(
    option: str, value: str, variable: str
) -> None:
    command = [*choose_program(), "harvest", "http://127.0.0.1:9", "--debug", "--timeout", "30"]
    refused = subprocess.run([*command, option, value], capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 2
    assert variable in refused.stderr
    taken = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=os.environ | {variable: value}
    )
    assert taken.returncode in {1, 69, 75}  # the store, the Grid, the proxy
    for shown in (refused, taken):
        assert find_secrets(shown.stdout + shown.stderr) == []


_HARVEST: Final = """
import sys, asyncio, json, logging
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
logging.getLogger("selenium").setLevel(logging.WARNING)
from aura_browser import AuraClient
async def main():
    async with AuraClient(sys.argv[1]) as chat:
        print("started", flush=True)
        print(len(await chat.complete(sys.stdin.read())), flush=True)
asyncio.run(main())
"""


@pytest.mark.chrome
def test_children_and_files_of_a_harvest_hold_no_secret(tmp_path: Path) -> None:
    """A prompt, a key and a store's password stay in this program: no child and no file but the store gets them."""
    folders = {name: str(tmp_path / name) for name in ("HOME", "TMPDIR", "XDG_STATE_HOME")}
    for folder in folders.values():
        Path(folder).mkdir()
    environment = os.environ | folders | {"AURA_BROWSER_KEY": KEY, "AURA_BROWSER_STORE": f"redis://me:{REDIS}@h"}
    with (
        serve_in_thread("check-503") as site,
        subprocess.Popen(
            [sys.executable, "-c", _HARVEST, site.origin],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        ) as program,
    ):
        assert program.stdin is not None
        program.stdin.write(PROMPT)
        program.stdin.close()
        program.stdin = None
        seen = watch_children(program.pid)
        shown = "".join(program.communicate(timeout=120))
        assert program.returncode == 0, shown
    assert any("chrom" in each for each in seen)
    assert find_secrets("\n".join(seen)) == []
    assert find_secrets(shown) == []
    cookies = [(request.header("Cookie") or "").partition("=")[2] for request in site.requests]
    assert any(cookies)
    written = read_files(tmp_path)
    assert find_secrets(written) == []
    assert [cookie for cookie in cookies if cookie and cookie in written + shown] == []


def watch_children(pid: int) -> set[str]:
    """Return the command lines and environments of all descendants of a process, until it ends."""
    program, seen = psutil.Process(pid), set()
    while program.is_running() and program.status() != psutil.STATUS_ZOMBIE:
        for child in program.children(recursive=True):
            try:
                words = child.cmdline()
                if words != program.cmdline():  # a fork that has not become another program yet is still this one
                    seen.add(json.dumps([words, child.environ()]))
            except psutil.Error:
                continue
    return seen
