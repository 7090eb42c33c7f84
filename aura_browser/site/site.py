"""The values that describe a web app."""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from yarl import URL

from aura_browser.engine import Engine
from aura_browser.errors import InvalidInput
from aura_browser.hosts import is_same_site, origin_of, parse_url
from aura_browser.site.addresses import page_url
from aura_browser.site.condition import Condition
from aura_browser.site.mark import Mark
from aura_browser.site.moves import list_moves
from aura_browser.site.place import Expiry, Template
from aura_browser.site.refresh_request import RefreshRequest
from aura_browser.site.tokens import Auth, Csrf
from aura_browser.text import hide_tokens, redact_url
from aura_browser.urls import read_url

if TYPE_CHECKING:
    from aura_browser.session import Session

Marks = str | Mark | tuple[str | Mark, ...]
"""What an answer looks like, each as :meth:`aura_browser.site.mark.Mark.parse` reads it."""

Refresh = Literal["never", "headless", "interactive", "kept"]
"""What a renewal may do: open no browser, a headless one, one with a window, or a headless one that stays open."""

TransportName = Literal["http", "page", "auto"]
"""What carries requests: aiohttp, a page in a browser, or that page where the site refuses aiohttp."""

Login = Literal["", "basic"]
"""How people log in: at a page, or with HTTP basic authentication."""

Derive = Callable[["Session", str], Mapping[str, str]]
"""Returns request headers made from a session, such as a bearer token; its second argument is the request's method."""


@dataclass(frozen=True)
class Probe:
    """One request that a site answers differently with and without a login.

    Without *good* and *dropped* the two answers are compared by status, address, type and signs of a login page.

    Attributes:
        path: a path of the site with its query, or an address at one of its origins.
        method: such as ``GET``.
        headers: besides the session's own.
        body: the request's body; empty for none.
        good: what the answer to a good session looks like; one of these has to fit.
        dropped: what the answer looks like once the site has dropped the session; any of these decides.
        identity: where the answer names the account: ``json:PATH``, or ``text:BEFORE``, which takes the text behind
            *BEFORE* up to the next tag or end of line. Empty if a renewal's account can't be checked.

    Raises:
        InvalidInput: for a mark or an identity of another form.
    """

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    good: Marks = ()
    dropped: Marks = ()
    identity: str = ""

    def __post_init__(self) -> None:
        if self.identity and not re.fullmatch(r"(json|text):.+", self.identity, re.DOTALL):
            raise InvalidInput("identity", "must be json:PATH or text:BEFORE")
        _ = self.good_marks, self.dropped_marks

    def describe(self) -> str:
        """Return what is asked, without what may be secret."""
        return f"asked {self.method} {redact_url(self.path).partition(';')[0]}"

    @property
    def is_plain(self) -> bool:
        """Whether a path of the site says all of it, and holds nothing that looks like a secret."""
        is_path = self.path.isprintable() and re.fullmatch(r"/(?!/)\S*", self.path) is not None
        return is_path and self == Probe(self.path) and hide_tokens(self.path) == self.path

    @cached_property
    def needs_body(self) -> bool:
        """Whether the whole body of its answer is needed."""
        return bool(self.identity) or any(mark.needs_body for mark in (*self.good_marks, *self.dropped_marks))

    @cached_property
    def good_marks(self) -> tuple[Mark, ...]:
        """What a good answer looks like."""
        return _parse_marks(self.good)

    @cached_property
    def dropped_marks(self) -> tuple[Mark, ...]:
        """What the answer to a dropped session looks like."""
        return _parse_marks(self.dropped)


def _parse_marks(marks: Marks) -> tuple[Mark, ...]:
    each = marks if isinstance(marks, tuple) else (marks,)
    return tuple(Mark.parse(mark) if isinstance(mark, str) else mark for mark in each)


