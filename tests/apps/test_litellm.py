"""Through the gateway, Apache's login form and litellm's proxy: what passes, and whose errors are whose."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import openai
import pytest

from aura_browser import AuraClient, Session, Site
from aura_browser.gateway.server import Gateway, Settings
from aura_browser.site.sites_file import parse_sites
from tests.apps.litellm import ANSWER, serving_litellm
from tests.parts.apache import log_in, serving_before
from tests.parts.gateways import strict_openai
from tests.parts.sessions import make_cookie, make_session

pytestmark = pytest.mark.heavy

_DEFINITION: Final = """
[ours]
url = "{origin}/"
dialect = "openai"
probe = "/v1/models"
api = "/v1/"
"""
_TOOLS: Final[Any] = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]
_ASKED: Final[Any] = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve it behind the login, as a person's sites.toml describes it."""
    with serving_litellm(tmp_path_factory.mktemp("litellm")) as backend, serving_before(backend) as origin:
        yield parse_sites(_DEFINITION.format(origin=origin).encode(), Path("sites.toml"))["ours"]


def make_login(site: Site, value: str) -> Session:
    return make_session(site.origin, cookies=(make_cookie("session", value, http_only=True),), is_login=True)


@asynccontextmanager
async def asking(site: Site, **options: Any) -> AsyncIterator[openai.AsyncOpenAI]:  # noqa: ANN401 - any option
    """Yield OpenAI's client before the gateway, which has the session of somebody who logged in."""
    chosen: dict[str, Any] = {"session": make_login(site, log_in(site.origin)), "store": "memory"} | options
    async with (
        AuraClient(site, **chosen) as client,
        Gateway(client, Settings(port=0)) as gateway,
        strict_openai(gateway, max_retries=2) as asker,
    ):
        yield asker


async def test_answers_come_whole_and_in_pieces(site: Site) -> None:
    async with asking(site) as client:
        answer = await client.chat.completions.create(model="talker", **_ASKED)
        assert answer.choices[0].message.content == ANSWER
        pieces = [
            chunk.choices[0].delta.content or ""
            async for chunk in await client.chat.completions.create(model="talker", stream=True, **_ASKED)
            if chunk.choices
        ]
        assert "".join(pieces) == ANSWER
        assert len(pieces) > 2
        assert {model.id async for model in client.models.list()} == {"talker", "caller"}


async def test_tools_pass(site: Site) -> None:
    async with asking(site) as client:
        answer = await client.chat.completions.create(model="caller", tools=_TOOLS, **_ASKED)
        [call] = answer.choices[0].message.tool_calls or []
        assert (call.id, call.type == "function" and call.function.name) == ("call_1", "look_up")


async def test_its_own_errors_pass(site: Site) -> None:
    async with asking(site) as client:
        with pytest.raises(openai.BadRequestError, match="nobody") as caught:
            await client.chat.completions.create(model="nobody", **_ASKED)
        assert caught.value.code != "session_required"


async def test_a_login_that_has_ended_is_renewed_within_the_request(site: Site) -> None:
    harvests = 0

    async def harvest() -> Session:
        nonlocal harvests
        harvests += 1
        return make_login(site, await asyncio.to_thread(log_in, site.origin))

    async with asking(site, session=make_login(site, "ended"), harvest=harvest) as client:
        answer = await client.chat.completions.create(model="talker", **_ASKED)
        assert (answer.choices[0].message.content, harvests) == (ANSWER, 1)


async def test_without_a_login_the_client_is_told_what_to_run(site: Site) -> None:
    async with asking(site, session=make_login(site, "ended"), refresh="never") as client:
        with pytest.raises(openai.PermissionDeniedError, match="aura-browser harvest") as caught:
            await client.chat.completions.create(model="talker", **_ASKED)
        assert caught.value.code == "session_required"
