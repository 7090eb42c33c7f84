"""How much of an answer a probe by a page reads, and how long."""

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest
from multidict import CIMultiDict

from aura_browser.errors import AnswerTimeout, ConnectionFailed
from aura_browser.http import page_asking
from aura_browser.http.asking import MAX_BODY_BYTES
from aura_browser.http.page_asking import PageAsker
from aura_browser.http.page_sending import Sent
from aura_browser.http.verdict import MAX_FIRST_BYTES
from aura_browser.site import Probe, page_site
from aura_browser.webdriver.fetching.stream import Answered, FetchFailed
from tests.parts.sessions import make_session

URL_ = "https://example.com/me"
PLAIN, NAMING = Probe("/me"), Probe("/me", identity="json:user")


class Body:
    """A body in pieces of 64 KiB: so many of them, then an error, silence or the end."""

    def __init__(self, pieces: int, then: Exception | None = None, *, is_silent: bool = False) -> None:
        self.left = pieces
        self.then = then
        self.is_silent = is_silent

    async def read(self) -> bytes:
        if self.left:
            self.left -= 1
            return bytes(2**16)
        if self.then is not None:
            raise self.then
        if self.is_silent:
            await asyncio.Event().wait()
        return b""


def make_asker() -> PageAsker:
    session = make_session("https://example.com")
    return PageAsker(cast("Any", None), page_site(URL_), session, 1.0, time.time)


async def read(probe: Probe, body: Body, patience_s: float = 10.0) -> bytes:
    return await make_asker()._read_body(
        Sent(cast("Any", None), cast("Any", body), AsyncExitStack()),
        URL_,
        patience_s,
        reads_all=probe.needs_body,
    )


@pytest.mark.parametrize(("probe", "limit"), [(PLAIN, MAX_FIRST_BYTES), (NAMING, MAX_BODY_BYTES)])
async def test_only_so_much_is_read(probe: Probe, limit: int) -> None:
    body = Body(1000)
    assert len(await read(probe, body)) == limit
    assert (1000 - body.left) * 2**16 == limit
    assert len(await read(probe, Body(1))) == 2**16


async def test_an_answer_that_goes_on_for_long_is_enough_where_its_body_says_nothing() -> None:
    assert await read(PLAIN, Body(0, is_silent=True), 0.05) == b""
    with pytest.raises(AnswerTimeout) as caught:
        await read(NAMING, Body(1, is_silent=True), 0.05)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("probe", [PLAIN, NAMING])
async def test_an_answer_that_breaks_off_is_an_error(probe: Probe) -> None:
    with pytest.raises(ConnectionFailed, match="Connection reset by peer"):
        await read(probe, Body(0, FetchFailed("ERR_CONNECTION_RESET")))


@pytest.mark.parametrize(
    ("probe", "asked", "limit"),
    [(PLAIN, {}, MAX_FIRST_BYTES), (PLAIN, {"reads_all": True}, MAX_BODY_BYTES), (NAMING, {}, MAX_BODY_BYTES)],
)
async def test_all_of_an_answer_is_read_only_if_somebody_needs_it(
    probe: Probe, asked: dict[str, bool], limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send(*_args: object, **_options: object) -> Sent:
        head = Answered(200, "OK", CIMultiDict(), "h2")
        return Sent(head, cast("Any", Body(1000)), AsyncExitStack())

    monkeypatch.setattr(page_asking, "send_by_page", send)
    assert len((await make_asker().ask(probe, None, **asked)).body) == limit
