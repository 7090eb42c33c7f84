"""The answer of FlareSolverr, in which scripts look for cookies and a user agent (https://github.com/FlareSolverr/FlareSolverr)."""

from typing import Any, Final

import msgspec

from aura_browser.formats.content import Content, build_cookies
from aura_browser.formats.cookie_json import read_cookie
from aura_browser.formats.dumped import (
    NAMELESS,
    PARTITIONED,
    Dumped,
    DumpOptions,
    describe_rest,
    dotted_domain,
    sort_out,
)
from aura_browser.session import Cookie, Session
from aura_browser.text import count, list_names

TITLE: Final = "an answer of FlareSolverr"


def dump(session: Session, options: DumpOptions) -> Dumped:
    """Return *session* as the answer that FlareSolverr would give for its page, with no page in it."""
    cookies, left_out = sort_out(session.cookies, NAMELESS, PARTITIONED)
    if others := [name for name in session.headers if name.lower() != "user-agent"]:
        left_out.append(f"{count(others, 'header')}: {list_names(others)}")
    left_out += describe_rest(session, headers=False)
    answer = {
        "status": "ok",
        "message": "",
        "startTimestamp": round(options.now * 1000),
        "endTimestamp": round(options.now * 1000),
        "version": "3.3.21",
        "solution": {
            "url": session.url,
            "status": 200,
            "headers": {},
            "response": "",
            "cookies": [_write(cookie) for cookie in cookies],
            "userAgent": session.user_agent,
        },
    }
    return Dumped(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n", tuple(left_out))


def _write(cookie: Cookie) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "domain": dotted_domain(cookie),
        "httpOnly": cookie.http_only,
        "name": cookie.name,
        "path": cookie.path,
        "secure": cookie.secure,
        "value": cookie.value,
    }
    if cookie.expires is not None:
        fields["expiry"] = round(cookie.expires)
    if cookie.same_site is not None:
        fields["sameSite"] = cookie.same_site
    return fields


def load(fields: dict[str, Any]) -> Content:
    """Return the cookies, the user agent and the address of an answer."""
    solution = fields["solution"]
    listed = solution.get("cookies")
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    cookies, left_out = build_cookies(map(read_cookie, items))
    agent, url = solution.get("userAgent"), solution.get("url")
    return Content(
        cookies=cookies,
        url=url if isinstance(url, str) else None,
        user_agent=agent if isinstance(agent, str) else None,
        unknown=("local_storage", "user_agent"),
        left_out=left_out,
    )
