"""Sends one request by a page, and waits for the beginning of its response."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from aura_browser.errors import raise_alone
from aura_browser.http.page_errors import convert_error
from aura_browser.http.pages import Pages
from aura_browser.session import Session
from aura_browser.urls import read_url
from aura_browser.webdriver.fetching.stream import Answered, FetchFailed, PageLost, PageStream
from aura_browser.webdriver.fetching.tab import PageRequest

_FAILURES: Final = (FetchFailed, PageLost, TimeoutError)


class Sent:
    """A request that was sent, and its response. Close it.

    Args:
        head: the response's beginning.
        stream: its body.
        exits: are left when it is closed.

    Attributes:
        head: as given.
        stream: as given.
    """

    def __init__(self, head: Answered, stream: PageStream, exits: AsyncExitStack) -> None:
        self.head = head
        self.stream = stream
        self._exits = exits

    async def aclose(self) -> None:
        """End the request if it is not over."""
        await self._exits.aclose()


async def send_by_page(
    pages: Pages,
    session: Session,
    request: PageRequest,
    read_timeout_s: float,
    *,
    renewed: bool = False,
    is_trial: bool = False,
) -> Sent:
    """Send *request* by the page of *session*.

    Args:
        pages: keep the page.
        session: the session.
        request: the request.
        read_timeout_s: seconds without an answer after which it fails.
        renewed: whether the session's cookies may have changed elsewhere.
        is_trial: whether the session may not be taken into use.

    Raises:
        ConnectionFailed: if there is no response.
        SiteFailed: if the response is not valid HTTP.
        AnswerTimeout: if none comes in time.
        StreamInterrupted: if the page is gone.
        AuraError: if no page can be opened.
    """
    url = read_url(request.url)
    lane = pages.lane(url)
    use = pages.try_out if is_trial else partial(pages.use, renewed=renewed)
    exits = AsyncExitStack()
    try:
        tab = await exits.enter_async_context(use(session))  # before its turn, as the page tells the protocol
        await exits.enter_async_context(lane.enter())
        if tab.lost:
            tab = await exits.enter_async_context(use(session))
        stream = await tab.start(request)
        exits.callback(stream.close)
        async with asyncio.timeout(read_timeout_s):
            head = await stream.head
    except _FAILURES as error:
        await exits.aclose()
        raise_alone(convert_error(error, url, read_timeout_s))
    except BaseException:
        await exits.aclose()
        raise
    lane.learn(head.protocol)
    return Sent(head, stream, exits)
