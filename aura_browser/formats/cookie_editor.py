"""The JSON of Cookie-Editor and EditThisCookie, which people paste into a browser (https://cookie-editor.com)."""

from typing import Any, Final

import msgspec

from aura_browser.formats.dumped import NAMELESS, Dumped, DumpOptions, describe_rest, dotted_domain, sort_out
from aura_browser.session import Cookie, Session

_SAME_SITES: Final = {"Strict": "strict", "Lax": "lax", "None": "no_restriction", None: "unspecified"}


def dump(session: Session, options: DumpOptions) -> Dumped:  # noqa: ARG001 - all dumps have it
    """Return *session*'s cookies as ``chrome.cookies`` describes them, which is what those extensions import."""
    cookies, left_out = sort_out(session.cookies, NAMELESS)
    text = msgspec.json.format(msgspec.json.encode([_write(cookie) for cookie in cookies]), indent=4).decode()
    return Dumped(f"{text}\n", (*left_out, *describe_rest(session)))


def _write(cookie: Cookie) -> dict[str, Any]:
    """Return a cookie as https://developer.chrome.com/docs/extensions/reference/api/cookies#type-Cookie."""
    fields: dict[str, Any] = {
        "domain": dotted_domain(cookie),
        "hostOnly": cookie.host_only,
        "httpOnly": cookie.http_only,
        "name": cookie.name,
        "path": cookie.path,
        "sameSite": _SAME_SITES[cookie.same_site],
        "secure": cookie.secure,
        "session": cookie.expires is None,
        "storeId": "0",
        "value": cookie.value,
    }
    if cookie.expires is not None:
        fields["expirationDate"] = cookie.expires
    if cookie.partition_key is not None:
        ancestor = bool(cookie.has_cross_site_ancestor)
        fields["partitionKey"] = {"topLevelSite": cookie.partition_key, "hasCrossSiteAncestor": ancestor}
    return fields
