"""A session in the form of another program, and what that form can't hold."""

import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec
from yarl import URL

from aura_browser.errors import InvalidInput
from aura_browser.hosts import host_in_url, is_same_site
from aura_browser.session import Cookie, Session
from aura_browser.text import count, list_names
from aura_browser.urls import read_url


class Dumped(msgspec.Struct, frozen=True):
    """A session in another program's format.

    Attributes:
        text: the file's text, all of it secret.
        left_out: what of the session is not in it: one phrase each, with names and counts but no values.
        notes: what is in it, and works otherwise in some of the programs that read it: one sentence each.
    """

    text: str
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Dumped(left_out={self.left_out!r}, notes={self.notes!r})"

    def __rich_repr__(self) -> list[tuple[str, tuple[str, ...]]]:
        return [("left_out", self.left_out), ("notes", self.notes)]


class DumpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What some formats need besides the session.

    Attributes:
        url: the request that ``curl`` and ``header`` are for; None for the session's last page.
        now: epoch seconds; the current time if left out.
        session_days: days after which ``netscape`` has cookies without an expiry expire; None for no end, which some
            programs do not load.
        cookie_file: of ``curl``: the absolute path of a ``netscape`` file that it reads its cookies from, and writes
            nothing to; None to have the cookies for *url* in the file itself.
        netrc_file: of ``curl`` with *cookie_file*: the absolute path of a file that it reads a password from.
        keeps_bound: write cookies that only the session's browser can renew; they are good until their end.
    """

    url: str | None = None
    now: float = msgspec.field(default_factory=time.time)
    session_days: float | None = None
    cookie_file: str | None = None
    netrc_file: str | None = None
    keeps_bound: bool = False


class Check(NamedTuple):
    """A kind of cookie that a format can't hold.

    Attributes:
        one: what one of them is called.
        many: what several are called.
        fits: returns whether a cookie is one of them.
    """

    one: str
    many: str
    fits: Callable[[Cookie], bool]


NAMELESS: Final = Check("cookie without a name", "cookies without a name", lambda cookie: not cookie.name)
PARTITIONED: Final = Check("partitioned cookie", "partitioned cookies", lambda cookie: cookie.partition_key is not None)
WITH_TAB: Final = Check(
    "cookie with a tab", "cookies with a tab", lambda cookie: "\t" in f"{cookie.name}{cookie.value}{cookie.path}"
)
NOT_ASCII: Final = Check(
    "cookie with characters outside ASCII",
    "cookies with characters outside ASCII",
    lambda cookie: not f"{cookie.name}{cookie.value}".isascii(),
)

HOST_ONLY: Final = Check("host-only cookie", "host-only cookies", lambda cookie: cookie.host_only)
ENDLESS: Final = Check(
    "cookie that ends with the browser", "cookies that end with the browser", lambda cookie: cookie.expires is None
)

DOTLESS: Final = Check(
    "cookie of a host without a dot",
    "cookies of hosts without a dot",
    lambda cookie: "." not in cookie.domain,
)
"""Python's jar ends such a host in ``.local``, and sends it none of these (``http.cookiejar.eff_request_host``)."""


def sort_out(cookies: Iterable[Cookie], *checks: Check) -> tuple[list[Cookie], list[str]]:
    """Return the cookies that no check fits, and a sentence for each kind of the others."""
    kept = list(cookies)
    told = []
    for check in checks:
        if gone := [cookie for cookie in kept if check.fits(cookie)]:
            kept = [cookie for cookie in kept if not check.fits(cookie)]
            told.append(f"{count(gone, check.one, check.many)}: {list_names(cookie.name for cookie in gone)}")
    return kept, told


def describe_fitting(cookies: Iterable[Cookie], check: Check, consequence: str) -> list[str]:
    """Return a sentence on the cookies that *check* fits, if there are some.

    Args:
        cookies: what is written.
        check: a kind of cookies.
        consequence: what some programs do with them.
    """
    fitting = [cookie for cookie in cookies if check.fits(cookie)]
    names = list_names(cookie.name for cookie in fitting)
    return [f"{count(fitting, check.one, check.many)} {consequence}: {names}"] if fitting else []


def describe_rest(session: Session, *, headers: bool = True, storage: bool = True, proxy: bool = True) -> list[str]:
    """Return a sentence for each part of *session* besides its cookies.

    Args:
        session: the session.
        headers: whether to name the user agent and the headers.
        storage: whether to name what the browser's storage held.
        proxy: whether to name the proxy.
    """
    told = []
    if headers and (session.headers or session.user_agent):
        told.append(f"the headers: {list_names(session.headers or ['User-Agent'])}")
    if storage and session.local_storage:
        told.append(f"{count(session.local_storage, 'entry', 'entries')} of local storage")
    if storage and (origins := session.extra_storage.get("origins")):
        told.append(f"further storage of {count(origins, 'origin')}")
    if proxy and session.proxy:
        told.append("the proxy")
    return told


def choose_url(session: Session, options: DumpOptions) -> URL:
    """Return the address of the request that a file is for.

    Raises:
        InvalidInput: if it is not of the session's site, where neither its headers nor its cookies may go.
    """
    url = read_url(options.url or session.url)
    if not is_same_site(url, URL(session.origin)):
        raise InvalidInput("url", f"it is not of the session's site, {session.origin}")
    return url


def dotted_domain(cookie: Cookie) -> str:
    """Return the domain as most formats write it: with a leading dot if subdomains get the cookie."""
    host = host_in_url(cookie.domain)
    return host if cookie.host_only else f".{host}"
