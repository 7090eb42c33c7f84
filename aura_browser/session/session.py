"""A harvested session: a frozen value with what a program needs to continue the browser's session."""

import time
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from inspect import cleandoc
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from yarl import URL

from aura_browser.errors import SessionFormatError, raise_alone
from aura_browser.hosts import origin_of, parse_url
from aura_browser.session.browser import Browser, DeviceBound
from aura_browser.session.cookie import Cookie, cookie_header
from aura_browser.session.cookie_store import fold_set_cookies
from aura_browser.session.headers import check_headers
from aura_browser.session.json_format import VERSION, decode_session
from aura_browser.urls import read_url

if TYPE_CHECKING:
    from aura_browser.session.for_clients import ClientArgs

# Cookies of Cloudflare, AWS and Akamai, from their documentation.
_INFRASTRUCTURE_COOKIES: Final = frozenset(
    {
        *("__cf_bm", "__cflb", "_cfuvid", "AWSALB", "AWSALBCORS", "AWSALBTG", "AWSALBTGCORS"),
        *("ak_bmsc", "bm_mi", "bm_sv", "bm_sz"),
    }
)

Proof = Literal["distinguished", "open", "unproven"]
"""How a site answered a session's probe: otherwise than without the session, alike, or it could not be told."""

Unknown = Literal["cookie_attributes", "user_agent", "local_storage"]
"""What the file of another program did not say of an imported session."""

