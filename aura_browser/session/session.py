"""A harvested session: a frozen value that holds all a program needs to be seen as the browser was."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from http.cookies import Morsel
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

# Cookies of Cloudflare's, AWS's and Akamai's own, as their documentation names them.
_HELPERS: Final = frozenset(
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
    """What a browser at a site can show, and all of it secret. No value is ever part of ``repr``.

    Attributes:
        version: of this format; always 1.
        origin: scheme, host and port that the session is for.
        url: the page that the browser ended on.
        user_agent: exactly as sent.
        headers: what the browser sends with every request (user agent, language, client hints), in its order.
        cookies: all that the site may see, oldest first.
        local_storage: the origin's own.
        proxy: the URL of the proxy it was harvested through, or None.
        browser: its name and version.
        harvested_at: epoch seconds.
        verified_at: epoch seconds of the last proof through the real client, or None.
        expires_at: epoch seconds of the earliest expiry that matters (see :func:`earliest_expiry`), or None.
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
        """Eight hexadecimal digits that tell two sessions apart in a log; no value can be had back from them."""
        return sha256(msgspec.json.encode((self.user_agent, self.cookies))).hexdigest()[:8]

    def is_over(self, now: float) -> bool:
        """Tell whether a cookie that the session hangs on has expired at *now* (epoch seconds)."""
        return self.expires_at is not None and self.expires_at <= now

    def cookie_header(self, url: URL, now: float | None = None) -> str:
        """Return the ``Cookie`` header that the browser would send to *url*; empty if none.

        Args:
            url: where the request goes.
            now: epoch seconds; the system's clock if None.
        """
        return cookie_header(self.cookies, url, time.time() if now is None else now)

    def with_cookies(self, cookies: Sequence[Cookie]) -> "Session":
        """Return this session with other cookies, and ``expires_at`` to match."""
        expires_at = earliest_expiry(cookies, URL(self.origin))
        return msgspec.structs.replace(self, cookies=tuple(cookies), expires_at=expires_at)

    def fold(self, set_cookies: Iterable[str], url: URL, now: float) -> "Session":
        """Return this session after an accepted answer from *url* with these ``Set-Cookie`` headers.

        Returns itself if they change nothing; otherwise ``verified_at`` is *now* (epoch seconds) too, as an answer
        that rotates a session proves it.
        """
        cookies = fold_set_cookies(self.cookies, set_cookies, url, now)
        if cookies == self.cookies:
            return self
        return msgspec.structs.replace(self.with_cookies(cookies), verified_at=now)

    def client_args(self) -> dict[str, Any]:
        """Return keyword arguments for ``aiohttp.ClientSession(**args)``: headers, cookie jar and proxy.

        The jar keeps every cookie to its own host, path and expiry and sends values unquoted. Has to be called
        where an event loop runs, as aiohttp's jar asks for one. Other requests of that ``ClientSession`` carry
        the headers too: use it for this site alone, or use ``SessionMiddleware``. A SOCKS5 proxy comes as a
        connector, which serves one ``ClientSession``: call this again for another.

        Raises:
            InvalidInput: if aiohttp can't go through the proxy.
        """
        args: dict[str, Any] = {"headers": dict(self.headers), "cookie_jar": self._jar()}
        return args | connection_args(self.proxy)

    def _jar(self) -> "aiohttp.CookieJar":
        import aiohttp

        origin = URL(self.origin)
        trusted = [origin] if origin.scheme == "http" and is_trustworthy(origin) else None
        jar = aiohttp.CookieJar(unsafe=True, quote_cookie=False, treat_as_secure_origin=trusted)
        for cookie in self.cookies:
            if cookie.name:  # aiohttp has no form for a cookie without a name
                host = f"[{cookie.domain}]" if ":" in cookie.domain else cookie.domain
                jar.update_cookies([(cookie.name, _morsel(cookie))], URL(f"https://{host}/"))
        return jar

    def to_json(self) -> str:
        """Return the session as indented JSON text, version 1. It is all secrets: write it with mode 0600."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> "Session":
        """Read what :meth:`to_json` wrote.

        Raises:
            SessionFormatError: naming the field, if *text* is anything else or of an unknown version.
        """
        try:
            # Version first: another version's fields are none of ours to judge.
            version = msgspec.json.decode(text, type=_Versioned).version
            if version != VERSION:
                raise SessionFormatError("version", f"{version} is unknown; this program reads version {VERSION}")
            return _with_readable_addresses(msgspec.json.decode(text, type=cls))
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise _format_error(error) from None

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of :meth:`to_json`; also shipped as ``session.schema.json``."""
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(cls)}


class _Versioned(msgspec.Struct):
    version: int


def earliest_expiry(cookies: Iterable[Cookie], origin: URL) -> float | None:
    """Return when the first cookie expires that a session at *origin* hangs on, in epoch seconds, or None.

    Cookies that scripts can't see (HttpOnly) are what servers keep sessions in, and the first of them to expire counts,
    those of load balancers and bot managers left out: they live for minutes, and every answer sets them anew.
    Where there are none, the last of the others does: which of them matters can't be told, and analytics scripts set
    some that last a minute.
    """
    here = [c for c in cookies if c.expires is not None and msgspec.structs.replace(c, path="/").goes_to(origin, 0)]
    hidden = [c.expires for c in here if c.http_only and c.name not in _HELPERS and c.expires is not None]
    return min(hidden, default=None) or max((c.expires for c in here if c.expires is not None), default=None)


def _morsel(cookie: Cookie) -> "Morsel[str]":
    """Write *cookie* for aiohttp's jar, which takes one without a domain as host-only."""
    morsel: Morsel[str] = Morsel()
    # Morsel.set() refuses names that browsers send all the time; aiohttp itself goes this way round it.
    morsel.__setstate__({"key": cookie.name, "value": cookie.value, "coded_value": cookie.value})  # type: ignore[attr-defined]
    morsel["domain"] = "" if cookie.host_only else cookie.domain
    morsel["path"] = cookie.path
    morsel["secure"] = cookie.secure
    morsel["httponly"] = cookie.http_only
    if cookie.expires is not None:
        morsel["max-age"] = str(max(0, round(cookie.expires - time.time())))
    return morsel


def _with_readable_addresses(session: Session) -> Session:
    """Return *session* if its addresses are some; a pattern can't tell that of a port."""
    addresses = {"origin": session.origin, "url": session.url}
    addresses |= {
        f"cookies[{n}].partition_key": c.partition_key for n, c in enumerate(session.cookies) if c.partition_key
    }
    for name, address in addresses.items():
        try:
            URL(address).origin()
        except ValueError:
            raise SessionFormatError(name, "not an address") from None
    if URL(session.url).origin() != URL(session.origin):
        raise SessionFormatError("url", "not a page of the origin")
    return session


def _format_error(error: Exception) -> SessionFormatError:
    """Turn a decoder's complaint into ours: the field apart, and no value from the text."""
    if not isinstance(error, msgspec.ValidationError):
        return SessionFormatError("", "malformed JSON")
    problem, _, place = str(error).partition(" - at `")
    named = re.search(r"(required|unknown) field `(.*)`", problem)
    parts = [re.sub(r"^(?:key` in `)?\$\.?", "", place).rstrip("`"), named[2] if named else ""]
    return SessionFormatError(clean_text(".".join(filter(None, parts)), 80), _problem(problem))


def _problem(said: str) -> str:
    if "matching regex" in said:
        return "not text of the form that is needed here"
    if said.startswith("Invalid enum value"):
        return "not a value that is allowed here"
    if "field `" in said:
        return "the field is missing" if "required" in said else "an unknown field"
    return said
