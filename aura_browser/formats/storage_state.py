"""Playwright's storage state (https://playwright.dev/docs/auth), which agent-browser and others read too.

What Playwright does not know is under the key ``_aura``, which it ignores: a file that it did not write anew loads back
to the whole session.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from aura_browser.errors import ImportFailed, SessionFormatError, raise_alone
from aura_browser.formats.content import Content, CookieFacts, build_cookies
from aura_browser.formats.cookie_json import read_cookie
from aura_browser.formats.dumped import Dumped, DumpOptions, dotted_domain
from aura_browser.proxy.address import has_password
from aura_browser.session import Cookie, Session
from aura_browser.text import count

TITLE: Final = "a storage state of Playwright"
OWN: Final = "_aura"
"""The key of what Playwright does not know."""

_END_OF_TIME: Final = 253402300799  # the last expiry that Playwright takes
_ELSEWHERE: Final = frozenset({"cookies", "local_storage", "extra_storage"})
_KEPT: Final = ("localStorage", "sessionStorage", "indexedDB", "opfs")


def dump(session: Session, options: DumpOptions) -> Dumped:  # noqa: ARG001 - all dumps have it
    """Return *session* as a storage state, whole but for a proxy with a password."""
    left_out = []
    proxy = session.proxy
    if proxy is not None and has_password(proxy):
        proxy = None
        left_out.append("the proxy, since it holds a password")
    facts = msgspec.to_builtins(msgspec.structs.replace(session, proxy=proxy))
    own = {name: value for name, value in facts.items() if name not in _ELSEWHERE}
    own["extra_storage"] = {name: value for name, value in facts["extra_storage"].items() if name != "origins"}
    own["cookies"] = [_drop_value(cookie) for cookie in facts["cookies"]]
    state = {
        "cookies": [_write_cookie(cookie) for cookie in session.cookies],
        "origins": _write_origins(session),
        OWN: own,
    }
    return Dumped(_to_text(state), tuple(left_out))


def _to_text(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _drop_value(cookie: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in cookie.items() if name != "value"}


def _write_cookie(cookie: Cookie) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": cookie.name,
        "value": cookie.value,
        "domain": dotted_domain(cookie),
        "path": cookie.path,
        "expires": _write_expiry(cookie.expires),
        "httpOnly": cookie.http_only,
        "secure": cookie.secure,
    }
    if cookie.same_site is not None:  # left out, Playwright leaves it unspecified too
        fields["sameSite"] = cookie.same_site
    if cookie.partition_key is not None:
        fields["partitionKey"] = cookie.partition_key
        fields["_crHasCrossSiteAncestor"] = bool(cookie.has_cross_site_ancestor)
    return fields


def _write_expiry(expires: float | None) -> float:
    # 0 and less pass Playwright's check, and mean to Chrome that the cookie is over.
    return -1 if expires is None or expires <= 0 else min(expires, _END_OF_TIME)


def _write_origins(session: Session) -> list[dict[str, Any]]:
    local = {"localStorage": _write_entries(session.local_storage)} if session.local_storage else {}
    origins = [dict(each) for each in list_origins(session.extra_storage)]
    own = next((each for each in origins if each.get("origin") == session.origin), None)
    if own is not None:
        own |= local
    elif local:
        origins.insert(0, {"origin": session.origin, **local})
    # Playwright needs the key.
    return [{"origin": "", "localStorage": [], **each} for each in origins]


def list_origins(extra: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what ``Session.extra_storage`` holds by origin."""
    origins = extra.get("origins")
    return [each for each in origins if isinstance(each, dict)] if isinstance(origins, list | tuple) else []


def _write_entries(entries: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in entries.items()]


def load(fields: dict[str, Any]) -> Content:
    """Return what is in a storage state, whole if it has the key ``_aura``.

    Cookies and storage are taken as they stand there: another program may have written them anew.

    Raises:
        ImportFailed: naming the field that is not of the right form.
    """
    own = fields.get(OWN)
    known = own.get("cookies") if isinstance(own, dict) else None
    cookies, left_out = build_cookies(_read_cookies(fields, known))
    if keys := fields.get("credentials"):
        told = count(keys, "passkey") if isinstance(keys, list) else "passkeys"
        left_out = (*left_out, f"{told}, of which Playwright writes the private key")
    origins = _read_origins(fields.get("origins") or [])
    session = _complete(own, cookies, origins) if isinstance(own, dict) else None
    return Content(cookies=cookies, origins=origins, session=session, unknown=("user_agent",), left_out=left_out)


