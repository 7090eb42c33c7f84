"""What becomes of answers that a page got: how long they are looked at, how often they are asked for, what is kept."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import pytest
from multidict import CIMultiDict

from aura_browser.assembly import assemble
from aura_browser.errors import InvalidInput, SessionRefused
from aura_browser.http.page_response import PageResponse
from aura_browser.http.page_sending import Sent
from aura_browser.http.page_transport import PageTransport
from aura_browser.keeping.manager import SessionManager
from aura_browser.request import Request
from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.webdriver.fetching.stream import Answered
from aura_browser.webdriver.fetching.tab import PageRequest
from tests.parts.sessions import make_cookie, make_session

ORIGIN = "https://a.example"


class Body:
    """A body of two bytes."""

    def __init__(self) -> None:
        self._left = [b"hi"]

    async def read(self) -> bytes:
        return self._left.pop() if self._left else b""


class Browser:
    """Stands in for a page: gives the same answer to all, and notes what was sent.

    Attributes:
        sent: the path, the cookie of the session, and whether its cookies may have changed elsewhere.
        open: how many answers are not closed.
    """

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self._head = Answered(status, "", CIMultiDict(headers), "h2")
        self.sent: list[tuple[str, str, bool]] = []
        self.open = 0

    async def send(
        self, _pages: object, session: Session, request: PageRequest, _timeout_s: float, *, renewed: bool
    ) -> Sent:
        self.sent.append((request.url.removeprefix(ORIGIN), session.cookies[0].value, renewed))
        self.open += 1
        exits, body = AsyncExitStack(), Body()
        exits.callback(self._close)
        stream: Any = body
        return Sent(self._head, stream, exits)

    def _close(self) -> None:
        self.open -= 1


@asynccontextmanager
async def sending(
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    **facts: Any,  # noqa: ANN401 - a site's
) -> AsyncIterator[tuple[PageTransport, SessionManager]]:
    monkeypatch.setattr("aura_browser.http.page_transport.send_by_page", browser.send)
    session = make_session(ORIGIN, cookies=(make_cookie(value="v1", domain="a.example"),))
    manager = assemble(Site(f"{ORIGIN}/", **facts), session=session, store="memory", refresh="never")
    pages: Any = None
    transport = PageTransport(manager, pages, 5.0)
    yield transport, manager
    await transport.aclose()


@pytest.mark.parametrize(
    ("status", "kind", "dropped", "patience_s"),
    [
        (503, "text/html", (), 10.0),
        (200, "text/html", (), 0.25),
        (200, "text/html", ("200 body:who",), 10.0),
        (200, "text/plain", ("200 body:who",), 10.0),
        (200, "text/plain", (), None),
        (404, "text/html", (), None),
    ],
)
async def test_how_long_an_answer_is_looked_at_before_it_is_handed_on(
    status: int, kind: str, dropped: tuple[str, ...], patience_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[tuple[int, float]] = []
    look = PageResponse.peek

    async def note(self: PageResponse, limit: int, timeout_s: float) -> bytes:
        looked.append((limit, timeout_s))
        return await look(self, limit, timeout_s)

    monkeypatch.setattr(PageResponse, "peek", note)
    browser = Browser(status, {"Content-Type": kind})
    async with (
        sending(browser, monkeypatch, dropped=dropped) as (transport, _manager),
        transport.send(Request("GET", "/x")) as answer,
    ):
        assert (answer.status, b"".join([piece async for piece in answer])) == (status, b"hi")
    assert looked == ([] if patience_s is None else [(256 * 1024, patience_s)])
    assert browser.open == 0


async def test_a_request_is_sent_four_times_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    renewed = 1

    async def renew(session: Session) -> Session:
        nonlocal renewed
        renewed += 1
        return msgspec.structs.replace(session, cookies=(make_cookie(value=f"v{renewed}", domain="a.example"),))

    browser = Browser(401, {})
    async with sending(browser, monkeypatch) as (transport, manager):
        monkeypatch.setattr(manager, "renew", renew)
        monkeypatch.setattr(manager, "was_harvested_since", lambda _session, _began: False)
        with pytest.raises(SessionRefused):
            async with transport.send(Request("GET", "/x")):
                pytest.fail("it was taken")
        assert manager.counters.replays == 3
    assert browser.sent == [("/x", "v1", False), *(("/x", f"v{number}", True) for number in (2, 3, 4))]
    assert browser.open == 0


async def test_a_new_cookie_ends_by_the_servers_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    dates = {"Date": "Thu, 01 Jan 1970 01:00:00 GMT", "Set-Cookie": "new=1; Expires=Thu, 01 Jan 1970 02:00:00 GMT"}
    async with sending(Browser(200, dates), monkeypatch) as (transport, manager):
        began = manager.clock()
        async with transport.send(Request("GET", "/x")):
            pass
        (expires,) = [cookie.expires for cookie in (await manager.get()).cookies if cookie.name == "new"]
        assert expires is not None
        assert began + 3600 <= expires <= manager.clock() + 3600


async def test_a_page_opens_no_web_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    async with sending(Browser(200, {}), monkeypatch) as (transport, _manager):
        with pytest.raises(InvalidInput) as caught:
            async with transport.connect(Request("GET", "/ws?t=s3cret")):
                pytest.fail("it is open")
    problem = f"a page does not carry the WebSocket {ORIGIN}/ws; use transport='http'"
    assert (caught.value.name, caught.value.problem) == ("transport", problem)
