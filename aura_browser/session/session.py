"""A harvested session: a frozen value with what a program needs to continue the browser's session."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from http.cookies import Morsel
from inspect import cleandoc
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from yarl import URL

from aura_browser.errors import SessionFormatError
from aura_browser.hosts import is_trustworthy
from aura_browser.proxy.connection import connection_args
from aura_browser.session.cookie import Cookie, cookie_header, fold_set_cookies
from aura_browser.text import clean_text

if TYPE_CHECKING:
    import aiohttp

VERSION: Final = 1

# Cookies of Cloudflare, AWS and Akamai, from their documentation.
_INFRASTRUCTURE_COOKIES: Final = frozenset(
    {
        *("__cf_bm", "__cflb", "_cfuvid", "AWSALB", "AWSALBCORS", "AWSALBTG", "AWSALBTGCORS"),
        *("ak_bmsc", "bm_mi", "bm_sv", "bm_sz"),
    }
)

_Origin = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/?#@\\]+$(?!\n)")]
_PageUrl = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/?#@\\]+(?:[/?#]\S*)?$(?!\n)")]
_HeaderName = Annotated[str, msgspec.Meta(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$(?!\n)")]
_HeaderValue = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*$(?!\n)")]


class Browser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The browser that a session was harvested with: ``chrome`` or ``chromium``, and its version."""

    name: str
    version: str


