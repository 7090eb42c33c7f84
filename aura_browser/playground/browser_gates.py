"""The gates that want more of a browser than its cookies: its own connection, or a script that keeps running."""

import json
import time
from importlib.resources import files

from aiohttp import web

from aura_browser.playground.cookies import SessionCookie
from aura_browser.playground.sessions import Sessions, new_value

_DEFAULT_LIFE_S = 3600.0
_DEFAULT_SCRIPT_LIFE_S = 4.0
_CHAT_PAGE = files(__package__).joinpath("page.html").read_text("utf-8")
_SCRIPT = files(__package__).joinpath("script.html").read_text("utf-8")


class ConnectionGate:
    """A site that knows a browser by its connection: Chrome writes headers in an order of its own (HTTP/1.1).

    Args:
        life: lifetime of a session in seconds; None for an hour.
    """

    def __init__(self, life: float | None) -> None:
        self.cookie = SessionCookie("pass", http_only=True, life=life)
        self.sessions = Sessions(life or _DEFAULT_LIFE_S)

    def find_owner(self, request: web.Request) -> str:  # noqa: ARG002  # the protocol's signature
        """Return nothing: its sessions are bound to no value."""
        return ""

    def admits(self, request: web.Request) -> bool:
        """Admit a valid value over a browser's connection."""
        return is_from_chrome(request) and self.sessions.is_valid(self.cookie.read(request) or "")

    def refuse(self, request: web.Request) -> web.StreamResponse:
        """Give a browser that opens the page a session, and refuse everything else."""
        if not (is_from_chrome(request) and request.path == "/"):
            return web.Response(status=web.HTTPForbidden.status_code, text="Forbidden")
        value = new_value()
        self.sessions.begin(value)
        headers = {"Location": "/", "Set-Cookie": self.cookie.format(value)}
        return web.Response(status=web.HTTPFound.status_code, headers=headers)

    def routes(self) -> list[web.RouteDef]:
        """Return nothing."""
        return []

    def revoke_all(self) -> None:
        """End every session."""
        self.sessions.end_all()


class ScriptGate:
    """A site whose page makes its cookie itself, again and again: ``key.number.mix``, good for a moment.

    Args:
        life: seconds that one value is good for; None for four.
    """

    def __init__(self, life: float | None) -> None:
        self._life = life or _DEFAULT_SCRIPT_LIFE_S
        self.cookie = SessionCookie("tick", http_only=False, life=self._life)
        self.sessions = Sessions(_DEFAULT_LIFE_S)

    def find_owner(self, request: web.Request) -> str:  # noqa: ARG002  # the protocol's signature
        """Return nothing: its keys are bound to nothing."""
        return ""

    def admits(self, request: web.Request) -> bool:
        """Admit a value that was made a moment ago from a key that a page got; the page itself needs none."""
        key, _, rest = (self.cookie.read(request) or "").partition(".")
        number, _, mixed = rest.partition(".")
        if request.path == "/" or not number.isdecimal() or not self.sessions.is_valid(key):
            return False
        age_s = time.time() - int(number) / 1000
        return abs(age_s) <= self._life and mixed == str(mix(f"{key}.{number}"))

    def refuse(self, request: web.Request) -> web.StreamResponse:
        """Show the page, with a new key."""
        if request.path != "/":
            return web.Response(status=web.HTTPUnauthorized.status_code)
        key = new_value()
        self.sessions.begin(key)
        facts = {
            "__KEY__": json.dumps(key),
            "__COOKIE__": json.dumps(self.cookie.format("")),
            "__NAME__": json.dumps(self.cookie.name),
            "__EVERY_MS__": str(round(self._life * 1000 / 4)),
        }
        script = _SCRIPT
        for mark, value in facts.items():
            script = script.replace(mark, value)
        page = _CHAT_PAGE.replace("</body>", f"{script}</body>")
        return web.Response(text=page, content_type="text/html", headers={"Cache-Control": "no-store"})

    def routes(self) -> list[web.RouteDef]:
        """Return nothing."""
        return []

    def revoke_all(self) -> None:
        """End every key."""
        self.sessions.end_all()


def mix(text: str) -> int:
    """Return a number made of *text*, as the page's script makes it (32-bit FNV-1a)."""
    number = 0x811C9DC5
    for character in text.encode():
        number = (number ^ character) * 0x01000193 & 0xFFFFFFFF
    return number


def is_from_chrome(request: web.BaseRequest) -> bool:
    """Return whether the headers of *request* are in the order and the letter case of Chrome's."""
    names = [name.decode("latin-1") for name, _ in request.raw_headers if name != b"Cookie"]
    ends = names[:2] == ["Host", "Connection"] and names[-2:] == ["Accept-Encoding", "Accept-Language"]
    return ends and "sec-ch-ua" in names
