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

# 419 is not standard; Laravel and others send it when a session has expired.
_STALE_STATUSES: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, 419})
# Found in check and login pages (Cloudflare's and others), but not in a server's error page.
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
    """A verdict and its reason.

    Attributes:
        verdict: the verdict.
        mark: what in the response decided it, to show.
        retry_after_s: seconds to wait after a limit, or None.
    """

    verdict: Verdict
    mark: str
    retry_after_s: float | None = None


_PLAIN_OK: Final = Ruling(Verdict.OK, "status 200")  # a normal answer of openchat-ui


def judge(
    site: Site, url: URL, status: int, headers: Mapping[str, str], *, first_bytes: bytes = b"", now: float
) -> Ruling:
    """Judge one response of *site*.

    - 429 is *limited*, whatever else the response says.
    - 401, 403, 419 and ``cf-mitigated: challenge`` are *stale*.
    - On the site's API paths, a redirect to another page or origin and HTML with a status below 400 are *stale*.
    - 503 is *stale* if it is a check page. Otherwise it is *failed*, as is every other status from 400 up.
    - Everything else is *ok*.

    Args:
        site: the site that responded.
        url: the requested URL.
        status: the HTTP status.
        headers: the response's headers, in a case-insensitive mapping such as aiohttp's.
        first_bytes: the start of the body; needed only if :func:`needs_first_bytes` returns True.
        now: epoch seconds.
    """
    if status == 200 and "Content-Type" not in headers and "cf-mitigated" not in headers:  # noqa: PLR2004 - a hot path
        return _PLAIN_OK
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Ruling(Verdict.LIMITED, "status 429", retry_after_s(headers, now))
    if mark := _find_stale_mark(site, url, status, headers, first_bytes):
        return Ruling(Verdict.STALE, mark)
    if status >= HTTPStatus.BAD_REQUEST:
        return Ruling(Verdict.FAILED, f"status {status}")
    return Ruling(Verdict.OK, f"status {status}")


def raise_for(ruling: Ruling, url: object, status: int, reason: str, *, advice: str = "") -> None:
    """Raise the error for a verdict; return if it is *ok*.

    Args:
        ruling: the verdict and its reason.
        url: the requested URL; shown without its query.
        status: the response's status.
        reason: the reason phrase, cleaned for a terminal.
        advice: for a refused session: the likely cause, and what to do.

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


def needs_first_bytes(status: int, headers: Mapping[str, str]) -> bool:
    """Return whether :func:`judge` needs the start of the body: only for a 503 with an HTML page."""
    return status == 503 and _is_html(headers)  # noqa: PLR2004 - a hot path


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds to wait according to ``Retry-After`` (RFC 9110 section 10.2.3), or None."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _find_stale_mark(site: Site, url: URL, status: int, headers: Mapping[str, str], first_bytes: bytes) -> str:
    if headers.get("cf-mitigated", "").lower() == "challenge":
        return f"status {status}, cf-mitigated: challenge"
    if status in _STALE_STATUSES:
        return f"status {status}"
    if needs_first_bytes(status, headers):
        return f"status {status} with a check page" if _CHECK_MARK.search(first_bytes) else ""
    if status >= HTTPStatus.BAD_REQUEST or not site.is_api(url):
        return ""
    if status in REDIRECTS:
        return describe_redirect(url, status, headers)
    return f"status {status} with an HTML page from an API path" if _is_html(headers) else ""


def describe_redirect(url: URL, status: int, headers: Mapping[str, str]) -> str:
    """Return the target of a redirect from *url*, to show; empty if it stays on the page or is not a redirect."""
    try:
        target = redirect_target(url, status, headers)
    except ValueError:
        return f"status {status} to a malformed URL"
    if target is None or (origin_of(target) == origin_of(url) and target.path.rstrip("/") == url.path.rstrip("/")):
        return ""
    return f"status {status} to {redact_url(target)}"  # the query of a login page may contain tokens


def _is_html(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Type", "").lower().startswith(("text/html", "application/xhtml"))
