"""How ``auto`` proves and sends, with stand-ins for its two transports: when the page speaks for a session."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from aura_browser.errors import SessionRefused
from aura_browser.http.auto_proof import AutoProof
from aura_browser.http.auto_transport import AutoTransport
from aura_browser.http.choice import Choice
from aura_browser.keeping.doubt import Prove
from aura_browser.request import Request
from aura_browser.session import Session
from aura_browser.store import MemoryStore, SessionKey
from tests.parts.clock import Clock
from tests.parts.sessions import make_session

REFUSED = SessionRefused("https://a.example/", 403, "status 403", "")


def make_choice(store: MemoryStore) -> Choice:
    return Choice(store, SessionKey("https://a.example"), Clock())


def proving(proof: str | None) -> Prove:
    """Return what proves so; None refuses."""

    async def prove(session: Session) -> Session:
        if proof is None:
            raise REFUSED
        return msgspec.structs.replace(session, probe=proof)

    return prove


async def harvest() -> Session:
    return make_session("https://a.example", harvested_at=7.0)


@pytest.mark.parametrize("by_http", ["/by-http", None])
@pytest.mark.parametrize("harvested_at", [None, 7.0, 8.0])
async def test_the_page_speaks_for_a_session_that_was_just_harvested(
    by_http: str | None, harvested_at: float | None
) -> None:
    choice = make_choice(MemoryStore())
    proof = AutoProof(harvest, proving(by_http), proving("/by-page"), choice)
    session = make_session("https://a.example", harvested_at=harvested_at or 7.0)
    if harvested_at is not None:
        assert (await proof.harvest()).harvested_at == 7.0
    if by_http is None and harvested_at != 7.0:
        with pytest.raises(SessionRefused):
            await proof.prove(session)
    else:
        assert (await proof.prove(session)).probe == (by_http or "/by-page")
    assert choice.is_page() is (by_http is None and harvested_at == 7.0)


async def test_what_was_found_before_is_asked_of_first() -> None:
    store = MemoryStore()
    await make_choice(store).use_page()
    proof = AutoProof(harvest, proving("/by-http"), proving("/by-page"), make_choice(store))
    assert (await proof.prove(make_session("https://a.example"))).probe == "/by-page"


class Sending:
    """Stands in for a transport: refuses, or says its name; and chooses the page meanwhile."""

    def __init__(self, name: str, *, refuses: bool = False, chooses: Choice | None = None) -> None:
        self._name, self._refuses, self._chooses = name, refuses, chooses

    @asynccontextmanager
    async def send(self, request: Request) -> AsyncIterator[Any]:
        if self._chooses is not None:
            await self._chooses.use_page()
        if self._refuses:
            raise REFUSED
        yield f"{self._name} {request.method}"

    connect = send


@pytest.mark.parametrize(
    ("refuses", "chooses", "answer"),
    [(False, False, "http GET"), (False, True, "http GET"), (True, True, "page GET"), (True, False, None)],
)
async def test_a_refused_request_is_the_pages_once_that_is_chosen(
    answer: str | None, *, refuses: bool, chooses: bool
) -> None:
    choice = make_choice(MemoryStore())
    http: Any = Sending("http", refuses=refuses, chooses=choice if chooses else None)
    page: Any = Sending("page")
    transport = AutoTransport(http, page, choice)
    if answer is None:
        with pytest.raises(SessionRefused):
            async with transport.send(Request("GET", "/x")):
                pytest.fail("it was sent")
        return
    async with transport.send(Request("GET", "/x")) as sent:
        assert str(sent) == answer


async def test_what_was_found_before_sends_by_the_page_but_for_web_sockets() -> None:
    store = MemoryStore()
    await make_choice(store).use_page()
    http: Any = Sending("http")
    page: Any = Sending("page")
    transport = AutoTransport(http, page, make_choice(store))
    async with transport.send(Request("GET", "/x")) as sent, transport.connect(Request("GET", "/ws")) as socket:
        assert (str(sent), str(socket)) == ("page GET", "http GET")
