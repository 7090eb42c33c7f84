"""A session file of HTTPie and xh: ``http --session=./FILE`` (https://httpie.io/docs/cli/sessions)."""

from dataclasses import replace
from typing import Any, Final

import msgspec

from aura_browser.errors import ImportFailed
from aura_browser.formats.content import Content, CookieFacts, build_cookies, find_user_agent, read_address
from aura_browser.formats.cookie_json import read_cookie
from aura_browser.formats.dumped import (
    DOTLESS,
    HOST_ONLY,
    NAMELESS,
    NOT_ASCII,
    PARTITIONED,
    Dumped,
    DumpOptions,
    describe_fitting,
    describe_rest,
    dotted_domain,
    sort_out,
)
from aura_browser.hosts import host_of
from aura_browser.session import Session
from aura_browser.session.headers import is_lasting

TITLE: Final = "a session of HTTPie"
_MAX_HOST_LENGTH: Final = 255  # RFC 1035
_META: Final = {
    "about": "HTTPie session file",
    "help": "https://httpie.io/docs#sessions",
    "httpie": "3.2.4",
}


def dump(session: Session, options: DumpOptions) -> Dumped:  # noqa: ARG001 - all dumps have it
    """Return *session* as a session of HTTPie, which sends its headers and keeps its cookies there."""
    # HTTPie sends other characters as Latin-1, which is not what the browser sends.
    cookies, left_out = sort_out(session.cookies, NAMELESS, PARTITIONED, NOT_ASCII)
    fields = {
        "__meta__": _META,
        "auth": {"type": None, "username": None, "password": None},
        "cookies": [
            {
                "domain": dotted_domain(cookie),
                "expires": None if cookie.expires is None else max(1, round(cookie.expires)),
                "name": cookie.name,
                "path": cookie.path,
                "secure": cookie.secure,
                "value": cookie.value,
            }
            for cookie in cookies
        ],
        "headers": [{"name": name, "value": value} for name, value in session.headers.items()],
    }
    text = msgspec.json.format(msgspec.json.encode(fields), indent=4).decode()
    notes = describe_fitting(cookies, HOST_ONLY, "would go to subdomains too, since HTTPie knows no host-only cookies")
    notes += describe_fitting(cookies, DOTLESS, "can't be sent by HTTPie")
    return Dumped(f"{text}\n", (*left_out, *describe_rest(session, headers=False)), tuple(notes))


def load(fields: dict[str, Any], url: str | None = None) -> Content:
    """Return the cookies and headers of a session of HTTPie or xh; the user and password in it are not taken.

    Args:
        fields: the file's content.
        url: the page that is wanted, if that is known.

    Raises:
        ImportFailed: if its cookies are not of a known form.
    """
    facts = _read_cookies(fields.get("cookies"))
    meta = fields.get("__meta__")
    is_of_xh = isinstance(meta, dict) and "xh" in meta
    cookies, left_out = build_cookies(_guess_hosts(facts, url) if is_of_xh else facts)
    headers = _read_headers(fields.get("headers"))
    agent = find_user_agent(headers)
    auth = fields.get("auth")
    if isinstance(auth, dict) and (auth.get("password") or auth.get("raw_auth")):
        left_out = (*left_out, "the user and password")
    content = Content(
        cookies=cookies, headers=headers, user_agent=agent, unknown=("local_storage", "user_agent"), left_out=left_out
    )
    return replace(content, unknown=("cookie_attributes", *content.unknown)) if is_of_xh else content


def _read_cookies(items: object) -> list[CookieFacts]:
    if isinstance(items, dict):  # HTTPie before 3.1, for the one host that the file was for
        items = [{"name": name, **facts} for name, facts in items.items() if isinstance(facts, dict)]
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ImportFailed(TITLE, "cookies", "it is not a list of cookies", "Have HTTPie write it again.")
    return [read_cookie(item) for item in items]


def _guess_hosts(facts: list[CookieFacts], url: str | None) -> list[CookieFacts]:
    """Return the facts of xh's cookies, which do not say whether subdomains get a cookie: those of known hosts do."""
    hosts = {each["domain"] for each in facts if isinstance(each["domain"], str)}
    try:
        hosts |= {host_of(read_address(url))} if url else set()
    except ValueError:
        return facts  # the address is refused next
    parents = {parent for host in hosts for parent in _list_parents(host)}
    return [each | {"host_only": each["host_only"] and str(each["domain"]) not in parents} for each in facts]


def _list_parents(host: str) -> list[str]:
    if len(host) > _MAX_HOST_LENGTH:
        return []
    return [host[place + 1 :] for place, character in enumerate(host) if character == "."]


def _read_headers(items: object) -> dict[str, str]:
    if isinstance(items, dict):
        items = [{"name": name, "value": value} for name, value in items.items()]
    pairs = (
        [(each.get("name"), each.get("value")) for each in items or () if isinstance(each, dict)]
        if isinstance(items, list)
        else []
    )
    return {
        name: value for name, value in pairs if isinstance(name, str) and isinstance(value, str) and is_lasting(name)
    }
