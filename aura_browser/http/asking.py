"""Asks a site's probe: with a session, or as a stranger."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

import aiohttp
from aiohttp import hdrs
from yarl import URL

from aura_browser.errors import InvalidInput, raise_alone
from aura_browser.http.comparison import ProbeAnswer
from aura_browser.http.exchange import CONNECT_TIMEOUT_S, check_proxy_answer, reason_phrase, typed_errors
from aura_browser.http.verdict import MAX_FIRST_BYTES, judge
from aura_browser.proxy.connection import connection_args
from aura_browser.request import HEADER_LIMITS
from aura_browser.session import Session
from aura_browser.session.headers import SECRET_HEADERS
from aura_browser.site import Probe, Site
from aura_browser.site.derivation import build_lasting_headers, derive_headers
from aura_browser.site.moves import follow_move
from aura_browser.text import redact_url
from aura_browser.urls import join_url

WHOLE_ANSWER_FACTOR: Final = 4
"""How long a whole answer may take: so many times the seconds without a byte that end it."""
MAX_BODY_BYTES: Final = 4 * 2**20
"""As far as a probe's own marks are looked for."""
READ_TIMEOUT_S: Final = 30.0
"""Seconds without a byte that end a probe."""
BODY_TIMEOUT_S: Final = 10.0
"""How long a probe's body may take, in seconds."""


class Asker(Protocol):
    """Asks probes for one session."""

    async def ask(self, probe: Probe, session: Session | None, *, reads_all: bool = False) -> ProbeAnswer:
        """Return the answer to *probe*, with the session or without any.

        Its body is read as far as the probe's marks need it; with *reads_all* up to 4 MiB, which may take long.

        Errors as :func:`aura_browser.http.proof.prove`, but for a refusal.
        """
        ...


OpenAsker = Callable[[Site, Session], AbstractAsyncContextManager[Asker]]
"""Opens what asks the probes of a session."""


def open_client(session: Session, read_timeout_s: float) -> aiohttp.ClientSession:
    """Return a client that goes through the proxy of *session*, and keeps no cookies."""
    timeout = aiohttp.ClientTimeout(
        total=WHOLE_ANSWER_FACTOR * read_timeout_s, sock_connect=CONNECT_TIMEOUT_S, sock_read=read_timeout_s
    )
    through = connection_args(session.proxy)
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout, **HEADER_LIMITS, **through)


@asynccontextmanager
async def open_http_asker(
    site: Site, session: Session, read_timeout_s: float = READ_TIMEOUT_S, clock: Callable[[], float] = time.time
) -> AsyncIterator[Asker]:
    """Yield what asks with aiohttp."""
    async with open_client(session, read_timeout_s) as http:
        yield HttpAsker(site, session, http, read_timeout_s, clock)


class HttpAsker:
    """Asks with aiohttp."""

    def __init__(
        self,
        site: Site,
        session: Session,
        http: aiohttp.ClientSession,
        read_timeout_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._site = site
        self._session = session
        self._http = http
        self._read_timeout_s = read_timeout_s
        self._clock = clock

    async def ask(self, probe: Probe, session: Session | None, *, reads_all: bool = False) -> ProbeAnswer:
        """Return the answer to *probe*, with the session or without any. Errors as :meth:`Asker.ask`."""
        url = resolve_probe(self._site, probe, self._session)
        headers = self._build_headers(probe, session, url)
        with typed_errors(url, self._read_timeout_s):
            async with self._http.request(
                probe.method, url, data=probe.body or None, headers=headers, allow_redirects=False
            ) as response:
                check_proxy_answer(response, self._session.proxy)
                patience_s = WHOLE_ANSWER_FACTOR * self._read_timeout_s if reads_all else BODY_TIMEOUT_S
                return await self._read(response, patience_s, reads_all=reads_all or probe.needs_body)

    def _build_headers(self, probe: Probe, session: Session | None, url: URL) -> dict[str, str]:
        headers = build_probe_headers(self._site, probe, self._session, url, is_stranger=session is None)
        if session is None:
            return headers
        cookie = session.cookie_header(url, self._clock())
        return headers | ({hdrs.COOKIE: cookie} if cookie else {})

    async def _read(self, response: aiohttp.ClientResponse, patience_s: float, *, reads_all: bool) -> ProbeAnswer:
        body = await self._read_body(response, patience_s, reads_all=reads_all)
        status, headers = response.status, response.headers
        ruling = judge(self._site, response.url, status, headers, first_bytes=body, now=self._clock())
        cookies = tuple(headers.getall(hdrs.SET_COOKIE, ()))
        return ProbeAnswer(response.url, status, headers, body, cookies, reason_phrase(response), ruling)

    async def _read_body(self, response: aiohttp.ClientResponse, patience_s: float, *, reads_all: bool) -> bytes:
        """Return the body as far as it is needed; of one that goes on for long, what comes soon."""
        limit = MAX_BODY_BYTES if reads_all else MAX_FIRST_BYTES
        body = bytearray()
        try:
            async with asyncio.timeout(patience_s):
                while len(body) < limit and (data := await response.content.read(limit - len(body))):
                    body += data
        except TimeoutError:
            if reads_all:
                raise
        return bytes(body)


def resolve_probe(site: Site, probe: Probe, session: Session) -> URL:
    """Return the address of *probe*, where the site of *session* has moved to.

    Raises:
        InvalidInput: if it is not one of the site's.
    """
    try:
        url = join_url(URL(site.origin), probe.path)
    except ValueError:
        raise_alone(InvalidInput("probe", "its path is not a path or a URL"))
    if not site.owns(url):
        raise InvalidInput("probe", f"{redact_url(url)} is not at {site.origin}; the session stays there")
    return follow_move(url, site.origin, session.origin)


def build_probe_headers(site: Site, probe: Probe, session: Session, url: URL, *, is_stranger: bool) -> dict[str, str]:
    """Return the headers of a probe, without its cookies: a stranger's say only which browser it is."""
    lasting = build_lasting_headers(site, session, url)
    if is_stranger:
        return {n: v for n, v in lasting.items() if n.lower() not in SECRET_HEADERS} | dict(probe.headers)
    return lasting | dict(probe.headers) | derive_headers(site, session, probe.method, url)
