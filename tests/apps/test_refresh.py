"""Applications whose tokens last seconds: the refresh request alone keeps a login, for minutes."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from aura_browser import FileStore, SiteClient
from tests.apps.app import Running
from tests.apps.browsers import Browsers, load, read
from tests.apps.directus import Directus
from tests.apps.home_assistant import HomeAssistant

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]

_TOKEN_LIFE_S: Final = 10
_GRACE_S: Final = 12  # Home Assistant takes a token for 10 s more
_LASTS_S: Final = 120.0
_PAUSE_S: Final = 0.5


class ShortDirectus(Directus):
    """Directus whose logins end after seconds, unless they are renewed."""

    token_life = f"{_TOKEN_LIFE_S}s"


class ShortHomeAssistant(HomeAssistant):
    """Home Assistant whose access tokens last seconds."""

    token_life_s = _TOKEN_LIFE_S


@pytest.mark.parametrize("kind", [ShortDirectus, ShortHomeAssistant])
async def test_tokens_of_seconds_are_renewed_for_minutes_without_a_browser(
    kind: Callable[[Path], Running], store: FileStore, tmp_path: Path
) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    with kind(folder) as app:
        browsers = Browsers(app.log_in)
        async with SiteClient(app.site, store=store, harvest=browsers) as client:
            first, asked, ends = await client.session(), 0, time.monotonic() + _LASTS_S
            while time.monotonic() < ends:
                assert app.private_text in await read(client, app.private)
                asked += 1
                await asyncio.sleep(_PAUSE_S)  # as a program works on with what it got
            assert await app.write(client, "still here") in {200, 201}
            assert (browsers.opened, client.counters.harvests, client.counters.failures) == (1, 1, 0)
            assert client.counters.refreshes >= _LASTS_S / _TOKEN_LIFE_S - 2
        assert asked > _LASTS_S / 10
        assert app.read() == "still here"
        stored = await load(store, app)
        assert (stored.identity, stored.proof) == (first.identity, "distinguished")


async def test_a_program_that_starts_after_the_tokens_end_needs_no_browser(store: FileStore, tmp_path: Path) -> None:
    """At Home Assistant the token that renews the others outlasts them, as for what cron starts each night."""
    folder = tmp_path / "app"
    folder.mkdir()
    with ShortHomeAssistant(folder) as app:
        browsers = Browsers(app.log_in)
        for number in range(2):
            async with SiteClient(app.site, store=store, harvest=browsers) as client:
                assert app.private_text in await read(client, app.private)
                assert client.counters.refreshes == number
            await asyncio.sleep(_TOKEN_LIFE_S + _GRACE_S)  # the token's end
        assert browsers.opened == 1
