"""What a response says about the session."""

import re
from collections.abc import Mapping
from enum import Enum
from http import HTTPStatus
from typing import Final

import msgspec
from yarl import URL

from aura_browser.errors import RateLimited, SessionRefused, SiteFailed
from aura_browser.hosts import origin_of
from aura_browser.http.redirects import REDIRECTS, redirect_target
from aura_browser.request import parse_retry_after
from aura_browser.site import Site
from aura_browser.site.mark import Answer
from aura_browser.text import redact_url

MAX_FIRST_BYTES: Final = 256 * 1024
"""As far as a body is looked at: a login page may have its styles and pictures in it, before its form."""
# 419 is not standard; Laravel and others send it when a session has expired.
_STALE_STATUSES: Final = frozenset({HTTPStatus.UNAUTHORIZED, 419})
# Found in check and login pages (Cloudflare's and others), but not in a server's error page. They are looked for in
# lower case, which is ten times as fast as without regard to case, and no part is unbounded.
_CHECK_MARK: Final = re.compile(rb"<(?:body[^<>]{0,500}\bno-js\b|title>\s{0,9}just a moment)")
_CHECK_SCRIPT: Final = b"challenge-platform"
_TEXT_ENDINGS: Final = ("/json", "+json", "/xml", "+xml", "/javascript")
_PASSWORD_FIELD: Final = re.compile(rb"<input[^<>]{0,500}\btype=[\"']?password\b")


class Verdict(Enum):
    """What a response says about the session."""

    OK = "ok"
    STALE = "stale"
    SUSPECT = "suspect"
    LIMITED = "limited"
    FAILED = "failed"

    @property
    def is_doubtful(self) -> bool:
        """Whether it speaks against the session, clearly or not."""
        return self in {Verdict.STALE, Verdict.SUSPECT}


class Ruling(msgspec.Struct, frozen=True):
    """A verdict and its reason.

    Attributes:
        verdict: the verdict.
        mark: what in the response decided it, to show.
        retry_after_s: seconds to wait after a limit, or None.
        is_marked: whether a mark of the site's definition decided it.
    """

    verdict: Verdict
    mark: str
    retry_after_s: float | None = None
    is_marked: bool = False


_PLAIN_OK: Final = Ruling(Verdict.OK, "status 200")


def judge_plain(site: Site, status: int, headers: Mapping[str, str]) -> Ruling | None:
    """Return the ruling on a normal answer of openchat-ui, as :func:`judge` does; None for any other answer."""
    is_plain = status == 200 and not site.marks and "Content-Type" not in headers and "cf-mitigated" not in headers  # noqa: PLR2004 - a hot path
    return _PLAIN_OK if is_plain else None


def judge(
    site: Site, url: URL, status: int, headers: Mapping[str, str], *, first_bytes: bytes = b"", now: float
) -> Ruling:
    """Judge one response of *site*.

    - 429 is *limited*, whatever else the response says.
    - What fits a mark of the site's own is as that says: *not_dropped* before *dropped*, which is *stale*.
    - 401, 419 and ``cf-mitigated: challenge`` are *stale*, and so is a 503 with a check page.
    - What may have another cause is *suspect*: 403, a redirect to another address, a page from an API path, and a page
      with a password field or a check.
    - Every other status from 400 up is *failed*.
    - Everything else is *ok*.

    Args:
        site: the site that responded.
        url: the requested URL.
        status: the HTTP status.
        headers: the response's headers, in a case-insensitive mapping such as aiohttp's.
        first_bytes: the start of the body; needed only if :func:`needs_first_bytes` returns True.
        now: epoch seconds.
    """
    marks = site.marks
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Ruling(Verdict.LIMITED, "status 429", retry_after_s(headers, now))
    if marks and (ruling := _judge_by_marks(site, url, status, headers, first_bytes)):
        return ruling
    if mark := _find_stale_mark(status, headers, first_bytes):
        return Ruling(Verdict.STALE, mark)
    if mark := _find_suspect_mark(site, url, status, headers, first_bytes):
        return Ruling(Verdict.SUSPECT, mark)
    is_error = status >= HTTPStatus.BAD_REQUEST
    verdict, wait_s = (Verdict.FAILED, retry_after_s(headers, now)) if is_error else (Verdict.OK, None)
    return Ruling(verdict, f"status {status}", wait_s)


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
            raise SiteFailed(redact_url(url), status, reason, ruling.retry_after_s)


def raise_for_status(site: Site, url: URL, status: int, headers: Mapping[str, str], reason: str, *, now: float) -> None:
    """Raise the error for a response that its caller got, if it is not a success: it says nothing of the session.

    Args:
        site: the site that responded.
        url: the requested URL.
        status: the HTTP status.
        headers: the response's headers.
        reason: the reason phrase, cleaned for a terminal.
        now: epoch seconds.

    Raises:
        RateLimited: 429.
        SiteFailed: any other status from 300 up.
    """
    ruling = judge(site, url, status, headers, now=now)
    if ruling.verdict.is_doubtful or (ruling.verdict is Verdict.OK and status >= HTTPStatus.MULTIPLE_CHOICES):
        ruling = Ruling(Verdict.FAILED, ruling.mark)
    raise_for(ruling, url, status, reason)