_Origin = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/?#@\\]+$(?!\n)")]
_PageUrl = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/?#@\\]+(?:[/?#]\S*)?$(?!\n)")]
_HeaderName = Annotated[str, msgspec.Meta(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$(?!\n)")]
_HeaderValue = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*$(?!\n)")]


_OPENCHAT: Final = "https://openchat.team"


class Session(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A browser's session at a site. All of it is secret, and no value is part of ``repr``.

    Attributes:
        version: the version of this format; always 2.
        origin: scheme, host and port that the session is for.
        url: the last page of the browser.
        user_agent: exactly as sent.
        headers: the headers that the browser sends with every request (user agent, language, client hints), in its
            order.
        cookies: all cookies that the site may see, oldest first.
        local_storage: the origin's local storage.
        proxy: the URL of the proxy that it was harvested through, or None.
        browser: the browser's name and version.
        harvested_at: epoch seconds.
        verified_at: epoch seconds of the last proof with the real client, or None.
        rotated_at: epoch seconds of the last answer that changed a cookie, or None.
        expires_at: epoch seconds of its probable end (see :func:`guess_expiry`), or None.
        generation: how many harvests the session has behind it; orders sessions of different machines.
        rotation: how many answers have changed its cookies since its harvest.
        proof: how the site answered its probe with the session and without: ``distinguished``, ``open`` (alike) or
            ``unproven``.
        evidence: what the answers to the probe looked like at the last proof: with the session, without it, and then
            what was asked, such as ``asked GET /api/me``. Empty if nothing was proven.
        is_login: whether a person logged in for it; None if that was not recorded (version 1).
        identity: a digest of the account that the probe named; None if the site's definition names none.
        probe: the path of a request that proves it, learned from the page; None if none is known.
        page_requests: paths that the page itself asked for, from which a probe can be learned; empty once it is proven.
        dialect: the chat dialect of the page that it was harvested at; empty if that has none, or it is not known.
        tokens: further secrets of the session, by name.
        extra_storage: storage of the browser that no request uses, in the form of Playwright's storage state: a list
            ``origins``, each with ``origin`` and ``sessionStorage``, ``indexedDB``, ``opfs``, or ``localStorage`` if
            it is another origin than the session's.
        device_bound: the cookies that only the browser that it is of can renew.
        unknown: what the file of another program, from which it was imported, did not say. ``cookie_attributes``: the
            cookies are from a ``Cookie`` header, so where they go and how long they live is a guess.
    """

    version: Literal[2] = 2
    origin: _Origin
    url: _PageUrl
    user_agent: _HeaderValue
    headers: Mapping[_HeaderName, _HeaderValue]
    cookies: tuple[Cookie, ...]
    local_storage: Mapping[str, str]
    proxy: str | None
    browser: Browser
    harvested_at: float
    verified_at: float | None = None
    rotated_at: float | None = None
    expires_at: float | None = None
    generation: Annotated[int, msgspec.Meta(ge=0)] = 0
    rotation: Annotated[int, msgspec.Meta(ge=0)] = 0
    proof: Proof = "unproven"
    evidence: tuple[str, ...] = ()
    is_login: bool | None = False
    identity: str | None = None
    probe: str | None = None
    page_requests: tuple[str, ...] = ()
    dialect: str = ""
    tokens: Mapping[str, str] = {}
    extra_storage: Mapping[str, Any] = {}
    device_bound: tuple[DeviceBound, ...] = ()
    unknown: tuple[Unknown, ...] = ()

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}={value}" for name, value in self.__rich_repr__())
        return f"Session({facts})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [
            ("origin", self.origin),
            ("cookies", len(self.cookies)),
            ("local_storage", len(self.local_storage)),
            ("harvested_at", round(self.harvested_at)),
            ("generation", self.generation),
            ("proof", self.proof),
            ("fingerprint", self.fingerprint),
        ]

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits that identify the session in a log. No value can be recovered from them."""
        return sha256(msgspec.json.encode((self.user_agent, self.cookies))).hexdigest()[:8]

    @property
    def lineage(self) -> tuple[int, float]:
        """What all rotations of one harvest have in common, and nothing else has."""
        return self.generation, self.harvested_at

    @property
    def order(self) -> tuple[int, int]:
        """What grows with each harvest and rotation, whatever any clock says."""
        return self.generation, self.rotation

    @property
    def is_protected(self) -> bool:
        """Whether it is, or may be, a person's login, which only a proven login may replace."""
        return self.proof == "distinguished" or self.is_login is not False

    def is_over(self, now: float) -> bool:
        """Return whether its probable end has come at *now* (epoch seconds)."""
        return self.expires_at is not None and self.expires_at <= now

    def cookie_header(self, url: URL, now: float | None = None) -> str:
        """Return the ``Cookie`` header of a request to *url* at *now* (epoch seconds; None: now); maybe empty."""
        return cookie_header(self.cookies, url, time.time() if now is None else now)

    def headers_for(self, url: URL) -> dict[str, str]:
        """Return the headers that go with a request to *url*: a password only to the origin that asked for it."""
        is_own = origin_of(url) == URL(self.origin)
        return {name: value for name, value in self.headers.items() if is_own or name.lower() != "authorization"}

    def with_cookies(self, cookies: Sequence[Cookie]) -> "Session":
        """Return this session with other cookies and a matching ``expires_at``."""
        expires_at = guess_expiry(cookies, URL(self.origin))
        return msgspec.structs.replace(self, cookies=tuple(cookies), expires_at=expires_at)

    def fold(self, set_cookies: Iterable[str], url: URL, now: float, date: str = "") -> "Session":
        """Return this session after an accepted response from *url* with these ``Set-Cookie`` headers.

        Returns itself if they change nothing. *now* is in epoch seconds. *date* is the response's ``Date`` header:
        ``Expires`` is meant by the server's clock.
        """
        cookies = fold_set_cookies(self.cookies, set_cookies, url, now, date)
        if cookies == self.cookies:
            return self
        return msgspec.structs.replace(self.with_cookies(cookies), rotated_at=now, rotation=self.rotation + 1)

    def without_expired(self, now: float) -> "Session":
        """Return this session without the cookies that have expired at *now* (epoch seconds)."""
        kept = [cookie for cookie in self.cookies if cookie.expires is None or cookie.expires > now]
        return self if len(kept) == len(self.cookies) else self.with_cookies(kept)

    def client_args(self) -> dict[str, Any]:
        """Return keyword arguments for ``aiohttp.ClientSession(**args)``: headers, cookie jar, limits and proxy.

        The jar restricts each cookie to its host, path and expiry, and sends values unquoted. Call this while an
        event loop runs, because aiohttp's jar needs one. All requests of that ``ClientSession`` carry the headers:
        use it for this site only, or use ``SessionMiddleware``. A SOCKS5 proxy is passed as a connector, which
        serves only one ``ClientSession``: call this again for another.

        Raises:
            InvalidInput: if aiohttp can't use the proxy.
        """
        return self.for_aiohttp()[0]

    def for_aiohttp(self) -> "ClientArgs":
        """Return the arguments of :meth:`client_args`, and what of the session aiohttp can't carry.

        Raises:
            InvalidInput: if aiohttp can't use the proxy.
        """
        from aura_browser.session.for_clients import build_aiohttp_args

        return build_aiohttp_args(self.cookies, self.headers, self.origin, self.proxy)

    def for_requests(self) -> "ClientArgs":
        """Return arguments for ``requests.get(url, **args)`` and the like, and what of the session they can't carry.

        For a ``requests.Session``, update its ``headers``, ``cookies`` and ``proxies`` with them.
        """
        from aura_browser.session.for_clients import build_requests_args

        return build_requests_args(self.cookies, self.headers, self.origin, self.proxy)

    def for_httpx(self) -> "ClientArgs":
        """Return arguments for ``httpx.Client(**args)`` and ``AsyncClient``, and what they can't carry."""
        from aura_browser.session.for_clients import build_httpx_args

        return build_httpx_args(self.cookies, self.headers, self.origin, self.proxy)

    def for_curl_cffi(self) -> "ClientArgs":
        """Return arguments for ``curl_cffi.requests.Session(**args)``, and what of the session they can't carry."""
        from aura_browser.session.for_clients import build_curl_cffi_args

        return build_curl_cffi_args(self.cookies, self.headers, self.proxy)

    def to_json(self) -> str:
        """Return the session as indented JSON, version 2. All of it is secret: write it with mode 0600."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> "Session":
        """Return the session in *text*, as :meth:`to_json` wrote it; version 1 is read too.

        Raises:
            SessionFormatError: naming the field, if *text* is not a session or was written by a newer aura-browser.
        """
        return _check_urls(decode_session(text, cls, _upgrade))

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of :meth:`to_json`, also shipped as ``session.schema.json``."""
        schema: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(cls)))
        for part in schema["$defs"].values():
            # The same on every Python: from 3.13 on docstrings have lost their indentation.
            part["description"] = cleandoc(part["description"])
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def guess_expiry(cookies: Iterable[Cookie], origin: URL) -> float | None:
    """Return when a session at *origin* probably ends, in epoch seconds, or None.

    It is a guess: nothing says which cookie holds the login. Servers keep logins in HttpOnly cookies, so the last of
    those to expire counts, and one without an expiry means that the end is unknown. Cookies of load balancers and bot
    managers are left out, because every response renews them. Without an HttpOnly cookie the last of the others
    counts.
    """
    sent = [c for c in cookies if msgspec.structs.replace(c, path="/", expires=None).goes_to(origin, 0)]
    http_only = [c.expires for c in sent if _may_be_login(c)]
    if http_only:
        return None if None in http_only else max(e for e in http_only if e is not None)
    return max((c.expires for c in sent if c.expires is not None), default=None)


def list_login_cookies(cookies: Iterable[Cookie]) -> list[Cookie]:
    """Return those of *cookies* that may hold a login, as :func:`guess_expiry` guesses it; all if there is no such."""
    every = list(cookies)
    return [cookie for cookie in every if _may_be_login(cookie)] or every


def _may_be_login(cookie: Cookie) -> bool:
    return cookie.http_only and cookie.name not in _INFRASTRUCTURE_COOKIES


def _upgrade(fields: dict[str, Any]) -> None:
    """Change the fields of version 1 to those of version 2, in place."""
    # Who logged in was not recorded. openchat.team's usual session is nobody's login.
    fields["version"], fields["is_login"] = VERSION, False if fields.get("origin") == _OPENCHAT else None


def _check_urls(session: Session) -> Session:
    """Return *session* if its URLs and headers are valid; the patterns above can't check a port or a header's name."""
    addresses = {"origin": session.origin, "url": session.url}
    addresses |= {
        f"cookies[{n}].partition_key": c.partition_key for n, c in enumerate(session.cookies) if c.partition_key
    }
    check_headers(session.headers)
    for name, address in addresses.items():
        try:
            parse_url(address, {"http", "https"})
        except ValueError:
            raise_alone(SessionFormatError(name, "not a valid URL"))
    if session.proxy is not None:
        try:
            parse_url(session.proxy, {"http", "socks5"})
        except ValueError:
            raise_alone(SessionFormatError("proxy", "not the URL of a proxy"))
    if read_url(session.url).origin() != URL(session.origin):
        raise SessionFormatError("url", "not a page of the origin")
    return session