def _read_cookies(fields: dict[str, Any], known: object) -> list[CookieFacts]:
    items = fields.get("cookies") or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _refuse("cookies", "it is not a list of cookies")
    facts = [read_cookie(item) for item in items]
    own = {_identify(each): each for each in known if isinstance(each, dict)} if isinstance(known, list) else {}
    return [_restore(each, own.get(_identify(each))) for each in facts]


def _identify(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what tells a cookie from others, in its own form and in Playwright's."""
    domain = str(facts.get("domain")).removeprefix(".").strip("[]")
    ancestor = bool(facts.get("has_cross_site_ancestor"))
    rest = (facts.get(name) for name in ("name", "host_only", "path", "partition_key"))
    return (domain, str(ancestor), *map(str, rest))


def _restore(facts: CookieFacts, own: Mapping[str, Any] | None) -> CookieFacts:
    """Return the facts of a cookie with those that Playwright's form does not hold."""
    if own is None:
        return facts
    expires = own.get("expires")
    is_same = isinstance(expires, int | float | None) and _write_expiry(expires) == (facts["expires"] or -1)
    return {**own, "value": facts["value"], "expires": expires if is_same else facts["expires"]}


def _read_origins(origins: object) -> tuple[dict[str, Any], ...]:
    """Return the storage by origin, with nothing but what a session keeps."""
    if not isinstance(origins, list):
        raise _refuse("origins", "it is not a list")
    kept = []
    for number, each in enumerate(origins):
        if not isinstance(each, dict) or not isinstance(each.get("origin"), str):
            raise _refuse(f"origins[{number}]", "it has no origin")
        read_entries(each, f"origins[{number}]")
        kept.append({"origin": each["origin"], **{name: each[name] for name in _KEPT if each.get(name)}})
    return tuple(kept)


def read_entries(origin: Mapping[str, Any], place: str = "origins") -> dict[str, str]:
    """Return the local storage in one of the origins of a storage state.

    Raises:
        ImportFailed: if it is not of the right form.
    """
    entries = origin.get("localStorage") or []
    if not isinstance(entries, list):
        raise _refuse(f"{place}.localStorage", "it is not a list")
    read = {}
    for entry in entries:
        pair = (entry.get("name"), entry.get("value")) if isinstance(entry, dict) else (None, None)
        if not isinstance(pair[0], str) or not isinstance(pair[1], str):
            raise _refuse(f"{place}.localStorage", "an entry is not a name with a value")
        read[pair[0]] = pair[1]
    return read


def split_origins(origins: Sequence[dict[str, Any]], own: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return a session's local storage and its further storage.

    Args:
        origins: the origins of a storage state.
        own: the session's origin.
    """
    local: dict[str, str] = {}
    extra = []
    for each in origins:
        if each["origin"] == own:
            local |= read_entries(each)
            each = {name: value for name, value in each.items() if name != "localStorage"}  # noqa: PLW2901 - the rest
        if len(each) > 1:
            extra.append(each)
    return local, {"origins": extra} if extra else {}


def _complete(own: Mapping[str, Any], cookies: tuple[Cookie, ...], origins: tuple[dict[str, Any], ...]) -> Session:
    """Return the whole session that *own* describes, with these cookies and this storage."""
    local, extra = split_origins(origins, str(own.get("origin")))
    extra |= own["extra_storage"] if isinstance(own.get("extra_storage"), dict) else {}
    facts = {**own, "cookies": msgspec.to_builtins(cookies), "local_storage": local, "extra_storage": extra}
    try:
        return Session.from_json(msgspec.json.encode(facts))
    except SessionFormatError as error:
        raise_alone(_refuse(f"{OWN}.{error.field}".rstrip("."), error.problem))


def _refuse(place: str, problem: str) -> ImportFailed:
    return ImportFailed(TITLE, place, problem, "Have Playwright write it again.")
