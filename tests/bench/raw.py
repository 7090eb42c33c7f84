"""The other side of most comparisons: aiohttp alone, doing by hand just what the client does on the wire."""

import codecs
import time
from contextlib import AbstractAsyncContextManager

import aiohttp
from yarl import URL

from aura_browser.chat.dialects.openchat_ui import chat_request
from aura_browser.chat.messages import ChatRequest, read_messages
from aura_browser.request import Request
from aura_browser.session import Browser, Session
from aura_browser.session.cookie import Cookie

QUESTION = "Why is the sky blue?"
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"


def made_session(origin: str, *, cookies: int = 3, value: str = "s3cret") -> Session:
    """Return a session with the headers that Chrome sends and so many cookies; the first is named ``sid``."""
    names = ["sid", *(f"cookie{number}" for number in range(1, cookies))][:cookies]
    return Session(
        origin=origin,
        url=f"{origin}/",
        user_agent=_AGENT,
        headers={
            "sec-ch-ua-platform": '"Linux"',
            "User-Agent": _AGENT,
            "sec-ch-ua": '"Chromium";v="150", "Not.A/Brand";v="24"',
            "sec-ch-ua-mobile": "?0",
            "Accept-Language": "en-US,en;q=0.9",
        },
        cookies=tuple(Cookie(name=name, value=value, domain="127.0.0.1", host_only=True) for name in names),
        local_storage={},
        proxy=None,
        browser=Browser(name="chromium", version="150.0"),
        harvested_at=time.time(),
    )


def wire_request(origin: str) -> Request:
    """Return the question as the client sends it."""
    request = ChatRequest(messages=read_messages(QUESTION), model="openchat_3.6", temperature=0.5, max_tokens=8192)
    return chat_request(request, origin)


def bytes_of(request: Request) -> bytes:
    """Return the body, which the dialect made whole."""
    assert isinstance(request.body, bytes)
    return request.body


class RawClient:
    """Asks the same question with ready-made bytes and headers.

    Args:
        http: an open session.
        session: whose headers and cookies go along.
    """

    def __init__(self, http: aiohttp.ClientSession, session: Session) -> None:
        self._http = http
        wire = wire_request(session.origin)
        self.url = URL(session.origin + wire.url)
        self._body = wire.body
        cookie = session.cookie_header(self.url)
        self._headers = {**session.headers, **wire.headers, **({"Cookie": cookie} if cookie else {})}

    def post(self) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Ask."""
        return self._http.post(self.url, data=self._body, headers=self._headers, allow_redirects=False)

    async def stream(self) -> int:
        """Ask, decode the answer as it comes, and return how many characters it had."""
        characters = 0
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        async with self.post() as response:
            async for data in response.content.iter_any():
                text = decoder.decode(data)  # it has a name, as with whoever reads it: so it lives until the next one
                characters += len(text)
        return characters + len(decoder.decode(b"", final=True))


def raw_http() -> aiohttp.ClientSession:
    """Return an aiohttp session with the settings of the client's own: time-outs, no limit, no jar."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=30.0, sock_read=120.0),
    )
