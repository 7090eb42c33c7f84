"""A plugin for the program ``llm`` (https://llm.datasette.io): the models ``aura``, sync and async.

``llm`` loads it by its entry point at every start, so nothing heavy is imported before a question is asked.
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, cast

import llm
from pydantic import Field

if TYPE_CHECKING:
    from llm.models import AsyncConversation, AsyncResponse, Conversation, Prompt, Response

    from aura_browser.chat.messages import Message, Role

_MODEL_ID = "aura"


class _Options(llm.Options):
    """The options of ``-o NAME VALUE``."""

    temperature: float | None = Field(default=None, ge=0, description="0 is the most predictable.")
    site: str | None = Field(default=None, description="The chat site, or its name in sites.toml.")
    model: str | None = Field(default=None, description="The id of the site's model.")


class Aura(llm.Model):
    """A chat site's model, with the session of the person's own browser."""

    model_id = _MODEL_ID
    can_stream = True
    needs_key = None
    Options = _Options  # type: ignore[assignment] # as llm documents it

    def execute(
        self,
        prompt: "Prompt",
        stream: bool,  # noqa: ARG002, FBT001 - llm's signature
        response: "Response",
        conversation: "Conversation | None",  # noqa: ARG002 - llm's signature
    ) -> Iterator[str]:
        """Yield the answer's text as it comes; ModelError with one line if there is none."""
        yield from _iterate(_answer(prompt, response))


class AsyncAura(llm.AsyncModel):
    """The same for programs that are asynchronous."""

    model_id = _MODEL_ID
    can_stream = True
    needs_key = None
    Options = _Options  # type: ignore[assignment] # as llm documents it

    async def execute(
        self,
        prompt: "Prompt",
        stream: bool,  # noqa: ARG002, FBT001 - llm's signature
        response: "AsyncResponse",
        conversation: "AsyncConversation | None",  # noqa: ARG002 - llm's signature
    ) -> AsyncGenerator[str, None]:
        """Yield the answer's text as it comes; ModelError with one line if there is none."""
        async with aclosing(_answer(prompt, response)) as answer:
            async for text in answer:
                yield text


@llm.hookimpl
def register_models(register: Callable[..., None]) -> None:
    """Tell ``llm`` of both."""
    register(Aura(), AsyncAura())


async def _answer(prompt: "Prompt", response: Any) -> AsyncGenerator[str, None]:  # noqa: ANN401 - one of two types
    from aura_browser.chat.client import AuraClient
    from aura_browser.chat.tokens import count_bytes, count_messages
    from aura_browser.errors import AuraError
    from aura_browser.site import OPENCHAT

    options: Any = prompt.options
    length = 0
    try:
        messages = _read_messages(prompt)
        async with (
            AuraClient(options.site or OPENCHAT.url, model=options.model or "") as client,
            aclosing(client.stream(messages, temperature=options.temperature)) as texts,
        ):
            async for text in texts:
                length += len(text.encode())
                yield text
    except AuraError as error:
        raise llm.ModelError(str(error)) from None
    response.set_usage(input=count_messages(messages), output=count_bytes(length))


def _read_messages(prompt: "Prompt") -> "list[Message]":
    """Return the whole conversation. ``prompt.messages`` has it; ``conversation`` is empty where ``llm -c`` goes on."""
    from aura_browser.chat.messages import Message

    return [
        Message(cast("Role", message.role), "".join(getattr(part, "text", "") for part in message.parts))
        for message in prompt.messages
    ]


def _iterate(answer: AsyncGenerator[str, None]) -> Iterator[str]:
    """Yield what *answer* yields. It runs in a thread of its own, as the caller may be in an event loop."""
    pieces: SimpleQueue[str | None] = SimpleQueue()

    async def read() -> None:
        try:
            async with aclosing(answer):
                async for text in answer:
                    pieces.put(text)
        finally:
            pieces.put(None)

    with _run_loop() as loop:
        reading = asyncio.run_coroutine_threadsafe(read(), loop)
        try:
            yield from iter(pieces.get, None)
            reading.result()
        finally:
            if reading.cancel():
                deque(iter(pieces.get, None), maxlen=0)  # until it has closed what is open


@contextmanager
def _run_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="aura-llm", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