class Session(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A browser's session at a site. All of it is secret, and no value is part of ``repr``.

    Attributes:
        version: the version of this format; always 1.
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
        expires_at: epoch seconds of the earliest relevant expiry (see :func:`earliest_expiry`), or None.
    """

    version: Literal[1] = 1
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
    expires_at: float | None = None

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}={value}" for name, value in self.__rich_repr__())
        return f"Session({facts})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [
            ("origin", self.origin),
            ("cookies", len(self.cookies)),
            ("local_storage", len(self.local_storage)),
            ("harvested_at", round(self.harvested_at)),
            ("fingerprint", self.fingerprint),
        ]

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits that identify the session in a log. No value can be recovered from them."""
        return sha256(msgspec.json.encode((self.user_agent, self.cookies))).hexdigest()[:8]

    def is_over(self, now: float) -> bool:
        """Return whether a cookie that the session depends on has expired at *now* (epoch seconds)."""
        return self.expires_at is not None and self.expires_at <= now

    def cookie_header(self, url: URL, now: float | None = None) -> str:
        """Return the ``Cookie`` header that the browser would send to *url*; empty without a matching cookie.

        Args:
            url: the request's URL.
            now: epoch seconds; None for the current time.
        """
        return cookie_header(self.cookies, url, time.time() if now is None else now)

    def with_cookies(self, cookies: Sequence[Cookie]) -> "Session":
        """Return this session with other cookies and a matching ``expires_at``."""
        expires_at = earliest_expiry(cookies, URL(self.origin))
        return msgspec.structs.replace(self, cookies=tuple(cookies), expires_at=expires_at)

    def fold(self, set_cookies: Iterable[str], url: URL, now: float) -> "Session":
        """Return this session after an accepted response from *url* with these ``Set-Cookie`` headers.

        Returns itself if they change nothing. Otherwise ``verified_at`` becomes *now* (epoch seconds), because a
        response that rotates a session proves it.
        """
        cookies = fold_set_cookies(self.cookies, set_cookies, url, now)
        if cookies == self.cookies:
            return self
        return msgspec.structs.replace(self.with_cookies(cookies), verified_at=now)

    def client_args(self) -> dict[str, Any]:
        """Return keyword arguments for ``aiohttp.ClientSession(**args)``: headers, cookie jar and proxy.

        The jar restricts each cookie to its host, path and expiry, and sends values unquoted. Call this while an
        event loop runs, because aiohttp's jar needs one. All requests of that ``ClientSession`` carry the headers:
        use it for this site only, or use ``SessionMiddleware``. A SOCKS5 proxy is passed as a connector, which
        serves only one ``ClientSession``: call this again for another.

        Raises:
            InvalidInput: if aiohttp can't use the proxy.
        """
        args: dict[str, Any] = {"headers": dict(self.headers), "cookie_jar": self._build_jar()}
        return args | connection_args(self.proxy)

    def _build_jar(self) -> "aiohttp.CookieJar":
        import aiohttp

        origin = URL(self.origin)
        trusted = [origin] if origin.scheme == "http" and is_trustworthy(origin) else None
        jar = aiohttp.CookieJar(unsafe=True, quote_cookie=False, treat_as_secure_origin=trusted)
        for cookie in self.cookies:
            if cookie.name:  # aiohttp's jar can't hold a cookie without a name
                host = f"[{cookie.domain}]" if ":" in cookie.domain else cookie.domain
                jar.update_cookies([(cookie.name, _build_morsel(cookie))], URL(f"https://{host}/"))
        return jar

    def to_json(self) -> str:
        """Return the session as indented JSON, version 1. All of it is secret: write it with mode 0600."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> "Session":
        """Return the session in *text*, as :meth:`to_json` wrote it.

        Raises:
            SessionFormatError: naming the field, if *text* is not a session or its version is unknown.
        """
        try:
            # Version first, because the fields of another version can't be checked.
            version = msgspec.json.decode(text, type=_Versioned).version
            if version != VERSION:
                raise SessionFormatError(
                    "version", f"{version} is not supported; this aura-browser reads version {VERSION}"
                )
            return _check_urls(msgspec.json.decode(text, type=cls))
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise _convert_error(error) from None

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of :meth:`to_json`, also shipped as ``session.schema.json``."""
        schema = msgspec.json.schema(cls)
        for part in schema["$defs"].values():
            # The same on every Python: from 3.13 on docstrings have lost their indentation.
            part["description"] = cleandoc(part["description"])
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


class _Versioned(msgspec.Struct):
    version: int


def earliest_expiry(cookies: Iterable[Cookie], origin: URL) -> float | None:
    """Return when the first cookie expires that a session at *origin* depends on, in epoch seconds, or None.

    Servers keep sessions in HttpOnly cookies, so the earliest expiry among those counts. Cookies of load balancers and
    bot managers are excluded, because they live for minutes and every response renews them. Without an HttpOnly
    cookie the latest expiry counts: it is unknown which cookie matters, and analytics scripts set some that last a
    minute.
    """
    relevant = [c for c in cookies if c.expires is not None and msgspec.structs.replace(c, path="/").goes_to(origin, 0)]
    http_only = [
        c.expires for c in relevant if c.http_only and c.name not in _INFRASTRUCTURE_COOKIES and c.expires is not None
    ]
    return min(http_only, default=None) or max((c.expires for c in relevant if c.expires is not None), default=None)


def _build_morsel(cookie: Cookie) -> "Morsel[str]":
    """Return *cookie* as aiohttp's jar takes it, where a cookie without a domain is host-only."""
    morsel: Morsel[str] = Morsel()
    # Morsel.set() refuses names that browsers send; aiohttp itself uses __setstate__ too.
    morsel.__setstate__({"key": cookie.name, "value": cookie.value, "coded_value": cookie.value})  # type: ignore[attr-defined]
    morsel["domain"] = "" if cookie.host_only else cookie.domain
    morsel["path"] = cookie.path
    morsel["secure"] = cookie.secure
    morsel["httponly"] = cookie.http_only
    if cookie.expires is not None:
        morsel["max-age"] = str(max(0, round(cookie.expires - time.time())))
    return morsel


def _check_urls(session: Session) -> Session:
    """Return *session* if its URLs are valid; the patterns above can't check a port."""
    addresses = {"origin": session.origin, "url": session.url}
    addresses |= {
        f"cookies[{n}].partition_key": c.partition_key for n, c in enumerate(session.cookies) if c.partition_key
    }
    for name, address in addresses.items():
        try:
            URL(address).origin()
        except ValueError:
            raise SessionFormatError(name, "not a valid URL") from None
    if URL(session.url).origin() != URL(session.origin):
        raise SessionFormatError("url", "not a page of the origin")
    return session


def _convert_error(error: Exception) -> SessionFormatError:
    """Convert a decoder's error: name the field, and leave out any value from the text."""
    if not isinstance(error, msgspec.ValidationError):
        return SessionFormatError("", "malformed JSON")
    problem, _, place = str(error).partition(" - at `")
    named = re.search(r"(required|unknown) field `(.*)`", problem)
    parts = [re.sub(r"^(?:key` in `)?\$\.?", "", place).rstrip("`"), named[2] if named else ""]
    return SessionFormatError(clean_text(".".join(filter(None, parts)), 80), _describe_problem(problem))


def _describe_problem(message: str) -> str:
    if "matching regex" in message:
        return "text of the wrong form"
    if message.startswith("Invalid enum value"):
        return "not an allowed value"
    if "field `" in message:
        return "the field is missing" if "required" in message else "an unknown field"
    return message
