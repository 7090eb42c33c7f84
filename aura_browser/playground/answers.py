"""How the site answers a chat: it says the message back, or fails in a way that the real site can fail.

A message that begins with ``/`` and a mode's name asks for that mode, with the rest as its argument; so tests
and a person in the page use the same words. Each mode gives an async generator of chunks, one HTTP chunk
each, or raises before the first: ``AnswerFailed``, or a response of aiohttp.web's.
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
_PACE = re.compile(r"(\d+(?:\.\d+)?)(?:\s(.*))?", re.DOTALL)
_PAUSE_S = 0.2
_BYTE_PAUSE_S = 0.001
_LONG_WORDS = 1000
_NGINX_502 = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_SOME_HTML = "<!DOCTYPE html>\n<html>\n<head><title>Login</title></head>\n<body>This is code.</body>\n</html>"


class AnswerFailed(Exception):
    """Nothing has been sent yet, and the site answers 500 with this message in the reason phrase."""


class AnswerCut(Exception):
    """The connection ends here, in the middle of the answer."""


def tokens(text: str) -> list[str]:
    """Cut *text* into pieces like a model's tokens: joined they are *text* again, and they cut graphemes."""
    return _TOKEN.findall(text)


async def echo(text: str) -> Answer:
    """Send *text* back."""
    for token in tokens(text):
        yield token.encode()
        # One turn of the loop: a long text must not keep the site from its other clients.
        await asyncio.sleep(0)


async def slow(argument: str) -> Answer:
    """``/slow [seconds] text``: wait before each token, 0.2 s unless told."""
    paced = _PACE.fullmatch(argument)
    pause, text = (float(paced[1]), paced[2] or "") if paced else (_PAUSE_S, argument)
    for token in tokens(text):
        await asyncio.sleep(pause)
        yield token.encode()


async def cut(text: str) -> Answer:
    """``/cut text``: send every byte alone, as proxies that cut inside characters do."""
    for byte in text.encode():
        yield bytes([byte])
        await asyncio.sleep(_BYTE_PAUSE_S)


async def dropped(text: str) -> Answer:
    """``/dropped text``: send *text* and cut the connection; without text, cut it before any answer."""
    async for chunk in echo(text):
        yield chunk
    raise AnswerCut


async def silent(text: str) -> Answer:
    """``/silent text``: send *text* and then nothing, for ever, as the app does when its model is gone."""
    async for chunk in echo(text):
        yield chunk
    await asyncio.Event().wait()


def silent_start(_argument: str) -> Answer:
    """``/silent-start``: never send so much as the headers."""
    return silent("")


def empty(_argument: str) -> Answer:
    """``/empty``: a clean 200 without any text."""
    return echo("")


def error(message: str) -> Answer:
    """``/error message``: a 500 with *message* in the reason phrase."""
    raise AnswerFailed(message)


async def long(count: str) -> Answer:
    """``/long count``: so many words, 1,000 unless told."""
    for number in range(int(count) if count.isdecimal() else _LONG_WORDS):
        yield f"word{number} ".encode()
        await asyncio.sleep(0)


def limit(seconds: str) -> Answer:
    """``/limit [seconds]``: 429, with Retry-After if told."""
    raise web.HTTPTooManyRequests(headers={"Retry-After": seconds} if seconds.isdecimal() else None)


def html(_argument: str) -> Answer:
    """``/html``: an answer whose text is HTML; the app's all the same, so it has no type."""
    return echo(_SOME_HTML)


def gateway(_argument: str) -> Answer:
    """``/gateway``: the 502 that nginx gives when the app is gone."""
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


def answerer(default: str) -> Answerer:
    """Return what answers a conversation when its last user message does not ask for a mode.

    Args:
        default: a mode's name, whose argument is then the user's message; or a whole command
            (``error Slow down please``), which is then the answer to every message.

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


def commanded(conversation: Conversation) -> Answer | None:
    """Return the answer that the last user message asks for by a ``/mode``, or None if it asks for none."""
    question = conversation.question or ""
    command = _COMMAND.fullmatch(question) if question.startswith("/") else None
    if command is None or command[1] not in MODES:
        return None
    return MODES[command[1]](command[2] or "")
