"""A session by commands from a browser to a file, another store, a window and out of it again: still the same."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web

from aura_browser import Cookie, Session
from tests.parts.command import choose_program, run
from tests.parts.person import Person, screen
from tests.parts.programs import Started
from tests.parts.servers import serving_in_thread
from tests.parts.waiting import until

pytestmark = pytest.mark.chrome

_COOKIES: Final = (
    "sid=a+b/c==; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600; Priority=High",
    "__Host-id=1; Path=/; Secure; SameSite=Strict",
    "theme=h\u00e9 \u20ac; Path=/",
    'quoted="a b, c"; Path=/; SameSite=Strict; Priority=Low',
    'json={"k": "v"}; Path=/',
    "deep=1; Path=/api",
    "nameless",
    "empty=; Path=/",
    "chips=1; Path=/; Secure; HttpOnly; SameSite=None; Partitioned; Max-Age=3600",
)
_INNER: Final = "chips=2; Path=/; Secure; SameSite=None; Partitioned"
_PAGE: Final = """<!doctype html><title>app</title><script>
if (!localStorage.token) {
  localStorage.token = 's3cret-token';
  localStorage.setItem('__proto__', 'odd');
  sessionStorage.step = '2';
  const request = indexedDB.open('app', 3);
  request.onupgradeneeded = () => {
    const users = request.result.createObjectStore('users', {keyPath: 'id'});
    users.createIndex('by-name', 'name', {unique: true});
    users.add({id: 1, name: 'Ann', since: new Date(0), bytes: new Uint8Array([0, 255])});
  };
  request.onsuccess = () => { request.result.close(); document.documentElement.id = 'stored'; };
} else {
  document.documentElement.id = 'stored';
}
</script><iframe src="%s/middle"></iframe>"""
_FRAME: Final = '<!doctype html><iframe src="%s/inner"></iframe>'
_TOLD: Final = "<!doctype html><script>top.document.title = 'told'</script>"


class Members:
    """Sets its cookies once, and knows its member by one of them; two frames deep one of another site's partition.

    - ``/app`` is the page; in its frame ``/middle`` of another site is ``/inner`` of this one again;
    - ``/me`` answers the member only.

    Attributes:
        sent: the Cookie headers at ``/app``, in order.
        framed: those at ``/inner``.
    """

    def __init__(self) -> None:
        self.origin = ""
        self.sent: list[str] = []
        self.framed: list[str] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        header = request.headers.get("Cookie", "")
        other = self.origin.replace("127.0.0.1", "localhost")
        match request.path:
            case "/me":
                return web.json_response({"name": "Ann"}, status=200 if "sid=a+b/c==" in header else 401)
            case "/app":
                self.sent.append(header)
                return _answer(_PAGE % other, () if "sid=" in header else _COOKIES)
            case "/middle":
                return _answer(_FRAME % self.origin, ())
            case "/inner":
                self.framed.append(header)
                return _answer(_TOLD, () if "chips=2" in header else (_INNER,))
        return web.Response(status=404)


def _answer(page: str, cookies: tuple[str, ...]) -> web.Response:
    response = web.Response(text=page, content_type="text/html")
    for cookie in cookies:
        response.headers.add("Set-Cookie", cookie)
    return response


@pytest.fixture
def site() -> Iterator[Members]:
    members = Members()
    with serving_in_thread(members.handle) as (_server, members.origin):
        yield members


@pytest.fixture
async def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Person]:
    """Return a person before the windows of this test; harvests without one have no second door."""
    with screen() as display:
        async with Person(tmp_path) as someone:
            monkeypatch.setenv("DISPLAY", display)
            yield someone


def command(*words: str, store: Path, **environment: str) -> str:
    """Run a command that has to succeed, with a store of its own, and return what it wrote."""
    done = run(*words, "--store", str(store), **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sorted_cookies(session: Session) -> list[Cookie]:
    return sorted(session.cookies, key=lambda cookie: str(cookie.identity))


async def test_the_commands_lose_nothing_on_the_way_through_a_window(
    site: Members, person: Person, tmp_path: Path
) -> None:
    here, there, file = tmp_path / "here", tmp_path / "there", tmp_path / "file"
    url = f"{site.origin}/app"
    conditions = [word for each in ("selector:#stored", "js:document.title === 'told'") for word in ("--until", each)]
    first = Session.from_json(command("harvest", url, "--probe", "/me", *conditions, store=here))
    check_what_was_set(first, site.origin)
    command("sessions", "export", "127.0", "--format", "storage-state", "-o", str(file), store=here)
    command("sessions", "import", str(file), store=there)
    environment = os.environ | {"AURA_BROWSER_CHROME": str(person.chrome())}
    words = [*choose_program(), "open", "127.0", "--keep", "--debug", "--store", str(there)]
    said = tmp_path / "said"
    with said.open("w") as log, Started(words, env=environment, stderr=log) as window:
        until(lambda: "The session in the window was read: 10 cookies" in said.read_text("utf-8"), "it was read", 60)
        await person.close_the_window("/app")
        assert window.wait(60) == 0
    second = Session.from_json(command("sessions", "export", "127.0", store=there))
    assert len(first.cookies) == len(_COOKIES) + 1
    assert sorted_cookies(second) == sorted_cookies(first)
    for field in ("url", "local_storage", "extra_storage", "browser", "proof", "probe"):
        assert getattr(second, field) == getattr(first, field), field
    # A browser without a window says so in its name.
    assert [*second.headers.items()] == [(n, v.replace("HeadlessChrome", "Chrome")) for n, v in first.headers.items()]
    assert second.user_agent == first.user_agent.replace("HeadlessChrome", "Chrome")


def check_what_was_set(session: Session, origin: str) -> None:
    """Check that what is compared is there: of no field all cookies have the same, and storage is of every kind."""
    port = int(origin.rpartition(":")[2])
    assert {cookie.priority for cookie in session.cookies} == {"Low", "Medium", "High"}
    assert {cookie.source_port for cookie in session.cookies} == {port}
    assert {cookie.source_scheme for cookie in session.cookies} == {"Secure", "NonSecure"}
    assert {cookie.same_site for cookie in session.cookies} == {None, "Lax", "Strict", "None"}
    assert {cookie.has_cross_site_ancestor for cookie in session.cookies} == {None, False, True}
    assert [*session.local_storage] == ["__proto__", "token"]
    [storage] = session.extra_storage["origins"]
    assert storage["sessionStorage"] == [{"name": "step", "value": "2"}]
    [users] = storage["indexedDB"][0]["stores"]
    assert "since" in json.dumps(users["records"])
