"""The values that say what is particular to a web app."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from yarl import URL

from aura_browser.errors import InvalidInput
from aura_browser.hosts import is_same_site, origin_of
from aura_browser.site.addresses import page_url
from aura_browser.site.condition import Condition


@dataclass(frozen=True)
class Probe:
    """One request that a site answers differently with and without a login.

    Attributes:
        path: a path of the site with its query, or an address at one of its origins.
        method: such as ``GET``.
        headers: besides the session's own.
        body: what it carries; empty for nothing.
    """

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Site:
    """A web app.

    A site's page is ready when it has loaded with a status below 400 and every condition in *ready* holds.

    Attributes:
        url: the page that a browser opens.
        ready: what has to hold there besides.
        api_paths: beginnings of paths that answer programs. There an HTML page or a redirect to elsewhere is never
            the app's own answer: it is a login or check page, and the session is stale.
        probe: proves a session; None asks for the page that the session was harvested at.
        dialect: the name of the chat dialect that is spoken there (:mod:`aura_browser.chat.dialects`); empty for none.
        origins: further origins that the session goes to, such as ``https://api.example.com``. Each has to be of the
            same registrable domain as *url*.
        headers: names of headers that are kept of what the browser sent, besides user agent, client hints and
            language.

    Raises:
        InvalidInput: for an origin that is not one, or that belongs to another site.
    """

    url: str
    ready: tuple[Condition, ...] = ()
    api_paths: tuple[str, ...] = ()
    probe: Probe | None = None
    dialect: str = ""
    origins: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for origin in self.origins:
            _check_origin(origin, self.url)

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port, such as ``https://openchat.team``."""
        return str(origin_of(URL(self.url)))

    @cached_property
    def own_origins(self) -> frozenset[URL]:
        """All origins that the session goes to, its own first page's among them."""
        return frozenset(URL(origin) for origin in (self.origin, *self.origins))

    def owns(self, url: URL) -> bool:
        """Return whether the session goes to *url*: it is at one of the site's own origins."""
        return origin_of(url) in self.own_origins

    def login_command(self, *options: str) -> str:
        """Return the command by which a person logs in there, in a window; *options* are added to it."""
        words = ["aura-browser", "harvest", self.url, "--interactive"]
        for condition in self.ready or ("CONDITION",):
            words += ["--until", str(condition)]
        return shlex.join([*words, *options])

    def is_api(self, url: URL) -> bool:
        """Return whether *url* is one of the site's that answer programs."""
        return self.owns(url) and url.path.startswith(self.api_paths)


def _check_origin(origin: str, url: str) -> None:
    try:
        address = URL(origin)
        is_origin = address.scheme in {"http", "https"} and str(origin_of(address)) == origin
    except ValueError:
        is_origin = False
    if not is_origin:
        raise InvalidInput("origins", "must be origins, such as https://api.example.com: no path, no default port")
    if not is_same_site(URL(origin), URL(url)):
        raise InvalidInput("origins", f"{origin} belongs to another site; a session is never sent there")


def page_site(url: str, until: tuple[Condition, ...] = ()) -> Site:
    """Return the site that any page is at.

    Args:
        url: the page; ``https://`` is put before a bare host.
        until: what has to hold there before its session is read.

    Raises:
        InvalidInput: if *url* is not an address that a browser can open, or holds a password.
    """
    return Site(url=page_url(url), ready=until)
