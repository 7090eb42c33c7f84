"""Answers from any server that speaks OpenAI's streaming wire, for a real chat in the page."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp

from aura_browser.errors import InvalidInput
from aura_browser.playground.answers import Answer, AnswerCut, Answerer, AnswerFailed
from aura_browser.playground.conversation import Conversation

# The real app fixes the answer's length on the server.
_ANSWER_TOKENS = 1000
_LONGEST_LINE = 2**20
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)


def upstream_answerer(url: str, key: str | None) -> Answerer:
    """Return what answers a conversation by asking the server at *url*.

    Before the first text its errors become the site's 500 with the server's message; later ones cut the
    connection.

    Args:
        url: the base URL, to which ``/chat/completions`` is added.
        key: sent as a bearer token, if given.

    Raises:
        InvalidInput: *url* is not an http or https URL.
    """
    if not _is_web_url(url):
        raise InvalidInput(name="upstream", problem="it is not an http:// or https:// URL")
    endpoint = url.rstrip("/") + "/chat/completions"
    headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def answer(conversation: Conversation) -> Answer:
        begun = False
        try:
            async with aclosing(_ask(endpoint, headers, conversation)) as texts:
                async for text in texts:
                    begun = True
                    yield text.encode()
        except (aiohttp.ClientError, TimeoutError, ValueError, AnswerFailed) as error:
            if begun:
                raise AnswerCut from error
            raise AnswerFailed(str(error) or type(error).__name__) from error

    return answer


def _is_web_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


async def _ask(endpoint: str, headers: dict[str, str], conversation: Conversation) -> AsyncGenerator[str, None]:
    client = aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers, read_bufsize=_LONGEST_LINE)
    asked = _question(conversation)
    async with client, client.post(endpoint, json=asked, allow_redirects=False) as response:
        if response.status != HTTPStatus.OK:
            raise AnswerFailed(_said(await response.text()) or f"{response.status} {response.reason}")
        async for line in response.content:
            event = line.removeprefix(b"data:").strip()
            if event == b"[DONE]":
                return
            if event and line.startswith(b"data:") and (text := _delta(event)):
                yield text
    raise AnswerFailed("The model server broke off")


def _question(conversation: Conversation) -> dict[str, object]:
    messages = [("system", conversation.system), *conversation.messages]
    return {
        "model": conversation.model,
        "messages": [{"role": role, "content": content} for role, content in messages],
        "temperature": conversation.temperature,
        "max_tokens": _ANSWER_TOKENS,
        "stream": True,
    }


def _delta(event: bytes) -> str:
    """Return the text of one event, empty if it brings none."""
    if message := _said(event):
        raise AnswerFailed(message)
    try:
        choices = json.loads(event)["choices"]
        # The last event, which counts tokens, has no choices.
        return (choices and choices[0]["delta"].get("content")) or ""
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise AnswerFailed("The model server sent something else than an answer") from problem


def _said(body: str | bytes) -> str | None:
    """Return the message in an error's JSON, or None if it has none."""
    try:
        message = json.loads(body)["error"]["message"]
    except (KeyError, TypeError, ValueError):
        return None
    return message if isinstance(message, str) else None
