"""Open WebUI's scheme from the definition that comes with the package: a real Chrome gets the token, a client asks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aura_browser import AuraClient
from aura_browser.gateway.server import Gateway, Settings
from tests.parts.command import run_here
from tests.parts.gateways import strict_openai
from tests.parts.open_webui import OpenWebUI
from tests.parts.servers import serving_in_thread


@pytest.fixture
def app() -> Iterator[OpenWebUI]:
    """Serve one that sites.toml has under the name ``ours``."""
    running = OpenWebUI()
    with serving_in_thread(running.handle) as (_server, origin):
        added = run_here("sites", "add", "ours", "--like", "open-webui", "--url", f"{origin}/")
        assert added.returncode == 0, added.stderr
        yield running


@pytest.mark.chrome
async def test_openais_client_gets_in_with_the_pages_token_and_again_when_it_is_over(
    app: OpenWebUI, tmp_path: Path
) -> None:
    asked: Any = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    async with (
        AuraClient("ours", store=str(tmp_path / "sessions")) as client,
        Gateway(client, Settings(port=0)) as gateway,
        strict_openai(gateway) as asker,
    ):
        assert (await asker.chat.completions.create(**asked)).choices[0].message.content == "hello"
        assert [model.id async for model in asker.models.list()] == ["m"]
        assert client.current is not None
        assert (client.current.proof, app.number) == ("distinguished", 1)
        app.number += 1  # an administrator has ended all logins
        assert (await asker.chat.completions.create(**asked)).choices[0].message.content == "hello"
        assert app.number == 3
