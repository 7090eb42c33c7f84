"""The kinds of cookies that each program is tried with."""

import time
from collections.abc import Mapping
from typing import Final

from yarl import URL

from aura_browser.session import Cookie, Session
from aura_browser.session.set_cookie import parse_set_cookie
from tests.parts.sessions import make_session

HOST: Final = "app.example.com"
PAGE: Final = f"https://{HOST}/app/x"
LOGIN: Final = f"https://{HOST}/login"
DEEPER: Final = f"https://deep.{HOST}/app/x"
OUTSIDE: Final = f"https://{HOST}/other"

LINES: Final[Mapping[str, str]] = {
    "host-only": "host=v1; Path=/; Max-Age=86400",
    "subdomains": "wide=v2; Path=/; Domain=example.com; Max-Age=86400",
    "HttpOnly": "hidden=v3; Path=/; HttpOnly; Max-Age=86400; Domain=example.com",
    "Secure": "safe=v4; Path=/; Secure; Max-Age=86400; Domain=example.com",
    "no end": "brief=v5; Path=/; Domain=example.com",
    "path": "deep=v6; Path=/app; Max-Age=86400; Domain=example.com",
    "SameSite": "strict=v7; Path=/; SameSite=Strict; Max-Age=86400; Domain=example.com",
    "base64": "b64=a+b/c==; Path=/; Max-Age=86400; Domain=example.com",
    "quotes": 'quoted="a b"; Path=/; Max-Age=86400; Domain=example.com',
    "JSON": 'json={"k":"v, w"}; Path=/; Max-Age=86400; Domain=example.com',
    "UTF-8": "wide8=h€; Path=/; Max-Age=86400; Domain=example.com",
    "__Host-": "__Host-h=v8; Path=/; Secure; HttpOnly; Max-Age=86400",
    "partitioned": "part=v9; Path=/; Secure; SameSite=None; Partitioned; Max-Age=86400",
    "no name": "nameless; Path=/; Max-Age=86400; Domain=example.com",
}
"""Each kind, as a site sets it."""


def make_cookies() -> dict[str, Cookie]:
    """Return the cookie of each kind."""
    now = time.time()
    cookies = {kind: parse_set_cookie(line, URL(LOGIN), now) for kind, line in LINES.items()}
    return {kind: cookie for kind, cookie in cookies.items() if cookie is not None}


def make_kinds_session() -> Session:
    """Return a session with a cookie of each kind."""
    return make_session(f"https://{HOST}", url=PAGE, cookies=tuple(make_cookies().values()))