def needs_first_bytes(site: Site, status: int, headers: Mapping[str, str]) -> bool:
    """Return whether :func:`judge` needs the start of the body: of a page, with 200 or 503, or for a mark."""
    return (status in {200, 503} and is_html(headers)) or needs_marked_bytes(site, status, headers)


def needs_marked_bytes(site: Site, status: int, headers: Mapping[str, str]) -> bool:
    """Return whether a mark of *site* looks at the body of such a response. A stream of events is left alone."""
    if not site.marks or not any(mark.needs_body and mark.status in {None, status} for mark in site.marks):
        return False
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind != "text/event-stream" and (kind.startswith("text/") or kind.endswith(_TEXT_ENDINGS))


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds to wait according to ``Retry-After`` (RFC 9110 section 10.2.3), or None."""
    return parse_retry_after(headers.get("Retry-After", ""), now)


def is_check(headers: Mapping[str, str], first_bytes: bytes) -> bool:
    """Return whether an answer is a check of the visitor, which says nothing of a login."""
    is_challenge = headers.get("cf-mitigated", "").lower() == "challenge"
    return is_challenge or (is_html(headers) and _has_check_mark(first_bytes.lower()))


def find_login_mark(first_bytes: bytes) -> str:
    """Return what in the beginning of a page shows that it is a login or a check; empty for nothing."""
    page = first_bytes.lower()
    if _has_check_mark(page):
        return "a check page"
    return "a page with a password field" if _PASSWORD_FIELD.search(page) else ""


def _has_check_mark(page: bytes) -> bool:
    return _CHECK_SCRIPT in page or _CHECK_MARK.search(page) is not None


def _judge_by_marks(site: Site, url: URL, status: int, headers: Mapping[str, str], first_bytes: bytes) -> Ruling | None:
    """Return what the marks of *site* say of a response; None if none fits."""
    try:
        location = redirect_target(url, status, headers)
    except ValueError:
        location = None
    answer = Answer(status, headers, location, first_bytes)
    if any(mark.matches(answer) for mark in site.not_dropped_marks):
        verdict = Verdict.FAILED if status >= HTTPStatus.BAD_REQUEST else Verdict.OK
        return Ruling(verdict, f"status {status}", is_marked=True)
    if any(mark.matches(answer) for mark in site.dropped_marks):
        return Ruling(Verdict.STALE, f"status {status}, as the site answers a dropped session", is_marked=True)
    return None


def _find_stale_mark(status: int, headers: Mapping[str, str], first_bytes: bytes) -> str:
    if headers.get("cf-mitigated", "").lower() == "challenge":
        return f"status {status}, cf-mitigated: challenge"
    if status in _STALE_STATUSES:
        return f"status {status}"
    is_check = status == HTTPStatus.SERVICE_UNAVAILABLE and find_login_mark(first_bytes)
    return f"status {status} with a check page" if is_check else ""


def _find_suspect_mark(site: Site, url: URL, status: int, headers: Mapping[str, str], first_bytes: bytes) -> str:
    if status == HTTPStatus.FORBIDDEN:
        return f"status {status}"
    if status in REDIRECTS:
        return describe_redirect(url, status, headers)
    if status >= HTTPStatus.BAD_REQUEST or not is_html(headers):
        return ""
    if mark := find_login_mark(first_bytes):
        return f"status {status} with {mark}"
    return f"status {status} with an HTML page from an API path" if site.is_api(url) else ""


def describe_redirect(url: URL, status: int, headers: Mapping[str, str]) -> str:
    """Return the target of a redirect from *url*, to show; empty if it stays there or is not a redirect.

    The same path with another query is another address; one that ends with a slash, or with TLS, is not.
    """
    try:
        target = redirect_target(url, status, headers)
    except ValueError:
        return f"status {status} to a malformed URL"
    if target is None or _is_same_address(target, url):
        return ""
    return f"status {status} to {redact_url(target)}"  # the query of a login page may contain tokens


def _is_same_address(target: URL, url: URL) -> bool:
    """Return whether a redirect stays where it was asked: TLS and a last slash may be added."""
    origin = origin_of(url)
    upgraded = origin.with_scheme("https").with_port(None) if origin.scheme == "http" else origin
    places = {origin, upgraded} if origin.port == 80 else {origin}  # noqa: PLR2004 - a port
    same_path = target.path.rstrip("/") == url.path.rstrip("/")
    return origin_of(target) in places and same_path and target.query_string == url.query_string


def is_html(headers: Mapping[str, str]) -> bool:
    """Return whether a response is a page, as its type says."""
    return headers.get("Content-Type", "").lower().startswith(("text/html", "application/xhtml"))
