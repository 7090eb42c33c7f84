"""The chat client: sends questions to a chat site and streams the answers."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, Unpack

import msgspec

from aura_browser.assembly import ClientOptions
from aura_browser.chat.dialects import find_dialect
from aura_browser.chat.dialects.dialect import AnswerDecoder, WireError
from aura_browser.chat.messages import DEFAULT_MODEL, ChatRequest, Model, Prompt, read_messages
from aura_browser.client import SiteClient
from aura_browser.errors import AnswerTimeout, ConnectionFailed, EmptyAnswer, SiteFailed, StreamInterrupted
from aura_browser.http.body import read_body
from aura_browser.keeping.counters import Counters
from aura_browser.request import Request, Response
from aura_browser.session import Session
from aura_browser.site import OPENCHAT, Site, site_at
from aura_browser.text import clean_text

if TYPE_CHECKING:
    import asyncio

_MAX_KEPT_CHARS: Final = 1_000_000  # of an answer; openchat.team's answers are far shorter
_MAX_ANSWER_CHARS: Final = 4_000_000
_MAX_LIST_BYTES: Final = 4 * 2**20  # of models


class AuraClient:
    """A client for a chat site. Use it with ``async with``; it serves concurrent calls.

    The first call that needs a session uses the cached one or opens a browser; nothing happens before.

    Args:
        url: the URL of an openchat-ui site, a site's name in ``sites.toml``, or a :class:`Site` that names its dialect.
        model: the model's id; empty for the default.
        temperature: 0 varies least.
        max_tokens: the context window in tokens, not an answer length.
        options: see :class:`aura_browser.assembly.ClientOptions`.

    Raises:
        InvalidInput: naming the invalid argument.
    """

    def __init__(
        self,
        url: Site | str = OPENCHAT.url,
        *,
        model: str = DEFAULT_MODEL,
        temperature: float = 0.5,
        max_tokens: int = 8192,
        **options: Unpack[ClientOptions],
    ) -> None:
        site = url if isinstance(url, Site) else site_at(url, dialect=OPENCHAT.dialect)
        self.site: Final = site
        self._dialect = find_dialect(site.dialect)
        self._origin = site.origin
        self._client = SiteClient(site, **options)
        self._model = model or DEFAULT_MODEL
        self._temperature = temperature
        self._max_tokens = max_tokens

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, traceback)

    @property
    def counters(self) -> Counters:
        """Counts of what was done for the session so far."""
        return self._client.counters

    @property
    def current(self) -> Session | None:
        """The session in use; None if none is loaded yet. Nothing is read or asked."""
        return self._client.current

    @property
    def is_harvesting(self) -> bool:
        """Whether a session is being renewed that requests wait for."""
        return self._client.is_harvesting

    def is_awaited_by(self, task: "asyncio.Task[Any]") -> bool:
        """Return whether *task* waits here for a session that is being renewed; not if its question is at the site."""
        return self._client.is_awaited_by(task)

    async def load_session(self) -> Session | None:
        """Return the session in use, else the cached one; None if there is neither. No browser is opened.

        Raises:
            SessionUnreadable: if the cached one can't be read.
        """
        return await self._client.load_session()

    async def session(self) -> Session:
        """Return the session in use; harvest one if there is none.

        Raises:
            AuraError: if the harvest fails.
        """
        return await self._client.session()

    def send(self, request: Request) -> AbstractAsyncContextManager[Response]:
        """Send a request to the chat API and yield the response, whatever its status.

        Args:
            request: its URL is a path that begins with the dialect's own base; that of the site takes its place.

        Raises:
            AuraError: as :meth:`aura_browser.request.Transport.send`.
        """
        return self._client.send(self._place(request))

    async def stream(
        self,
        messages: Prompt,
        *,
        model: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> AsyncGenerator[str, None]:
        """Send a question and yield the answer's text as it arrives.

        Args:
            messages: a string, or the conversation so far as dicts or :class:`Message` values, oldest first.
            model: the model's id; None for the client's.
            temperature: as for the client; None for the client's.
            max_tokens: as for the client; None for the client's.

        Raises:
            InvalidInput: if an argument is invalid; nothing was sent.
            AuraError: if the harvest fails.
            SessionRefused: if the site refuses a renewed session too.
            ChatError: if the request or the answer fails; StreamInterrupted after the first text.
        """
        request = ChatRequest(
            messages=read_messages(messages),
            model=model or self._model,
            temperature=self._temperature if temperature is None else temperature,
            max_tokens=self._max_tokens if max_tokens is None else max_tokens,
        )
        wire = self._place(self._dialect.chat_request(request, self._origin))
        decoder = self._dialect.answer_decoder()
        answer = _AnswerText(_MAX_KEPT_CHARS)
        try:
            async with self._client.send(wire) as response:
                response.raise_for_status()
                async for data in response:
                    if text := _decode(decoder, data, response):
                        answer.add(text)
                        yield text
                text = _decode(decoder, b"", response, final=True)
        except (AnswerTimeout, ConnectionFailed, SiteFailed, StreamInterrupted) as error:
            if not answer.length:
                raise
            raise StreamInterrupted(error.url, _describe_interruption(error), answer.text, answer.length) from error
        if text:
            answer.add(text)
            yield text
        if not answer.length:
            raise EmptyAnswer(f"{self._origin}{wire.url}")

    async def complete(
        self,
        messages: Prompt,
        *,
        model: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> str:
        """Send a question and return the whole answer. Arguments and errors are those of :meth:`stream`.

        Raises:
            StreamInterrupted: also if the answer is over four million characters; :meth:`stream` takes any length.
        """
        stream = self.stream(messages, model=model, temperature=temperature, max_tokens=max_tokens)
        answer = _AnswerText(_MAX_ANSWER_CHARS)
        async with aclosing(stream):
            async for text in stream:
                answer.add(text)
                if answer.length > _MAX_ANSWER_CHARS:
                    reason = f"it is over {_MAX_ANSWER_CHARS:,} characters; read it piece by piece with stream()"
                    raise StreamInterrupted(self._origin, reason, answer.text, answer.length)
        return answer.text

    async def models(self) -> tuple[Model, ...]:
        """Return the site's models. Raises the same errors as :meth:`stream`."""
        request = self._place(self._dialect.models_request(self._origin))
        async with self._client.send(request) as response:
            response.raise_for_status()
            body = await read_body(response, _MAX_LIST_BYTES, response.url, response.status)
        try:
            return self._dialect.read_models(body)
        except (ValueError, RecursionError):
            raise SiteFailed(f"{self._origin}{request.url}", 200, "its list of models can't be read") from None

    def _place(self, request: Request) -> Request:
        base = self.site.chat_base
        if not base:
            return request
        return msgspec.structs.replace(request, url=base + request.url.removeprefix(self._dialect.BASE))


