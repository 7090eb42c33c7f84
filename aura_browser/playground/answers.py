"""How the site answers a chat: it echoes the message, or fails as the real site can fail.

A message that begins with ``/`` and the name of a mode selects that mode; the rest is its argument. So tests and a
person in the page use the same commands. Each mode returns an async generator of chunks, each sent as one HTTP chunk,
or raises before the first: ``AnswerFailed``, or an aiohttp.web response.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable

from aiohttp import web

from aura_browser.errors import InvalidInput
from aura_browser.playground.conversation import Conversation

Answer = AsyncGenerator[bytes, None]
Answerer = Callable[[Conversation], Answer]

NO_QUESTION = "I was given no user message."

_TOKEN = re.compile(r"\s*\S{1,6}|\s+")
_COMMAND = re.compile(r"/?([a-z-]+)(?:\s(.*))?", re.DOTALL)
_SLOW_ARGUMENT = re.compile(r"(\d+(?:\.\d+)?)(?:\s(.*))?", re.DOTALL)
_TOKEN_DELAY_S = 0.2
_BYTE_DELAY_S = 0.001
_DEFAULT_WORD_COUNT = 1000
_NGINX_502 = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_HTML_SAMPLE = "<!DOCTYPE html>\n<html>\n<head><title>Login</title></head>\n<body>This is code.</body>\n</html>"


class AnswerFailed(Exception):
    """The site answers 500 with this message as the reason phrase; raised before anything is sent."""


class AnswerCut(Exception):
    """The site closes the connection here, in the middle of the answer."""


def split_tokens(text: str) -> list[str]:
    """Split *text* into pieces like a model's tokens: joined they are *text* again, and graphemes can be split."""
    return _TOKEN.findall(text)


async def echo(text: str) -> Answer:
    """Send *text* back."""
    for token in split_tokens(text):
        yield token.encode()
        # Yields to the event loop: a long text must not block other clients.
        await asyncio.sleep(0)


async def slow(argument: str) -> Answer:
    """``/slow [seconds] text``: wait before each token, by default 0.2 s."""
    match = _SLOW_ARGUMENT.fullmatch(argument)
    pause, text = (float(match[1]), match[2] or "") if match else (_TOKEN_DELAY_S, argument)
    for token in split_tokens(text):
        await asyncio.sleep(pause)
        yield token.encode()


async def cut(text: str) -> Answer:
    """``/cut text``: send each byte alone, as a proxy that splits characters does."""
    for byte in text.encode():
        yield bytes([byte])
        await asyncio.sleep(_BYTE_DELAY_S)


async def dropped(text: str) -> Answer:
    """``/dropped text``: send *text* and close the connection; without text, close it before any answer."""
    async for chunk in echo(text):
        yield chunk
    raise AnswerCut


async def silent(text: str) -> Answer:
    """``/silent text``: send *text* and then nothing, for ever, as the app does when its model has crashed."""
    async for chunk in echo(text):
        yield chunk
    await asyncio.Event().wait()


def silent_start(_argument: str) -> Answer:
    """``/silent-start``: send nothing, not even the headers."""
    return silent("")


def empty(_argument: str) -> Answer:
    """``/empty``: a clean 200 without any text."""
    return echo("")


def error(message: str) -> Answer:
    """``/error message``: a 500 with *message* as the reason phrase."""
    raise AnswerFailed(message)


async def long(count: str) -> Answer:
    """``/long count``: that many words, by default 1,000."""
    for number in range(int(count) if count.isdecimal() else _DEFAULT_WORD_COUNT):
        yield f"word{number} ".encode()
        await asyncio.sleep(0)


def limit(seconds: str) -> Answer:
    """``/limit [seconds]``: 429, with Retry-After if *seconds* is given."""
    raise web.HTTPTooManyRequests(headers={"Retry-After": seconds} if seconds.isdecimal() else None)


def html(_argument: str) -> Answer:
    """``/html``: an answer whose text is HTML, sent like any other answer, without a Content-Type."""
    return echo(_HTML_SAMPLE)


def gateway(_argument: str) -> Answer:
    """``/gateway``: the 502 that nginx sends when the app is down."""
    raise web.HTTPBadGateway(text=_NGINX_502, content_type="text/html")


MODES: dict[str, Callable[[str], Answer]] = {
    "echo": echo,
    "slow": slow,
    "cut": cut,
    "dropped": dropped,
    "silent": silent,
    "silent-start": silent_start,
    "empty": empty,
    "error": error,
    "long": long,
    "limit": limit,
    "html": html,
    "gateway": gateway,
}


def make_answerer(default: str) -> Answerer:
    """Return the function that answers a conversation whose last user message is not a command.

    Args:
        default: the name of a mode, which gets the user's message as its argument; or a whole command
            (``error Slow down please``), which answers every message.

    Raises:
        InvalidInput: there is no such mode.
    """
    command = _COMMAND.fullmatch(default)
    if command is None or command[1] not in MODES:
        raise InvalidInput(name="answer", problem=f"{default!r} does not begin with one of {', '.join(MODES)}")
    mode, fixed = MODES[command[1]], command[2]

    def answer(conversation: Conversation) -> Answer:
        question = NO_QUESTION if conversation.question is None else conversation.question
        return mode(question if fixed is None else fixed)

    return answer


def answer_command(conversation: Conversation) -> Answer | None:
    """Return the answer to the command in the last user message, or None if it is not a command."""
    question = conversation.question or ""
    command = _COMMAND.fullmatch(question) if question.startswith("/") else None
    if command is None or command[1] not in MODES:
        return None
    return MODES[command[1]](command[2] or "")
