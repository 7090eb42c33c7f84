"""The provider class, as programs of the original project use it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from aura_browser import Aura
from aura_browser.errors import SiteFailed
from aura_browser.playground import Playground
from tests.parts.drivers import own_driver
from tests.parts.sessions import make_session


@pytest.fixture(autouse=True)
def fresh_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Aura, "working", False)


def at(origin: str) -> type[Aura]:
    return type("LocalAura", (Aura,), {"url": origin})


def test_the_facts_of_the_class() -> None:
    assert Aura.url == "https://openchat.team"
    assert Aura.working is False


async def test_it_works_once_a_reply_was_streamed() -> None:
    async with Playground() as site:
        local = at(site.origin)
        options: dict[str, Any] = {"session": make_session(site.origin), "stream": True, "timeout": 5}
        with pytest.raises(SiteFailed):
            [
                text
                async for text in local.create_async_generator("", [{"role": "user", "content": "/error x"}], **options)
            ]
        assert Aura.working is False
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "/slow 0.01 hello there"}]
        pieces = [text async for text in local.create_async_generator("", messages, **options)]
        assert "".join(pieces) == "hello there"
        assert len(pieces) > 1
        assert Aura.working is True


@pytest.mark.usefixtures("shared_chrome")
@pytest.mark.chrome
async def test_the_second_call_opens_no_browser(tmp_path: Path) -> None:
    async with Playground("check-503", check_delay=0.2) as site:
        for _ in range(2):
            generator = at(site.origin).create_async_generator("openchat_3.6", [{"role": "user", "content": "hi"}])
            assert "".join([text async for text in generator]) == "hi"
        assert site.page_loads == 1


@pytest.mark.chrome
async def test_a_given_webdriver_is_used_and_not_closed() -> None:
    async with Playground("check-503", check_delay=0.2) as site:
        driver_context = own_driver()
        driver = await asyncio.to_thread(driver_context.__enter__)
        try:
            generator = at(site.origin).create_async_generator(
                "", [{"role": "user", "content": "hi"}], webdriver=driver, store="memory"
            )
            assert "".join([text async for text in generator]) == "hi"
            assert (await asyncio.to_thread(lambda: driver.current_url)) == f"{site.origin}/"
        finally:
            await asyncio.to_thread(driver_context.__exit__, None, None, None)
