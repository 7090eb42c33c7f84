"""Answers from any server with OpenAI's streaming API, for a real chat in the page."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus

import aiohttp

from aura_browser.chat.dialects.openai import answer_decoder, read_error
from aura_browser.errors import InvalidInput
from aura_browser.hosts import parse_url
from aura_browser.http.body import read_start
from aura_browser.http.exchange import reason_phrase, typed_error
from aura_browser.playground.answers import Answer, AnswerCut, Answerer, AnswerFailed
from aura_browser.playground.conversation import Conversation
from aura_browser.text import clean_text

# The real app sets the answer's length on the server.
_ANSWER_TOKENS = 1000
_READ_TIMEOUT_S = 120.0
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=_READ_TIMEOUT_S)
_MAX_ERROR_BYTES = 64 * 1024


def make_upstream_answerer(url: str, key: str | None) -> Answerer:
    """Return the function that answers a conversation by asking the server at *url*.

    An error before the first text becomes the site's 500 with the server's message; a later one closes the connection.

    Args:
        url: the base URL, to which ``/chat/completions`` is added.
        key: sent as a bearer token, if given.

    Raises:
        InvalidInput: *url* is not an http or https URL.
    """
    if not _is_web_url(url):
        raise InvalidInput(name="upstream", problem="is not an http:// or https:// URL")
    endpoint = url.rstrip("/") + "/chat/completions"
    headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def answer(conversation: Conversation) -> Answer:
        begun = False
        try:
            async with aclosing(_ask(endpoint, headers, conversation)) as texts:
                async for text in texts:
                    if text:
                        begun = True
                        yield text.encode()
        except (aiohttp.ClientError, TimeoutError, ValueError, AnswerFailed) as error:
            if begun:
                raise AnswerCut from None
            raise AnswerFailed(_describe(error, endpoint)) from None

    return answer


def _is_web_url(url: str) -> bool:
    try:
        parse_url(url, {"http", "https"})
    except ValueError:
        return False
    return True


def _describe(error: Exception, endpoint: str) -> str:
    """Return why there is no answer. An error of aiohttp itself may quote headers."""
    typed = typed_error(error, endpoint, _READ_TIMEOUT_S) if isinstance(error, aiohttp.ClientError | OSError) else None
    return str(typed) if typed else clean_text(str(error) or type(error).__name__)


async def _ask(endpoint: str, headers: dict[str, str], conversation: Conversation) -> AsyncGenerator[str, None]:
    client = aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers)
    body = _build_request(conversation)
    async with client, client.post(endpoint, json=body, allow_redirects=False) as response:
        if response.status != HTTPStatus.OK:
            sent = await read_start(response.content, _MAX_ERROR_BYTES)
            raise AnswerFailed(read_error(sent) or f"{response.status} {reason_phrase(response)}")
        decoder = answer_decoder()
        async for data in response.content.iter_any():
            yield decoder.decode(data)
        decoder.decode(b"", final=True)


def _build_request(conversation: Conversation) -> dict[str, object]:
    messages = [("system", conversation.system), *conversation.messages]
    return {
        "model": conversation.model,
        "messages": [{"role": role, "content": content} for role, content in messages],
        "temperature": conversation.temperature,
        "max_tokens": _ANSWER_TOKENS,
        "stream": True,
    }
