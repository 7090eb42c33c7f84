"""The page on loopback that the doctor harvests and asks its proxy for."""

import logging

import aiohttp
import pytest

from aura_browser.doctor.page import serve_page


async def test_it_is_a_page_at_each_path_for_as_long_as_the_context_lasts(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "aiohttp")
    async with aiohttp.ClientSession() as http:
        async with serve_page() as page, serve_page() as other:
            assert (page.was_fetched, page.url != other.url, page.mark != other.mark) == (False, True, True)
            for path in ("", "favicon.ico", "a/b"):
                async with http.get(page.url + path) as answer:
                    assert "<title>aura-browser doctor</title>" in await answer.text()
                assert (answer.status, answer.content_type, answer.headers["X-Doctor"]) == (200, "text/html", page.mark)
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(page.url)
    assert caplog.records == []
