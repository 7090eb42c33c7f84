"""What a proof says of a login whose site gives everybody the same page, once the login has ended there."""

import msgspec
import pytest
from aiohttp import web

from aura_browser.errors import SessionRefused, SiteFailed
from aura_browser.http.proof import prove
from aura_browser.session import Session
from aura_browser.site import Probe, Site, page_site
from tests.parts.servers import serving
from tests.parts.sessions import make_cookie, make_session

_GOOD = "sid=good"


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    """Answer as a public page does that deletes a cookie of a login that is over, and only from who sends it."""
    cookie = request.headers.get("Cookie", "")
    if request.path == "/me" and cookie != _GOOD:
        return web.json_response({}, status=401)
    response = web.Response(text="<p>Hello</p>", content_type="text/html")
    if cookie and cookie != _GOOD:
        response.headers["Set-Cookie"] = "sid=; Max-Age=0; Path=/"
    return response


def make_login(origin: str, value: str = "good") -> Session:
    return make_session(origin, cookies=(make_cookie(value=value),))


async def test_a_cookie_that_the_site_deletes_proves_no_login() -> None:
    async with serving(answer) as (_server, origin):
        proven = await prove(page_site(origin), make_login(origin, "dead"))
    assert (proven.proof, proven.is_protected, len(proven.cookies)) == ("open", False, 1)


async def test_a_login_that_a_weaker_probe_can_not_tell_stays_a_login() -> None:
    async with serving(answer) as (_server, origin):
        login = await prove(Site(origin, probe=Probe("/me", dropped="401")), make_login(origin))
        assert login.proof == "distinguished"
        proven = await prove(page_site(origin), login)
    assert (proven.proof, proven.is_protected) == ("open", True)


async def test_a_login_that_is_answered_as_strangers_were_before_is_refused() -> None:
    async with serving(answer) as (_server, origin):
        now_public = msgspec.structs.replace(
            make_login(origin, "dead"), proof="distinguished", evidence=("200; application/json", "200; text/html")
        )
        with pytest.raises(SessionRefused, match="as without the session"):
            await prove(page_site(origin), now_public)


@pytest.mark.parametrize("good", ["200", "200 application/json"])
async def test_a_site_that_fails_refuses_nothing_whatever_a_good_answer_looks_like(good: str) -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=503)

    async with serving(handle) as (_, origin):
        with pytest.raises(SiteFailed):
            await prove(Site(f"{origin}/", probe=Probe("/me", good=good, dropped="401")), make_session(origin))
