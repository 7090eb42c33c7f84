"""What a response says about the session."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus
from typing import Final

import msgspec
from yarl import URL

from aura_browser.errors import RateLimited, SessionRefused, SiteFailed
from aura_browser.hosts import origin_of
from aura_browser.http.redirects import REDIRECTS, redirect_target
from aura_browser.site import Site
from aura_browser.text import redact_url

# 419 is no standard status; Laravel and others answer so when a session has expired.
_STALE_STATUSES: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, 419})
# What checks and logins show (measured, and Cloudflare's); the error page of a server shows none of it.
_CHECK_MARK: Final = re.compile(
    rb"<body[^>]*\bno-js\b|<title>\s*just a moment|challenge-platform|type=.?password", re.IGNORECASE
)


class Verdict(Enum):
    """What a response says about the session."""

    OK = "ok"
    STALE = "stale"
    LIMITED = "limited"
    FAILED = "failed"


class Ruling(msgspec.Struct, frozen=True):
    """A verdict and what it rests on.

    Attributes:
        verdict: the verdict.
        mark: what in the response decided, for people.
        retry_after_s: seconds that a limit asks to wait, or None.
    """

    verdict: Verdict
    mark: str
    retry_after_s: float | None = None


_BARE_TEXT: Final = Ruling(Verdict.OK, "status 200")  # the openchat-ui app's good answer


def judge(
    site: Site, url: URL, status: int, headers: Mapping[str, str], *, first_bytes: bytes = b"", now: float
) -> Ruling:
    """Judge one response of *site*.

    - 429 is *limited*, before all else: a limit is honoured, whatever else the answer says.
    - 401, 403, 419 and ``cf-mitigated: challenge`` are *stale*.
    - On the site's API paths so are a redirect to another page or origin, and HTML with a status below 400.
    - 503 is *stale* if it is a page that runs a check, otherwise *failed*, as is every other status from 400 up.
    - All else is *ok*.

    Args:
        site: whose response it is.
        url: what was asked for.
        status: the HTTP status.
        headers: the response's; looked up case-insensitively by the mapping itself (as aiohttp's are).
        first_bytes: the beginning of the body; needed only where :func:`wants_first_bytes` says so.
        now: epoch seconds.
    """
    if status == 200 and "Content-Type" not in headers and "cf-mitigated" not in headers:  # noqa: PLR2004 - a hot path
        return _BARE_TEXT
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Ruling(Verdict.LIMITED, "status 429", retry_after_s(headers, now))
    if mark := _stale_mark(site, url, status, headers, first_bytes):
        return Ruling(Verdict.STALE, mark)
    if status >= HTTPStatus.BAD_REQUEST:
        return Ruling(Verdict.FAILED, f"status {status}")
    return Ruling(Verdict.OK, f"status {status}")


def raise_for(ruling: Ruling, url: object, status: int, reason: str, *, advice: str = "") -> None:
    """Raise the error that a verdict stands for; return if it is *ok*.

    Args:
        ruling: what was judged.
        url: what was asked for; shown without its query.
        status: the answer's.
        reason: its reason phrase, cleaned for a terminal.
        advice: for a refused session: what may differ, and what to do.

    Raises:
        SessionRefused: *stale*.
        RateLimited: *limited*.
        SiteFailed: *failed*.
    """
    match ruling.verdict:
        case Verdict.STALE:
            raise SessionRefused(redact_url(url), status, ruling.mark, advice)
        case Verdict.LIMITED:
            raise RateLimited(redact_url(url), ruling.retry_after_s)
        case Verdict.FAILED:
            raise SiteFailed(redact_url(url), status, reason)


def wants_first_bytes(status: int, headers: Mapping[str, str]) -> bool:
    """Tell whether :func:`judge` needs the beginning of the body: only for a 503 that is a page."""
    return status == 503 and _is_html(headers)  # noqa: PLR2004 - a hot path


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that ``Retry-After`` asks to wait (RFC 9110 section 10.2.3), or None."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _stale_mark(site: Site, url: URL, status: int, headers: Mapping[str, str], first_bytes: bytes) -> str:
    if headers.get("cf-mitigated", "").lower() == "challenge":
        return f"status {status}, cf-mitigated: challenge"
    if status in _STALE_STATUSES:
        return f"status {status}"
    if wants_first_bytes(status, headers):
        return f"status {status} with a check page" if _CHECK_MARK.search(first_bytes) else ""
    if status >= HTTPStatus.BAD_REQUEST or not site.is_api(url):
        return ""
    if status in REDIRECTS:
        return redirect_mark(url, status, headers)
    return f"status {status} with an HTML page where the app answers in bare text" if _is_html(headers) else ""


def redirect_mark(url: URL, status: int, headers: Mapping[str, str]) -> str:
    """Return where a redirect of *url* leads, for people; empty if it stays on the page, or is not a redirect."""
    try:
        target = redirect_target(url, status, headers)
    except ValueError:
        return f"status {status} to no readable address"
    if target is None or (origin_of(target) == origin_of(url) and target.path.rstrip("/") == url.path.rstrip("/")):
        return ""
    return f"status {status} to {redact_url(target)}"  # login pages are handed tokens in the query


def _is_html(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Type", "").lower().startswith(("text/html", "application/xhtml"))
