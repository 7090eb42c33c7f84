"""Cookies that Chrome hands out, whatever stands in them."""

import logging

import pytest
from aiohttp import web
from yarl import URL

from aura_browser import Session, page_site
from aura_browser.webdriver.cookies import parse_cookie
from aura_browser.webdriver.harvest import harvest
from tests.parts.servers import page, serving

RAW = {"name": "a", "value": "b", "domain": ".Example.com", "path": "/", "expires": -1, "size": 2, "session": True}
RAW |= {"secure": True, "httpOnly": False, "priority": "High", "sourceScheme": "Secure", "sourcePort": -1}


def test_what_other_programs_need_is_read() -> None:
    key = {"topLevelSite": "https://example.com", "hasCrossSiteAncestor": True}
    cookie = parse_cookie(RAW | {"partitionKey": key})
    assert cookie is not None
    assert (cookie.domain, cookie.host_only) == ("example.com", False)
    assert (cookie.priority, cookie.source_scheme, cookie.source_port) == ("High", "Secure", -1)
    assert (cookie.partition_key, cookie.has_cross_site_ancestor) == ("https://example.com", True)


def test_a_cookie_of_no_nameable_page_is_left_out() -> None:
    assert parse_cookie(RAW | {"partitionKeyOpaque": True}) is None


@pytest.mark.parametrize("missing", [{"value": "", "size": 5}, {"name": "", "value": "", "size": 5}])
def test_a_value_that_is_not_utf_8_is_left_out_and_said(
    missing: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert parse_cookie(RAW | missing) is None
    assert "not UTF-8" in caplog.text


@pytest.mark.usefixtures("shared_chrome")
@pytest.mark.chrome
async def test_a_harvest_keeps_odd_cookies_and_its_file_can_be_read() -> None:
    cookies = web.Response().headers
    for cookie in ("deep=1", "part=ü; Secure; Partitioned", 'spaced="1, 2"; Path=/app;x'):
        cookies.add("Set-Cookie", cookie)
    async with serving(page(headers=cookies)) as (server, origin):
        session = await harvest(page_site(f"{origin}/app;v=1/start"))
        assert Session.from_json(session.to_json()) == session
    kept = {cookie.name: cookie for cookie in session.cookies if cookie.path != "/"}  # Chrome may ask for an icon
    assert kept.keys() == {"deep", "part", "spaced"}
    assert kept["spaced"].value == '"1, 2"'
    assert (kept["deep"].path, kept["deep"].source_scheme) == ("/app;v=1", "NonSecure")
    assert (kept["deep"].source_port, kept["deep"].priority) == (URL(origin).port, "Medium")
    assert (kept["part"].partition_key, kept["part"].has_cross_site_ancestor) == ("http://127.0.0.1", False)
    assert session.cookie_header(URL(f"{origin}/app;v=1/x")).startswith("deep=1; part=ü")
    assert server.seen[0].path == "/app;v=1/start"
