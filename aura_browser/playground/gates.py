"""The gates that can protect the site, and their answers to a request without a session.

=================  ==========================================================================================
``none``           no gate
``check-503``      503, Retry-After: 1, a page whose script sets a cookie after a delay and reloads
``check-403``      the same with 403, and the cookie is valid only for the user agent that got the page
``login-401``      401 with the login form; no WWW-Authenticate, no Set-Cookie
``login-redirect`` 302 to the login page, with a Set-Cookie of the same name for a new, empty session
``script``         401 without a cookie that the page's script makes anew all the time, from a key in the page
``connection``     403 for all but a browser's own connection, which is known by its headers' order and letter case
=================  ==========================================================================================

They behave like the real app behind Apache and nginx. A session that ends does not end an answer that has begun: a
gate checks a request once, when it arrives.
"""

import html
import json
from importlib.resources import files
from typing import Protocol
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from aura_browser.errors import InvalidInput
from aura_browser.playground.browser_gates import ConnectionGate, ScriptGate
from aura_browser.playground.cookies import SessionCookie
from aura_browser.playground.sessions import Sessions, new_value

GATES = ("none", "check-503", "check-403", "login-401", "login-redirect", "connection", "script")
USER, PASSWORD = "demo", "demo"

_DEFAULT_LIFE_S = 3600.0
_OFFER_TTL_S = 300.0
_UNGATED_PATHS = {"/login", "/favicon.ico", "/playground/revoke"}
_CHECK_PAGE = files(__package__).joinpath("check.html").read_text("utf-8")
_LOGIN_PAGE = files(__package__).joinpath("login.html").read_text("utf-8")
_NEW_COOKIE = web.RequestKey("fresh", str)


class Gate(Protocol):
    """What every gate with sessions offers."""

    cookie: SessionCookie
    sessions: Sessions

    def admits(self, request: web.Request) -> bool:
        """Return whether *request* carries a valid session."""
        ...

    def find_owner(self, request: web.Request) -> str:
        """Return what a session that begins with *request* is bound to; empty for nothing."""
        ...

    def refuse(self, request: web.Request) -> web.StreamResponse:
        """Return the answer to a request without a valid session."""
        ...

    def routes(self) -> list[web.RouteDef]:
        """Return the gate's own pages."""
        ...

    def revoke_all(self) -> None:
        """End every session at once."""
        ...


class CheckGate:
    """A script check: the page's script sets a cookie after *delay* seconds and reloads.

    Args:
        status: 503, or 403, which also binds the cookie to the user agent.
        life: lifetime of a session in seconds; None for an hour.
        delay: seconds that the page waits.
    """

    def __init__(self, status: int, life: float | None, delay: float) -> None:
        self._status = status
        self._delay = delay
        self._offered = Sessions(_OFFER_TTL_S)
        self.cookie = SessionCookie("clearance", http_only=False, life=life)
        self.sessions = Sessions(life or _DEFAULT_LIFE_S)

    def find_owner(self, request: web.Request) -> str:
        """Return the user agent for the 403 check, nothing for the 503 check."""
        return request.headers.get("User-Agent", "") if self._status == web.HTTPForbidden.status_code else ""

    def admits(self, request: web.Request) -> bool:
        """Admit a valid value. The lifetime of one from a check page begins with its first use."""
        value, owner = self.cookie.read(request) or "", self.find_owner(request)
        if self._offered.is_valid(value, owner):
            self._offered.end(value)
            self.sessions.begin(value, owner)
        return self.sessions.is_valid(value, owner)

    def refuse(self, request: web.Request) -> web.StreamResponse:
        """Answer with a check page that has a new value."""
        value = new_value()
        self._offered.begin(value, self.find_owner(request))
        page = _CHECK_PAGE.replace("__COOKIE__", json.dumps(self.cookie.format(value)))
        headers = {"Cache-Control": "no-store"}
        if self._status == web.HTTPServiceUnavailable.status_code:
            headers["Retry-After"] = "1"
        return _make_html(page.replace("__DELAY_MS__", str(round(self._delay * 1000))), self._status, headers)

    def routes(self) -> list[web.RouteDef]:
        """Return nothing: the check page replaces the requested page."""
        return []

    def revoke_all(self) -> None:
        """End every session, and the values of open check pages."""
        self._offered.end_all()
        self.sessions.end_all()