class _AnswerText:
    """The text of an answer so far, for an error that may follow; of a very long one, only the end.

    Args:
        limit: the most characters that are kept.

    Attributes:
        length: the number of characters that were added.
    """

    def __init__(self, limit: int) -> None:
        self.length = 0
        self._kept = 0
        self._limit = limit
        self._texts: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._texts)

    def add(self, text: str) -> None:
        """Append *text*."""
        self._texts.append(text)
        self.length += len(text)
        self._kept += len(text)
        if self._kept > self._limit:
            self._drop_beginning()

    def _drop_beginning(self) -> None:
        # Drop half of it at once, so that this happens rarely.
        dropped = 0
        while self._kept > self._limit // 2 and dropped < len(self._texts) - 1:
            self._kept -= len(self._texts[dropped])
            dropped += 1
        del self._texts[:dropped]


def _describe_interruption(error: AnswerTimeout | ConnectionFailed | SiteFailed | StreamInterrupted) -> str:
    match error:
        case AnswerTimeout():
            return f"nothing arrived for {error.read_timeout_s:g} s"
        case ConnectionFailed() | StreamInterrupted():
            return error.reason
        case SiteFailed():
            return error.message


def _decode(decoder: AnswerDecoder, data: bytes, response: Response, *, final: bool = False) -> str:
    try:
        return decoder.decode(data, final)
    except WireError as error:
        raise SiteFailed(response.url, response.status, clean_text(str(error))) from None
