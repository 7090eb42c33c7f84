"""Asks the site: one core under all wires."""

import logging
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from aura_browser.chat.client import AuraClient
from aura_browser.chat.dialects import find_dialect
from aura_browser.chat.messages import Message
from aura_browser.chat.tokens import count_carefully, count_messages
from aura_browser.errors import RateLimited
from aura_browser.gateway.cutting import Cutter
from aura_browser.gateway.limits import Hold, Turns
from aura_browser.gateway.models import Models
from aura_browser.gateway.trouble import read_limit
from aura_browser.gateway.wires.problem import Problem, refuse_field
from aura_browser.gateway.wires.question import Finish, Heading, Question

if TYPE_CHECKING:
    import asyncio

    from aura_browser.chat.dialects.dialect import PromptLimits

_log = logging.getLogger(__name__)

WINDOW: Final = 8192
"""The context window in tokens that the site is asked with."""


class Core:
    """Asks the site the questions of all wires.

    Args:
        client: asks it with the session.
        models: knows which models there are.
        turns: how many questions it is asked at once.
        hold: the site's own limit.
    """

    def __init__(self, client: AuraClient, models: Models, turns: Turns, hold: Hold) -> None:
        self.client = client
        self.models = models
        self.turns = turns
        self.limits: PromptLimits | None = find_dialect(client.site.dialect).LIMITS
        self.hold = hold

    def waits_for_session(self, task: "asyncio.Task[Any]") -> bool:
        """Return whether *task* waits for a session that is being renewed, and has nothing under way at the site."""
        return self.client.is_awaited_by(task) or self.models.is_awaited_by(task)

    async def begin(self, question: Question) -> "Answer":
        """Return the answer to a question, which is asked once its pieces are read.

        Raises:
            Problem: if it can't be asked: an unknown model, a prompt that does not fit, a limit of the site.
        """
        model = await self.models.resolve(question.model)
        self._check_fit(question, _find_last(question))
        self.hold.check()
        return Answer(self, question, model)

    async def ask(self, question: Question, model: str) -> AsyncGenerator[str, None]:
        """Yield the site's text, as it comes. Raises what :meth:`AuraClient.stream` raises, or Problem."""
        async with self.turns.take():
            self.hold.check()  # it may have begun during the wait
            texts = self.client.stream(
                question.messages, model=model, temperature=question.temperature, max_tokens=WINDOW
            )
            try:
                async with aclosing(texts):
                    async for text in texts:
                        yield text
            except RateLimited as error:
                self.hold.begin(read_limit(error))
                raise

    def _check_fit(self, question: Question, last: Message) -> None:
        """Refuse a prompt that does not fit: the site would drop its beginning, or all of it, without a word."""
        limits = self.limits
        if limits is None:
            return
        needed = count_carefully(question.messages) + limits.answer_room
        if needed > WINDOW:
            raise _refuse_length(needed, WINDOW, f"{limits.answer_room} of them for the answer", question.place)
        length = len(last.content)
        if length > limits.message_chars:
            reason = f"the last message has {length} characters, and the site takes {limits.message_chars}"
            raise _refuse_length(count_carefully((last,)), limits.message_tokens, reason, question.place)


def _find_last(question: Question) -> Message:
    """Return the message that the site answers, the last one that is no system text.

    Raises:
        Problem: if there is none, or it has no text, before it waits for a turn.
    """
    last = next((each for each in reversed(question.messages) if each.role != "system"), None)
    if not (last and last.content):
        raise refuse_field(question.place, "invalid_value", "has nothing to answer: the last message must have text")
    return last


def _refuse_length(needed: int, most: int, reason: str, place: str) -> Problem:
    message = (
        f"This model's maximum context length is {most} tokens. However, your messages need about {needed} tokens "
        f"({reason}). Please reduce the length of the messages."
    )
    brief = f"prompt is too long: {needed} tokens > {most} maximum"
    return Problem(400, "context_length_exceeded", message, param=place, retry=False, brief=brief)


class Answer:
    """One answer, as it comes.

    Args:
        core: asks the site.
        question: what is asked.
        model: the site's model.

    Attributes:
        heading: what every part of it says.
        model: the site's model.
        finish: how it ended; None before that.
        is_probably_cut: whether the site probably cut it, at the length that it gives all its answers.
    """

    def __init__(self, core: Core, question: Question, model: str) -> None:
        self.model = model
        self.finish: Finish | None = None
        self.is_probably_cut = False
        self.heading = Heading(
            id=secrets.token_hex(12),
            created=int(time.time()),
            question=question,
            prompt_tokens=count_messages(question.messages),
        )
        self._core = core

    async def pieces(self) -> AsyncGenerator[str, None]:
        """Yield the text in pieces, none of them empty. Raises as :meth:`Core.ask`."""
        question = self.heading.question
        cutter = Cutter(question.stop, question.max_tokens)
        texts = self._core.ask(question, self.model)
        async with aclosing(texts):
            async for text in texts:
                if given := cutter.feed(text):
                    yield given
                if cutter.reason:
                    break
        if given := cutter.flush():
            yield given
        self._end(cutter)

    def _end(self, cutter: Cutter) -> None:
        limits = self._core.limits
        self.finish = Finish(
            reason=cutter.reason or "end", stop=cutter.stop, tokens=cutter.tokens, ended_at=int(time.time())
        )
        if limits and cutter.reason is None and cutter.tokens >= limits.answer_tokens:
            self.is_probably_cut = True
            most = limits.answer_tokens
            _log.warning("An answer was probably cut: it has about %d tokens, the site gives %d", cutter.tokens, most)
