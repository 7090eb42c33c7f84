"""Which headers pass the proxy, in both directions, and what they say there."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from multidict import CIMultiDict
from yarl import URL

from aura_browser.hosts import origin_of
from aura_browser.relay.guard import TOKEN_HEADER
from aura_browser.request import Response
from aura_browser.session.headers import CONNECTION_HEADERS, is_lasting
from aura_browser.site import Site
from aura_browser.urls import join_url, read_url

# Of one connection (RFC 9110 section 7.6.1), or written anew for the other one.
_CONNECTIONS: Final = frozenset(
    {
        *CONNECTION_HEADERS,
        *("proxy-authenticate", "proxy-authorization", "proxy-connection", "proxy-authentication-info"),
    }
)
_NOT_SENT: Final = _CONNECTIONS | {
    *("host", "cookie", "expect", "accept-encoding", "content-length", TOKEN_HEADER.lower()),
    *("sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-accept"),
}
# The session keeps the site's cookies. The others are promises of the site's own host, or let other origins read.
_NOT_RETURNED: Final = _CONNECTIONS | {
    *("set-cookie", "set-cookie2", "content-encoding", "content-length", "strict-transport-security", "alt-svc"),
    *("public-key-pins", "public-key-pins-report-only", "clear-site-data", "nel", "report-to", "reporting-endpoints"),
}
_READABLE: Final = "access-control-"
_ADDRESSES: Final = frozenset({"location", "content-location"})
_COMPRESSED: Final = "gzip, deflate"
_RAW_BYTE: Final = re.compile("[\udc80-\udcff]")


def build_request_headers(
    site: Site, headers: Mapping[str, str], own_origin: str, *, drops_authorization: bool
) -> dict[str, str]:
    """Return the headers of a client's request as the site gets them, besides the session's own.

    Args:
        site: the site.
        headers: the client's, case-insensitive; ``items()`` has repeated ones, too.
        own_origin: the proxy's origin as the client wrote it.
        drops_authorization: whether ``Authorization`` is for the proxy.
    """
    refused = _NOT_SENT | list_named(headers) | ({"authorization"} if drops_authorization else set())
    sent: dict[str, str] = {}
    for name, value in headers.items():
        if name.lower() in refused or is_lasting(name, site.headers):
            continue
        # Where a header is repeated, one line with commas says the same (RFC 9110 section 5.3).
        same = next((each for each in sent if each.lower() == name.lower()), None)
        sent[same or name] = f"{sent[same]}, {value}" if same else value
    _set_origin(site, sent, own_origin)
    sent["Accept-Encoding"] = _choose_encoding(headers)
    return sent


def build_response_headers(site: Site, response: Response, own_origin: str) -> "CIMultiDict[str]":
    """Return the headers of the site's answer as the client gets them. Its body is decompressed."""
    answer = response.headers
    refused = _NOT_RETURNED | list_named(answer)
    returned: CIMultiDict[str] = CIMultiDict()
    for name, value in answer.items():
        lower = name.lower()
        if lower not in refused and not lower.startswith(_READABLE):
            text = _rewrite(site, value, response.url, own_origin) if lower in _ADDRESSES else value
            returned.add(name, _make_writable(text))
    if "Content-Length" in answer and answer.get("Content-Encoding", "identity").lower() == "identity":
        returned["Content-Length"] = answer["Content-Length"]
    returned["Cross-Origin-Resource-Policy"] = "same-origin"
    return returned


def _make_writable(value: str) -> str:
    """Return *value* as aiohttp can write it: bytes that are not UTF-8 are read as Latin-1 (RFC 9110 section 5.5)."""
    return value.encode("utf-8", "surrogateescape").decode("latin-1") if _RAW_BYTE.search(value) else value


def list_named(headers: Mapping[str, str]) -> set[str]:
    """Return the headers that ``Connection`` names: they are of one connection, too."""
    return {name.strip().lower() for name in headers.get("Connection", "").split(",")}


def _set_origin(site: Site, headers: dict[str, str], own_origin: str) -> None:
    """Have headers name the site where they name the proxy; a page elsewhere is not named at all."""
    for name in [each for each in headers if each.lower() in {"origin", "referer"}]:
        value = headers.pop(name)
        if name.lower() == "origin":
            headers[name] = site.origin
        elif value.startswith(f"{own_origin}/"):
            headers[name] = f"{site.origin}/{value[len(own_origin) + 1 :]}"


def _choose_encoding(headers: Mapping[str, str]) -> str:
    """Return which compression the site may use: none for a part of a file, since its bytes are counted."""
    accepted: Iterable[str] = headers.get("Accept-Encoding", "").lower().split(",")
    return _COMPRESSED if "Range" not in headers and any(each.strip() == "gzip" for each in accepted) else "identity"


def _rewrite(site: Site, value: str, url: str, own_origin: str) -> str:
    """Return an address at the site as one at the proxy; any other stays."""
    try:
        asked = read_url(url)
        target = join_url(asked, value)
        is_own = origin_of(target) in {URL(site.origin), origin_of(asked)}  # the site may have moved
    except ValueError:
        return value
    return (
        f"{own_origin}{target.raw_path_qs}{f'#{target.raw_fragment}' if target.raw_fragment else ''}"
        if is_own
        else value
    )
