"""``aura-browser exec`` with a password (HTTP basic authentication): curl sends it to the site only."""

import asyncio
import base64
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from aura_browser import FileStore, Session, SessionKey
from aura_browser.formats.netrc import write_netrc
from tests.parts.command import run_here
from tests.parts.missing import need_program
from tests.parts.servers import Server, serving_in_thread
from tests.parts.sessions import make_session

PASSWORDS = ["s3cret", 's3cret "a" \\ b', "s3cret#\u00fc'", "s3cret:with:colons"]


def build_login(origin: str, value: str) -> Session:
    headers = {"User-Agent": "aura-browser", "Authorization": value}
    facts = {"cookies": (), "harvested_at": time.time(), "verified_at": time.time(), "is_login": True}
    return make_session(origin, headers=headers, **facts)


def encode(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.fixture
def server() -> Iterator[tuple[Server, str]]:
    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=request.headers.get("Authorization", "nobody"))

    with serving_in_thread(tell) as serving:
        yield serving


@pytest.mark.parametrize("password", PASSWORDS)
def test_curl_sends_a_password_to_its_own_host_only(
    password: str, server: tuple[Server, str], state_home: Path
) -> None:
    need_program("curl")
    _, origin = server
    value = encode("ann lee", password)
    store = FileStore(state_home / "aura-browser" / "sessions")
    asyncio.run(store.save(SessionKey(origin), build_login(origin, value)))
    for address, told in ((origin, value), (origin.replace("127.0.0.1", "localhost"), "nobody")):
        done = run_here("exec", origin, "--", "curl", "-s", "--config", "{curl}", f"{address}/me")
        assert (done.returncode, done.stdout) == (0, told), done.stderr


def test_a_token_that_curl_would_send_to_any_host_is_left_out(server: tuple[Server, str], state_home: Path) -> None:
    need_program("curl")
    _, origin = server
    store = FileStore(state_home / "aura-browser" / "sessions")
    asyncio.run(store.save(SessionKey(origin), build_login(origin, "Bearer s3cret")))
    done = run_here("exec", origin, "--", "curl", "-s", "--config", "{curl}", f"{origin}/me")
    assert done.stdout == "nobody"
    assert "Not in curl.conf: the header Authorization, which curl would send to any host." in done.stderr


@pytest.mark.parametrize(
    "value",
    [
        *("", "Bearer eDp5", "Basic !", f"Basic {base64.b64encode(b'noColon').decode()}", "Basic /w=="),
        *(encode("a\n", "b"), f"{encode('a', 'b')}!"),
    ],
)
def test_what_such_a_file_can_not_hold_is_not_written(value: str) -> None:
    assert write_netrc(build_login("http://127.0.0.1:9", value)) is None


@pytest.mark.parametrize(
    ("user", "password", "written"),
    [
        ("ann", "", 'login ann password ""'),
        ("a b", "s#3", 'login "a b" password "s#3"'),
        ('a"b', "s\\3'", 'login "a\\"b" password "s\\\\3\'"'),
        ("ann", "a:b", "login ann password a:b"),
    ],
)
def test_what_curl_would_read_otherwise_is_quoted(user: str, password: str, written: str) -> None:
    session = build_login("http://[::1]:9", encode(user, password).replace("Basic", "BASIC"))
    assert write_netrc(session) == f"machine ::1 {written}\n"


def test_a_name_of_another_script_is_written_as_programs_look_it_up() -> None:
    text = write_netrc(build_login("https://b\u00fccher.example", encode("ann", "s3cret")))
    assert text == "machine xn--bcher-kva.example login ann password s3cret\n"
