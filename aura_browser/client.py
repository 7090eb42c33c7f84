"""The client: asks a chat site and streams its answers."""

from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Final, Self

from aura_browser.assembly import DEFAULT_SESSION, Refresh, assemble, proxy_of
from aura_browser.chat import DEFAULT_MODEL, ChatRequest, Messages, Model, read_messages
from aura_browser.counters import Counters
from aura_browser.engine import Engine
from aura_browser.errors import (
    AnswerTimeout,
    ConnectionFailed,
    EmptyAnswer,
    InvalidInput,
    SiteFailed,
    StreamInterrupted,
)
from aura_browser.manager import Harvest
from aura_browser.protocol import CHAT_PATH, answer_decoder, chat_request, models_request, read_models
from aura_browser.session import Session
from aura_browser.site import OPENCHAT, openchat_site
from aura_browser.store import Store
from aura_browser.store.encrypted import Encryption
from aura_browser.transport import HttpTransport

_MOST_KEPT: Final = 1_000_000  # characters of an answer; the site's own limit is a thousandth of that


class AuraClient:
    """A chat site's client. Use it with ``async with``; one serves any number of concurrent calls.

    The first call that needs a session takes the cached one or opens a browser; nothing happens before.

    Args:
        url: the site, an openchat-ui app.
        model: the id of the model to ask; empty for the default.
        temperature: 0 is the steadiest.
        max_tokens: the context window in tokens, not an answer length.
        proxy: ``http://host:port`` or ``socks5://host:port`` for browser and client alike, with ``user:password@``
            before the host if it asks for them, or None. SOCKS needs the extra ``socks``.
        session: a :class:`Session` to begin with, with the proxy that is in it; or the name that one is cached under (a
            name for each account). A given one is kept in memory unless *store* says otherwise.
        store: where sessions are cached: None for the user's state folder, ``"memory"``, a folder's path, a Redis
            URL (``redis://…``, to share them between machines), or a :class:`Store`.
        refresh: what renewing a session may do: ``never`` opens no browser, ``headless`` opens one without a
            window, ``interactive`` opens a window in which a person can log in.
        encryption: how values are written where *store* is no :class:`Store`: ``auto`` encrypts them if
            ``AURA_BROWSER_KEY`` is set, ``keyring`` with a key in the system's keyring, ``off`` does not.
        read_timeout: seconds without a byte after which an answer has ended.
        engine: which browser a harvest uses: ``Selenium(profile="work")`` keeps a profile, ``Grid(url)`` has one of a
            Selenium Grid, and so on (:mod:`aura_browser.engine`). None for a new Chrome on this machine.
        harvest: an async callable that returns a session, in place of all that.

    Raises:
        InvalidInput: naming the argument that can't work.
    """

    def __init__(
        self,
        url: str = OPENCHAT.url,
        *,
        model: str = DEFAULT_MODEL,
        temperature: float = 0.5,
        max_tokens: int = 8192,
        proxy: str | None = None,
        session: Session | str = DEFAULT_SESSION,
        store: Store | str | None = None,
        refresh: Refresh = "headless",
        encryption: Encryption = "auto",
        read_timeout: float = 120.0,
        engine: Engine | None = None,
        harvest: Harvest | None = None,
    ) -> None:
        if not (isinstance(read_timeout, (int, float)) and read_timeout > 0):
            raise InvalidInput("read_timeout", "must be a number of seconds over 0")
        site = openchat_site(url)
        self._origin = site.origin
        self._manager = assemble(
            site,
            proxy=proxy,
            session=session,
            store=store,
            refresh=refresh,
            encryption=encryption,
            engine=engine,
            harvest=harvest,
        )
        self._transport = HttpTransport(site, self._manager, proxy_of(proxy, session), read_timeout)
        self._model = model or DEFAULT_MODEL
        self._temperature = temperature
        self._max_tokens = max_tokens

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, traceback)

    @property
    def counters(self) -> Counters:
        """What was done for the session so far, in numbers."""
        return self._manager.counters

    async def session(self) -> Session:
        """Return the session in use, harvesting one if there is none.

        Raises:
            AuraError: what the harvest raises.
        """
        return await self._manager.get()

    async def stream(
        self,
        messages: Messages,
        *,
        model: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> AsyncGenerator[str, None]:
        """Ask, and yield the answer's text as it comes.

        Args:
            messages: a text, or the conversation so far as dicts or :class:`Message` values, oldest first.
            model: for this call; the client's if None.
            temperature: for this call; the client's if None.
            max_tokens: for this call; the client's if None.

        Raises:
            InvalidInput: before anything is sent.
            AuraError: what the harvest raises.
            SessionRefused: if a renewed session was refused too.
            ChatError: for all that goes wrong with the answer; StreamInterrupted once there was text.
        """
        request = ChatRequest(
            messages=read_messages(messages),
            model=model or self._model,
            temperature=self._temperature if temperature is None else temperature,
            max_tokens=self._max_tokens if max_tokens is None else max_tokens,
        )
        decoder = answer_decoder()
        said = _Said()
        try:
            async with self._transport.answer(chat_request(request, self._origin)) as answer:
                while data := await answer.read():
                    if text := decoder.decode(data):
                        said.add(text)
                        yield text
        except (AnswerTimeout, ConnectionFailed, SiteFailed) as error:
            if not said.length:
                raise
            raise StreamInterrupted(error.url, _ending(error), said.text) from error
        if text := decoder.decode(b"", final=True):
            said.add(text)
            yield text
        if not said.length:
            raise EmptyAnswer(f"{self._origin}{CHAT_PATH}")

    async def complete(
        self,
        messages: Messages,
        *,
        model: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> str:
        """Ask, and return the whole answer. Arguments and errors as :meth:`stream`."""
        stream = self.stream(messages, model=model, temperature=temperature, max_tokens=max_tokens)
        return "".join([text async for text in stream])

    async def models(self) -> tuple[Model, ...]:
        """Return the models that the site offers. Errors as :meth:`stream`."""
        request = models_request(self._origin)
        body = b""
        async with self._transport.answer(request) as answer:
            while data := await answer.read():
                body += data
        try:
            return read_models(body)
        except ValueError:
            raise SiteFailed(f"{self._origin}{request.path}", 200, "its list of models can't be read") from None


class _Said:
    """The text of an answer so far, for the error that it may end with; of a very long one its end alone.

    Attributes:
        length: how many characters are kept.
    """

    def __init__(self) -> None:
        self.length = 0
        self._texts: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._texts)

    def add(self, text: str) -> None:
        """Take down what comes next."""
        self._texts.append(text)
        self.length += len(text)
        if self.length > _MOST_KEPT:
            self._forget_beginning()

    def _forget_beginning(self) -> None:
        # Half of it at once, so that it is rarely done.
        forgotten = 0
        while self.length > _MOST_KEPT // 2 and forgotten < len(self._texts) - 1:
            self.length -= len(self._texts[forgotten])
            forgotten += 1
        del self._texts[:forgotten]


def _ending(error: AnswerTimeout | ConnectionFailed | SiteFailed) -> str:
    match error:
        case AnswerTimeout():
            return f"nothing came for {error.read_timeout_s:g} s"
        case ConnectionFailed():
            return error.reason
        case SiteFailed():
            return error.message
