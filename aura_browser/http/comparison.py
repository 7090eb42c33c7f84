"""What the answer to a probe looks like: what is compared between one with the session and one without it."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from hashlib import sha256
from http import HTTPStatus
from typing import Final

import msgspec
from yarl import URL

from aura_browser.charsets import decode_text, find_charset
from aura_browser.http.redirects import REDIRECTS, redirect_target
from aura_browser.http.verdict import Ruling, Verdict, describe_redirect, find_login_mark, is_check, is_html
from aura_browser.session import Session
from aura_browser.session.set_cookie import parse_set_cookie
from aura_browser.site import Probe
from aura_browser.site.json_path import read_path
from aura_browser.site.mark import Answer
from aura_browser.text import redact_url

_MAX_IDENTITY_LENGTH: Final = 200


class ProbeAnswer(msgspec.Struct, frozen=True):
    """One answer to a probe.

    Attributes:
        url: where it was asked.
        status: the HTTP status.
        headers: the response's headers.
        body: the body's beginning.
        set_cookies: the values of its ``Set-Cookie`` headers.
        reason: its reason phrase, cleaned for a terminal.
        ruling: what the verdict says of it.
    """

    url: URL
    status: int
    headers: Mapping[str, str]
    body: bytes
    set_cookies: tuple[str, ...]
    reason: str
    ruling: Ruling

    def __repr__(self) -> str:
        return f"ProbeAnswer({self.status}, {redact_url(self.url)!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("status", self.status), ("url", redact_url(self.url))]

    def describe(
        self, session: Session, now: float, identity: str | None, ignored: AbstractSet[str] = frozenset()
    ) -> str:
        """Return what is compared, as a short text without any value.

        Args:
            session: whose cookies may have been reset.
            now: epoch seconds.
            identity: a digest of the account that the answer names, or None.
            ignored: names of cookies whose reset is left out.
        """
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        login = find_login_mark(self.body) if is_html(self.headers) else ""
        challenge = "asks for a login" if "WWW-Authenticate" in self.headers else ""
        resets = ",".join(sorted(find_resets(session, self.set_cookies, self.url, now) - ignored))
        facts = (
            str(self.status),
            self._describe_target(),
            kind,
            login,
            challenge,
            resets and f"ends {resets}",
            identity,
        )
        return "; ".join(filter(None, facts))

    def says_something(self, probe: Probe) -> bool:
        """Return whether an answer without the session shows how the site answers those who are not logged in.

        That is not so for a limit, a failure, and a visitor without cookies who is checked or sent to the same address
        again, because anybody's cookies make a difference there.
        """
        if self.ruling.verdict is Verdict.LIMITED:
            return False
        if probe.good_marks:
            return self.status < HTTPStatus.INTERNAL_SERVER_ERROR or self.ruling.verdict is not Verdict.FAILED
        is_same_again = self.status in REDIRECTS and not describe_redirect(self.url, self.status, self.headers)
        return not (is_same_again or self.is_failure or is_check(self.headers, self.body))

    def find_refusal(self, probe: Probe) -> str:
        """Return what shows that the site does not take the session; empty if nothing does."""
        answer = self.as_marked
        if any(mark.matches(answer) for mark in probe.dropped_marks):
            return f"status {self.status}, as the site answers a dropped session"
        if self.fits_good(probe) or self.is_failure:
            return ""
        if probe.good_marks:
            return f"status {self.status}, not as the site answers a good session"
        if mark := describe_redirect(self.url, self.status, self.headers):
            return mark
        return self.ruling.mark if self.ruling.verdict.is_doubtful else ""

    @property
    def is_failure(self) -> bool:
        """Whether the site failed, which says nothing of the session."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR and self.ruling.verdict is Verdict.FAILED

    def fits_good(self, probe: Probe) -> bool:
        """Return whether a mark says that the site answers a good session so."""
        answer = self.as_marked
        return any(mark.matches(answer) for mark in probe.good_marks)

    @property
    def as_marked(self) -> Answer:
        """The answer as marks look at it."""
        return Answer(self.status, self.headers, self._find_target(), self.body)

    def read_identity(self, probe: Probe) -> str | None:
        """Return a digest of the account that the answer names; None if it names none."""
        kind, _, place = probe.identity.partition(":")
        if kind == "json":
            account = read_path(self.body, place)
        elif kind == "text":
            account = _read_behind(decode_text(self.body, find_charset(self.headers, self.body)), place)
        else:
            account = None
        return None if not account else sha256(account.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def _find_target(self) -> URL | None:
        try:
            return redirect_target(self.url, self.status, self.headers)
        except ValueError:
            return None

    def _describe_target(self) -> str:
        target = self._find_target()
        if target is None:
            return ""
        # A query, or a parameter such as ;jsessionid=, may hold a token, and differs each time.
        return f"to {redact_url(target).partition(';')[0]}"


def find_resets(session: Session, set_cookies: Iterable[str], url: URL, now: float) -> set[str]:
    """Return the names of the session's cookies that ``Set-Cookie`` headers of *url* delete or empty."""
    own = {cookie.identity for cookie in session.cookies}
    answered = (parse_set_cookie(header, url, now) for header in set_cookies)
    return {
        cookie.name
        for cookie in answered
        if cookie
        and cookie.identity in own
        and (cookie.value in {"", '""', "deleted"} or (cookie.expires is not None and cookie.expires <= now))
    }


def _read_behind(text: str, before: str) -> str:
    rest = text.partition(before)[2].lstrip()
    return rest[:_MAX_IDENTITY_LENGTH].partition("<")[0].partition("\n")[0].strip()
