"""The jar of tough-cookie, which Postman's newman, Insomnia and jsdom use (https://github.com/salesforce/tough-cookie)."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from aura_browser.formats.dumped import (
    NAMELESS,
    NOT_ASCII,
    PARTITIONED,
    Dumped,
    DumpOptions,
    describe_fitting,
    describe_rest,
    sort_out,
)
from aura_browser.session import Cookie, Session

_END_OF_TIME: Final = 253402300799


def dump(session: Session, options: DumpOptions) -> Dumped:  # noqa: ARG001 - all dumps have it
    """Return *session*'s cookies as ``CookieJar.serializeSync`` writes them."""
    cookies, left_out = sort_out(session.cookies, NAMELESS, PARTITIONED)
    jar = {
        "version": "tough-cookie@5.0.0",
        "storeType": "MemoryCookieStore",
        "rejectPublicSuffixes": True,
        "enableLooseMode": False,
        "allowSpecialUseDomain": True,
        "prefixSecurity": "silent",
        "cookies": [_write(cookie, _write_date(session.harvested_at)) for cookie in cookies],
    }
    text = msgspec.json.format(msgspec.json.encode(jar), indent=2).decode()
    notes = describe_fitting(cookies, NOT_ASCII, "can't be sent by newman")
    return Dumped(f"{text}\n", (*left_out, *describe_rest(session)), tuple(notes))


def _write(cookie: Cookie, since: str) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "key": cookie.name,
        "value": cookie.value,
        "domain": cookie.domain,
        "path": cookie.path,
        "secure": cookie.secure,
        "httpOnly": cookie.http_only,
        "hostOnly": cookie.host_only,
        "creation": since,
        "lastAccessed": since,
    }
    if cookie.expires is not None:
        fields["expires"] = _write_date(cookie.expires)
    if cookie.same_site is not None:
        fields["sameSite"] = cookie.same_site.lower()
    return fields


def _write_date(seconds: float) -> str:
    date = datetime.fromtimestamp(min(max(0.0, seconds), _END_OF_TIME), UTC)
    return date.isoformat(timespec="milliseconds").replace("+00:00", "Z")
