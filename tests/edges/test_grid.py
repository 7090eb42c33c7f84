"""A Grid's password stays with the Grid, wherever it redirects to."""

import json

import pytest
from aiohttp import web
from yarl import URL

from aura_browser import Grid, page_site
from aura_browser.errors import GridFailed
from aura_browser.webdriver.harvest import harvest
from tests.parts.servers import serving

_STATUS = {
    "value": {"nodes": [{"availability": "UP", "slots": [{"stereotype": {"browserName": "chrome"}, "session": None}]}]}
}


@pytest.mark.parametrize("redirected", ["/status", "/session"])
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(code: int, redirected: str) -> None:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(_STATUS)

    async with serving(answer) as (other, elsewhere):

        async def redirect(request: web.BaseRequest) -> web.StreamResponse:
            if request.path == redirected:
                return web.Response(status=code, headers={"Location": f"{elsewhere}{request.path}"})
            return web.Response(text=json.dumps(_STATUS))

        async with serving(redirect) as (_grid, origin):
            address = URL(origin).with_user("me").with_password("s3cret")
            with pytest.raises(GridFailed) as caught:
                await harvest(page_site("http://127.0.0.1:9"), engine=Grid(str(address)), timeout_s=20)
    assert other.seen == []
    assert "s3cret" not in str(caught.value)
    if redirected == "/status":
        assert f"it redirects to {elsewhere}/status" in str(caught.value)