class LoginGate:
    """A login form.

    Args:
        redirect: redirect to the form, with a new empty session, instead of answering 401 with it.
        life: lifetime of a session in seconds; None for an hour.
    """

    def __init__(self, *, redirect: bool, life: float | None) -> None:
        self._redirect = redirect
        self.cookie = SessionCookie("session", http_only=True, life=life)
        self.sessions = Sessions(life or _DEFAULT_LIFE_S)

    def find_owner(self, request: web.Request) -> str:  # noqa: ARG002  # the protocol's signature
        """Return nothing: its sessions are not bound."""
        return ""

    def admits(self, request: web.Request) -> bool:
        """Admit a value that a login created."""
        return self.sessions.is_valid(self.cookie.read(request) or "")

    def refuse(self, request: web.Request) -> web.StreamResponse:
        """Answer 401 with the form, or redirect to it with a session that is not valid."""
        if not self._redirect:
            return _make_login_page(web.HTTPUnauthorized.status_code)
        response = web.Response(status=web.HTTPFound.status_code)
        response.headers["Location"] = "/login?" + urlencode({"next": request.raw_path})
        response.headers["Set-Cookie"] = self.cookie.format(new_value())
        return response

    def routes(self) -> list[web.RouteDef]:
        """Return the login page and the target of its form."""
        return [web.get("/login", self._show_login), web.post("/login", self._log_in)]

    def revoke_all(self) -> None:
        """End every session."""
        self.sessions.end_all()

    async def _show_login(self, _request: web.Request) -> web.StreamResponse:
        return _make_login_page(web.HTTPOk.status_code)

    async def _log_in(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        if (form.get("username"), form.get("password")) != (USER, PASSWORD):
            return _make_login_page(web.HTTPUnauthorized.status_code, "Wrong name or password.")
        value = new_value()
        self.sessions.begin(value)
        headers = {"Location": "/", "Set-Cookie": self.cookie.format(value)}
        return web.Response(status=web.HTTPSeeOther.status_code, headers=headers)


def make_gate(name: str, life: float | None, check_delay: float) -> Gate | None:
    """Return the gate called *name*, or None for ``none``.

    Raises:
        InvalidInput: there is no such gate.
    """
    match name:
        case "none":
            return None
        case "check-503" | "check-403":
            return CheckGate(int(name.removeprefix("check-")), life, check_delay)
        case "login-401" | "login-redirect":
            return LoginGate(redirect=name == "login-redirect", life=life)
        case "connection":
            return ConnectionGate(life)
        case "script":
            return ScriptGate(life)
    raise InvalidInput(name="gate", problem=f"{name!r} is not one of {', '.join(GATES)}")


def guard(gate: Gate, *, sliding: bool) -> Middleware:
    """Return the middleware that passes requests with a valid session and has *gate* answer the others.

    Args:
        gate: checks the sessions.
        sliding: begin a new session with each admitted request. The old one stays valid until its own end, for
            requests in flight.
    """

    @web.middleware
    async def check_session(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in _UNGATED_PATHS:
            return await handler(request)
        if not gate.admits(request):
            return gate.refuse(request)
        if sliding:
            # Begun now, not when the answer begins: a revocation in between must end it too.
            value = new_value()
            gate.sessions.begin(value, gate.find_owner(request))
            request[_NEW_COOKIE] = gate.cookie.format(value)
        return await handler(request)

    return check_session


async def send_new_cookie(request: web.Request, response: web.StreamResponse) -> None:
    """Set the new session's cookie in a 200, streamed or not; for ``on_response_prepare``."""
    if response.status == web.HTTPOk.status_code and _NEW_COOKIE in request:
        response.headers.add("Set-Cookie", request[_NEW_COOKIE])


def _make_login_page(status: int, message: str = "") -> web.Response:
    return _make_html(_LOGIN_PAGE.replace("__MESSAGE__", html.escape(message)), status, {"Cache-Control": "no-store"})


def _make_html(page: str, status: int, headers: dict[str, str]) -> web.Response:
    return web.Response(text=page, status=status, headers=headers, content_type="text/html")
