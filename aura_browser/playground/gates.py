"""The gates that may stand in front of the site, and what they answer to a request without a session.

=================  ==========================================================================================
``none``           no gate
``check-503``      503, Retry-After: 1, a page whose script sets a cookie after a moment and reloads
``check-403``      the same with 403, and the cookie is good for the user agent that got the page only
``login-401``      401 with the login form; no WWW-Authenticate, no Set-Cookie
``login-redirect`` 302 to the login page, with a Set-Cookie of the same name for a new, empty session
=================  ==========================================================================================

Measured on the real app behind Apache and nginx gates. A session that ends does not cut an answer that has
begun: a gate looks at a request once, when it comes in.
"""

import html
import json
from importlib.resources import files
from typing import Protocol
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from aura_browser.errors import InvalidInput
from aura_browser.playground.cookies import SessionCookie
from aura_browser.playground.sessions import Sessions, new_value

GATES = ("none", "check-503", "check-403", "login-401", "login-redirect")
USER, PASSWORD = "demo", "demo"

_DEFAULT_LIFE_S = 3600.0
_OFFER_LIFE_S = 300.0
_OUTSIDE = {"/login", "/favicon.ico", "/playground/revoke"}
_CHECK_PAGE = files(__package__).joinpath("check.html").read_text("utf-8")
_LOGIN_PAGE = files(__package__).joinpath("login.html").read_text("utf-8")
_FRESH = web.RequestKey("fresh", str)


class Gate(Protocol):
    """What every gate that keeps sessions can do."""

    cookie: SessionCookie
    sessions: Sessions

    def admits(self, request: web.Request) -> bool:
        """Tell whether *request* carries a good session."""
        ...

    def owner(self, request: web.Request) -> str:
        """Return what a session begun by *request* is bound to; empty for nothing."""
        ...

    def refuse(self, request: web.Request) -> web.StreamResponse:
        """Return the answer to a request without a good session."""
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
        life: seconds that a session is good, or None for an hour.
        delay: seconds that the page waits.
    """

    def __init__(self, status: int, life: float | None, delay: float) -> None:
        self._status = status
        self._delay = delay
        self._offered = Sessions(_OFFER_LIFE_S)
        self.cookie = SessionCookie("clearance", http_only=False, life=life)
        self.sessions = Sessions(life or _DEFAULT_LIFE_S)

    def owner(self, request: web.Request) -> str:
        """Bind to the user agent behind the 403 check, to nothing behind the 503 check."""
        return request.headers.get("User-Agent", "") if self._status == web.HTTPForbidden.status_code else ""

    def admits(self, request: web.Request) -> bool:
        """Admit a good value; one that a check page offered begins its life when it is first presented."""
        value, owner = self.cookie.read(request) or "", self.owner(request)
        if self._offered.holds(value, owner):
            self._offered.end(value)
            self.sessions.begin(value, owner)
        return self.sessions.holds(value, owner)

    def refuse(self, request: web.Request) -> web.StreamResponse:
        """Answer with a check page of its own value."""
        value = new_value()
        self._offered.begin(value, self.owner(request))
        page = _CHECK_PAGE.replace("__COOKIE__", json.dumps(self.cookie.text(value)))
        headers = {"Cache-Control": "no-store"}
        if self._status == web.HTTPServiceUnavailable.status_code:
            headers["Retry-After"] = "1"
        return _html(page.replace("__DELAY_MS__", str(round(self._delay * 1000))), self._status, headers)

    def routes(self) -> list[web.RouteDef]:
        """Return nothing: the check is answered in place of the page that was asked for."""
        return []

    def revoke_all(self) -> None:
        """End every session, and the values that open check pages hold."""
        self._offered.end_all()
        self.sessions.end_all()


class LoginGate:
    """A login form.

    Args:
        redirect: redirect to the form, with a new empty session, instead of answering 401 with it.
        life: seconds that a session is good, or None for an hour.
    """

    def __init__(self, *, redirect: bool, life: float | None) -> None:
        self._redirect = redirect
        self.cookie = SessionCookie("session", http_only=True, life=life)
        self.sessions = Sessions(life or _DEFAULT_LIFE_S)

    def owner(self, request: web.Request) -> str:  # noqa: ARG002  # other gates ask the request
        """Bind to nothing."""
        return ""

    def admits(self, request: web.Request) -> bool:
        """Admit a value that a login began."""
        return self.sessions.holds(self.cookie.read(request) or "")

    def refuse(self, request: web.Request) -> web.StreamResponse:
        """Answer 401 with the form, or redirect to it with a session that is good for nothing."""
        if not self._redirect:
            return _login_page(web.HTTPUnauthorized.status_code)
        response = web.Response(status=web.HTTPFound.status_code)
        response.headers["Location"] = "/login?" + urlencode({"next": request.raw_path})
        response.headers["Set-Cookie"] = self.cookie.text(new_value())
        return response

    def routes(self) -> list[web.RouteDef]:
        """Return the login page and its form's target."""
        return [web.get("/login", self._show), web.post("/login", self._log_in)]

    def revoke_all(self) -> None:
        """End every session."""
        self.sessions.end_all()

    async def _show(self, _request: web.Request) -> web.StreamResponse:
        return _login_page(web.HTTPOk.status_code)

    async def _log_in(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        if (form.get("username"), form.get("password")) != (USER, PASSWORD):
            return _login_page(web.HTTPUnauthorized.status_code, "Wrong name or password.")
        value = new_value()
        self.sessions.begin(value)
        headers = {"Location": "/", "Set-Cookie": self.cookie.text(value)}
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
    raise InvalidInput(name="gate", problem=f"{name!r} is not one of {', '.join(GATES)}")


def guard(gate: Gate, *, sliding: bool) -> Middleware:
    """Return the middleware that lets good sessions through to the site and has *gate* answer the others.

    Args:
        gate: what tells a good session.
        sliding: begin another session with each request let in. The old one lives on until its own end, for
            the requests that are on their way with it.
    """

    @web.middleware
    async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in _OUTSIDE:
            return await handler(request)
        if not gate.admits(request):
            return gate.refuse(request)
        if sliding:
            # Begun now, not when the answer begins: a revocation between the two must catch it.
            value = new_value()
            gate.sessions.begin(value, gate.owner(request))
            request[_FRESH] = gate.cookie.text(value)
        return await handler(request)

    return let_in


async def send_fresh(request: web.Request, response: web.StreamResponse) -> None:
    """Send the session that a request began with a 200, streamed or not; for ``on_response_prepare``."""
    if response.status == web.HTTPOk.status_code and _FRESH in request:
        response.headers.add("Set-Cookie", request[_FRESH])


def _login_page(status: int, message: str = "") -> web.Response:
    return _html(_LOGIN_PAGE.replace("__MESSAGE__", html.escape(message)), status, {"Cache-Control": "no-store"})


def _html(page: str, status: int, headers: dict[str, str]) -> web.Response:
    return web.Response(text=page, status=status, headers=headers, content_type="text/html")
