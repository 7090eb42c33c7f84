"""Sites of several kinds that know accounts by a cookie, and what stands in for a browser there."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp
import msgspec
from aiohttp import web
from yarl import URL

from aura_browser.session import Session
from aura_browser.session.cookie_store import fold_set_cookies
from aura_browser.site import Probe, Site
from tests.parts.servers import Server, serving
from tests.parts.sessions import make_session

ADMINS_ONLY: Final = "You are no admin."
NO_TOKEN: Final = "CSRF token missing."
_CHECK: Final = "<!doctype html><title>Just a moment...</title><body class=no-js>"
_FORM: Final = "<!doctype html><form>%s<input type=password name=p></form>"
_ANONYMOUS: Final = {"Set-Cookie": "sid=anonymous; Path=/; HttpOnly"}


@dataclass(frozen=True)
class Kind:
    """How a site treats those who are not logged in.

    Attributes:
        page: the page that a browser opens.
        data: an address with an account's own data.
        to_guests: how *data* is answered to guests: ``page``, ``redirect``, ``form``, ``401``, ``403`` or ``shell``.
        probe: the probe, if the definition of the site names one.
        has_check: whether a check page stands before everything.
    """

    page: str
    data: str
    to_guests: str
    probe: Probe | None = None
    has_check: bool = False


KINDS: Final = {
    "public page": Kind("/", "/members", "403"),
    "public page with a probe": Kind("/", "/members", "403", Probe("/me", identity="text:Hello ")),
    "login page": Kind("/app", "/app/data", "redirect"),
    "login form": Kind("/app", "/app/data", "form"),
    "login page with a probe": Kind("/app", "/app/data", "redirect", Probe("/api/me", identity="json:user")),
    "check page": Kind("/", "/members", "403", has_check=True),
    "check page with a probe": Kind("/", "/members", "403", Probe("/me", identity="text:Hello "), has_check=True),
    "SPA": Kind("/", "/api/data", "shell", Probe("/api/session", identity="json:user")),
    "API": Kind("/", "/api/data", "401", Probe("/api/me", identity="json:user")),
}


class LoginSite:
    """One such site.

    Attributes:
        site: what a client knows of it.
        accounts: the cookie's good values, and whose they are.
        csrf_status: how a form without a token is answered.
        server: what serves it.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.accounts: dict[str, str] = {}
        self.csrf_status = 403
        self.site = Site("http://127.0.0.1/")
        self.server: Server | None = None
        self._entered = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        cookies = dict(pair.partition("=")[::2] for pair in request.headers.get("Cookie", "").split("; "))
        if request.path == "/enter":
            return self._enter(request.query.get("as", ""))
        if self.kind.has_check and "clearance" not in cookies:
            return web.Response(status=503, text=_CHECK, content_type="text/html")
        return self._answer(request, self.accounts.get(cookies.get("sid", ""), ""))

    def drop_all(self) -> None:
        """Forget every login."""
        self.accounts.clear()

    def _enter(self, account: str) -> web.Response:
        """Log *account* in, or nobody; a browser passes the check by itself."""
        answer = web.Response(text="<!doctype html>Welcome", content_type="text/html")
        self._entered += 1
        value = f"{account or 'guest'}-{self._entered}"
        if account:
            self.accounts[value] = account
        answer.headers.add("Set-Cookie", f"sid={value}; Path=/; HttpOnly")
        if self.kind.has_check:
            answer.headers.add("Set-Cookie", "clearance=1; Path=/; HttpOnly")
        return answer

    def _answer(self, request: web.BaseRequest, account: str) -> web.Response:
        match request.path:
            case "/me" | "/api/me" | "/api/session":
                return self._introduce(request.path, account)
            case "/login":
                return web.Response(text=_FORM % "Log in", content_type="text/html", headers=_ANONYMOUS)
            case "/":
                return web.Response(text="<!doctype html><main>Welcome</main>", content_type="text/html")
        return self._answer_member(request, account) if account else self._answer_guest()

    def _answer_member(self, request: web.BaseRequest, account: str) -> web.Response:
        if request.path == "/admin":
            return web.Response(status=403, text=ADMINS_ONLY)
        if request.method == "POST":
            return web.Response(status=self.csrf_status, text=NO_TOKEN)
        return web.Response(text=f"{account}'s data")

    def _introduce(self, path: str, account: str) -> web.Response:
        if path == "/me":
            return web.Response(text=f"<p>Hello {account or 'guest'}</p>", content_type="text/html")
        if path == "/api/session":
            return web.json_response({"user": account or None})
        return web.json_response({"user": account}) if account else web.json_response({"error": "who?"}, status=401)

    def _answer_guest(self) -> web.Response:
        match self.kind.to_guests:
            case "redirect":
                return web.Response(status=302, headers={"Location": "/login?next=/app", **_ANONYMOUS})
            case "form":
                return web.Response(text=_FORM % "Log in", content_type="text/html", headers=_ANONYMOUS)
            case "shell":
                return web.Response(text="<!doctype html><div id=root>", content_type="text/html", headers=_ANONYMOUS)
        return web.Response(status=int(self.kind.to_guests), text="Who are you?", headers=_ANONYMOUS)


@asynccontextmanager
async def serving_logins(kind: Kind) -> AsyncIterator[LoginSite]:
    """Serve a site of *kind* while the context lasts."""
    logins = LoginSite(kind)
    async with serving(logins.handle) as (server, origin):
        logins.site = Site(f"{origin}{kind.page}", api_paths=("/api/",), probe=kind.probe)
        logins.server = server
        yield logins


class Browser:
    """Harvests that stand in for a browser: over HTTP, in which an account is logged in, or nobody.

    Attributes:
        account: who is logged in; empty for nobody.
        is_person: whether a person logs in during the harvest.
        count: how many browsers were opened.
    """

    def __init__(self, logins: LoginSite, account: str = "") -> None:
        self.account = account
        self.is_person = False
        self.count = 0
        self._logins = logins

    async def __call__(self) -> Session:
        self.count += 1
        site, now = self._logins.site, time.time()
        enter = URL(site.origin) / "enter"
        async with aiohttp.ClientSession() as http, http.get(enter, params={"as": self.account}) as response:
            cookies = fold_set_cookies((), response.headers.getall("Set-Cookie"), URL(site.url), now)
        session = make_session(site.origin, url=site.url, cookies=cookies, harvested_at=now)
        return msgspec.structs.replace(session, is_login=self.is_person)


def sid_of(session: Session | None) -> str:
    """Return the value of the session's cookie."""
    return next((cookie.value for cookie in session.cookies if cookie.name == "sid"), "") if session else ""
