"""Gateways in front of a playground, in the test's own event loop."""

import asyncio
import json
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from aura_browser import AuraClient, Site
from aura_browser.gateway.server import Gateway, Settings
from aura_browser.gateway.watching import Patience
from aura_browser.playground import Playground
from tests.parts.lazily import load_lazily
from tests.parts.sessions import make_session

if TYPE_CHECKING:
    import anthropic
    import openai
else:
    anthropic = load_lazily("anthropic")
    openai = load_lazily("openai")

MODEL = "openchat_3.6"
_START_S: Final = 10.0
QUICK = Patience(hold=0.3, beat=0.3, stuck=2.0, body=0.5, stop=1.0, tick=0.05)
"""As long as a test can wait."""


@asynccontextmanager
async def gateway_to(
    site: Playground | Site | str,
    client_options: dict[str, Any] | None = None,
    **settings: Any,  # noqa: ANN401 - any setting
) -> AsyncIterator[Gateway]:
    """Serve *site* while the context lasts, with a made-up session unless the client's options say otherwise."""
    origin = site if isinstance(site, str) else site.origin
    place = site if isinstance(site, Site) else origin
    options: dict[str, Any] = {"store": "memory", "session": make_session(origin)} | (client_options or {})
    async with (
        AuraClient(place, **options) as client,
        Gateway(client, Settings(**{"port": 0, **settings})) as gateway,
    ):
        yield gateway


def question(text: str, **fields: object) -> dict[str, Any]:
    """Return the body of a chat completion."""
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **fields}


def write_post(path: str, body: object) -> bytes:
    """Return a whole request as a client sends it, for tests that look at the connection itself."""
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(data)}"
    return f"{head}\r\n\r\n".encode() + data


def strict_openai(gateway: Gateway, **options: Any) -> "openai.AsyncOpenAI":  # noqa: ANN401 - its own options
    """Return OpenAI's client, which checks every reply against its types."""
    # It speaks no TLS here, and would read all certificates of the machine for each client.
    plain = openai.DefaultAsyncHttpxClient(verify=False)
    chosen: dict[str, Any] = {"max_retries": 0, "api_key": "any", "http_client": plain} | options
    return openai.AsyncOpenAI(base_url=gateway.base_url, _strict_response_validation=True, **chosen)


def strict_anthropic(gateway: Gateway, **options: Any) -> "anthropic.AsyncAnthropic":  # noqa: ANN401 - as above
    """Return Anthropic's client, which checks every reply against its types."""
    plain = anthropic.DefaultAsyncHttpxClient(verify=False)
    chosen: dict[str, Any] = {"max_retries": 0, "api_key": "any", "http_client": plain} | options
    return anthropic.AsyncAnthropic(base_url=gateway.origin, _strict_response_validation=True, **chosen)


async def read_until_error(stream: AsyncIterable[Any], kind: type[Exception], words: str) -> list[Any]:
    """Read *stream*, which has to end with that error; return its events, and the error last."""
    seen: list[Any] = []
    try:
        async for event in stream:
            seen.append(event)  # noqa: PERF401 - what came before the error is wanted too
    except kind as error:
        assert words in str(error)
        return [*seen, error]
    pytest.fail(f"no {kind.__name__} after {seen}")


@contextmanager
def gateway_in_thread(site: Playground, **settings: Any) -> Iterator[Gateway]:  # noqa: ANN401 - any setting
    """Serve *site* in a thread while the context lasts."""
    running: Future[tuple[Gateway, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        async with gateway_to(site, **settings) as gateway:
            running.set_result((gateway, asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="gateway", daemon=True)
    thread.start()
    gateway, loop, stop = running.result(_START_S)
    try:
        yield gateway
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(_START_S)
