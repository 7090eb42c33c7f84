"""What a response that is not plainly good says of its session, after the probe was asked where that tells more."""

from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from aura_browser.http.verdict import Ruling, Verdict
from aura_browser.keeping.answers import Answers
from aura_browser.session import Session

# For want of a login, or of a right or a fresh CSRF token: where a probe tells, it is asked before a browser opens.
_MAY_BE_THE_CALLERS: Final = frozenset({401, 419})

IsLeft = Callable[[], bool]
"""Returns whether the session's requests are sent by another transport from now on."""

ADVICE: Final = (
    "The site accepted the browser, but not this client: it may bind its session to the browser's address or "
    "TLS, or require a login.{before} Log in yourself: {command}"
)
"""For a session that is refused right after its harvest."""


def stays() -> bool:
    """Return that no other transport takes over."""
    return False


class Exchange(msgspec.Struct, frozen=True):
    """A request that was sent with a session, and the beginning of its response.

    Attributes:
        method: the request's.
        url: the request's.
        status: the response's.
        headers: the response's, repeated ones too.
    """

    method: str
    url: URL
    status: int
    headers: CIMultiDict[str] | CIMultiDictProxy[str]


async def settle(
    answers: Answers, exchange: Exchange, session: Session, ruling: Ruling, is_left: IsLeft = stays
) -> Ruling:
    """Return what a response that is not plainly good says of *session*; take its cookies if the probe allows.

    Args:
        answers: asks the probe.
        exchange: the request and the response.
        session: as it was sent.
        ruling: what the response alone says.
        is_left: whether another transport takes over, for which the probe speaks then.
    """
    set_cookies = exchange.headers.getall(hdrs.SET_COOKIE, ())
    date = exchange.headers.get(hdrs.DATE, "")
    passes = None  # the session with the cookies of the response has not been asked about
    if _is_put_to_probe(exchange, ruling):
        passes = await answers.passes_with(session, set_cookies, exchange.url, date)
        is_callers = passes or await _belongs_to_caller(answers, exchange, session, ruling)
        ruling = msgspec.structs.replace(ruling, verdict=Verdict.OK if is_callers and not is_left() else Verdict.STALE)
    if ruling.verdict is Verdict.LIMITED:  # a probe is a request too
        answers.accept(session, set_cookies, exchange.url, date)
    elif ruling.verdict is not Verdict.STALE and passes is None:
        # Cookies of errors count too, as in browsers (RFC 6265, section 3).
        await answers.accept_doubtful(session, set_cookies, exchange.url, date)
    return ruling


def _is_put_to_probe(exchange: Exchange, ruling: Ruling) -> bool:
    is_stated = ruling.is_marked or exchange.status in _MAY_BE_THE_CALLERS
    return ruling.verdict is Verdict.SUSPECT or (ruling.verdict is Verdict.STALE and is_stated)


async def _belongs_to_caller(answers: Answers, exchange: Exchange, session: Session, ruling: Ruling) -> bool:
    if ruling.verdict is Verdict.STALE:
        return await answers.is_good(session)
    place = f"{exchange.method} {exchange.url} {exchange.headers.get(hdrs.LOCATION, '')}"
    return await answers.belongs_to_caller(session, ruling.mark, place)