@dataclass(frozen=True)
class Site:
    """A web app.

    A site's page is ready when it has loaded with a status below 400 and meets every condition in *ready*.

    Attributes:
        url: the page that a browser opens.
        ready: conditions that the page must meet as well.
        api_paths: path prefixes of the site's API. There an HTML page or a redirect to another page is never the
            app's own answer: it is a login or check page, and the session is stale.
        probe: the request that proves a session; None requests the page that the session was harvested at.
        dialect: the name of the site's chat dialect (:mod:`aura_browser.chat.dialects`); empty if it has none.
        chat_base: the path that those of the chat API begin with, such as ``/openai/v1``; empty for the dialect's own.
        origins: further origins that the session is sent to, such as ``https://api.example.com``. Each must be of
            the same registrable domain as *url*.
        headers: names of browser headers to keep, in addition to user agent, client hints and language.
        derive: makes request headers from the session, such as a token's; they go to *url*'s origin and *origins* only.
        name: what it is called in ``sites.toml``; empty if it is not there.
        dropped: marks of answers to a session that has ended, besides those that are known.
        not_dropped: marks of answers that say nothing of the session; they win over all others.
        stated_headers: headers that each request gets, unless its caller gives them.
        engine: the browser that a harvest uses if its caller names none.
        proxy_variable: the environment variable that holds the URL of the proxy to use if the caller names none.
        refresh: what a renewal may do if the caller does not say.
        transport: what carries requests if the caller does not say.
        auth: the request header that is made from the session; it goes to *url*'s origin and *origins* only.
        csrf: the token against forgery, which goes there too.
        first_messages: by path, the message that a WebSocket begins with.
        expires: where the session says when it ends; None to take it from a token or the cookies.
        ignore_cookies: patterns of names of cookies that say nothing of the session's end.
        refresh_request: renews the session without a browser.
        login: ``basic`` if the site asks for a user and a password with HTTP basic authentication, else empty.

    Raises:
        InvalidInput: if an origin is malformed or belongs to another site, or a mark has another form.
    """

    url: str
    ready: tuple[Condition, ...] = ()
    api_paths: tuple[str, ...] = ()
    probe: Probe | None = None
    dialect: str = ""
    chat_base: str = ""
    origins: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    derive: Derive | None = field(default=None, repr=False)
    name: str = ""
    dropped: Marks = ()
    not_dropped: Marks = ()
    stated_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    engine: Engine | None = None
    proxy_variable: str = ""
    refresh: Refresh | None = None
    transport: TransportName | None = None
    auth: Auth | None = None
    csrf: Csrf | None = None
    first_messages: Mapping[str, Template] = field(default_factory=dict)
    expires: Expiry | None = None
    ignore_cookies: tuple[str, ...] = ()
    refresh_request: RefreshRequest | None = None
    login: Login = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", page_url(self.url))
        _ = self.dropped_marks, self.not_dropped_marks
        for origin in self.origins:
            _check_origin(origin, self.url)

    @cached_property
    def asks_probe(self) -> bool:
        """Whether its page is ready only once the probe takes the session."""
        return any(condition.kind == "probe" for condition in self.ready)

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port, such as ``https://openchat.team``."""
        return str(origin_of(read_url(self.url)))

    @cached_property
    def own_origins(self) -> frozenset[URL]:
        """All origins that the session is sent to: that of *url*, where it may move to (``list_moves``), and others."""
        origin = URL(self.origin)
        return frozenset({origin, *list_moves(origin), *(read_url(other) for other in self.origins)})

    @cached_property
    def dropped_marks(self) -> tuple[Mark, ...]:
        """What the answer to a session that has ended looks like."""
        return _parse_marks(self.dropped)

    @cached_property
    def not_dropped_marks(self) -> tuple[Mark, ...]:
        """What an answer that says nothing of the session looks like."""
        return _parse_marks(self.not_dropped)

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """All marks of answers."""
        return (*self.not_dropped_marks, *self.dropped_marks)

    def owns(self, url: URL) -> bool:
        """Return whether the session is sent to *url*: whether it is at one of the site's own origins."""
        # The first is often true, and yarl keeps the origin of an address.
        return url.origin() in self.own_origins or origin_of(url) in self.own_origins

    def login_command(self, *options: str, how: str | None = None) -> str:
        """Return the command with which a person logs in here, with the site's conditions and its probe.

        Args:
            options: further words of the command, which are appended.
            how: ``--interactive`` for a window, or ``--basic`` for HTTP basic authentication; None as *login* says.
        """
        how = how or ("--basic" if self.login == "basic" else "--interactive")
        words = ["aura-browser", "harvest", self.name or hide_tokens(self.url), how]
        if not self.name:  # otherwise they are in the site's definition
            words += [word for condition in self.ready for word in ("--until", str(condition))]
            words += ["--probe", self.probe.path] if self.probe is not None and self.probe.is_plain else []
        return shlex.join([*words, *options])

    def is_api(self, url: URL) -> bool:
        """Return whether *url* belongs to the site's API."""
        return self.owns(url) and url.path.startswith(self.api_paths)


def _check_origin(origin: str, url: str) -> None:
    try:
        is_origin = str(origin_of(parse_url(origin, {"http", "https"}))) == origin
    except ValueError:
        is_origin = False
    if not is_origin:
        raise InvalidInput(
            "origins", "must be origins such as https://api.example.com, without a path or a default port"
        )
    if not is_same_site(URL(origin), read_url(url)):
        raise InvalidInput("origins", f"{redact_url(origin)} belongs to another site; a session is never sent there")


def page_site(url: str, until: tuple[Condition, ...] = ()) -> Site:
    """Return the site of any page.

    Args:
        url: the page; ``https://`` is added to a bare host.
        until: conditions that the page must meet before its session is read.

    Raises:
        InvalidInput: if *url* is not an http or https URL, or contains a password.
    """
    return Site(url=page_url(url), ready=until)
