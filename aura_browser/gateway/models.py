"""The models that a client may name: the site's own and aliases for them. A name is never exchanged silently."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from aura_browser.chat.client import AuraClient
from aura_browser.errors import AuraError, RateLimited, SiteFailed
from aura_browser.gateway.limits import Hold
from aura_browser.gateway.trouble import describe_trouble, read_limit
from aura_browser.gateway.wires.problem import Problem
from aura_browser.text import clean_text

_log = logging.getLogger(__name__)

_FRESH_S: Final = 300.0
_MENU_PATIENCE_S: Final = 3.0  # a menu of models must not wait for long
_ANY: Final = "*"


class Models:
    """The site's models, kept for five minutes, and the aliases.

    Args:
        client: asks the site.
        default: the model that is known without asking.
        aliases: names that clients may use, with the model that each stands for; ``*`` stands for all other names.
        clock: returns seconds that only grow.
        hold: the site's own limit.
    """

    def __init__(
        self, client: AuraClient, default: str, aliases: Mapping[str, str], clock: Callable[[], float], hold: Hold
    ) -> None:
        self._client = client
        self._hold = hold
        self._aliases = aliases
        self._clock = clock
        self._known: dict[str, str] = {default: default}
        self._fresh_until: float | None = None
        self._asking: asyncio.Task[None] | None = None
        self._waiting: set[asyncio.Task[Any] | None] = set()
        self._error: AuraError | None = None

    async def list(self) -> list[tuple[str, str]]:
        """Return id and name of all models and aliases; if the site can't be asked now, of those that are known."""
        if not self._is_fresh() and not self._hold.is_on and await self._has_session():
            await asyncio.wait([self._ask()], timeout=_MENU_PATIENCE_S)
        aliases = [(name, f"{name} ({self._aliases[name]})") for name in self._list_aliases()]
        return [*self._known.items(), *aliases]

    async def resolve(self, name: str) -> str:
        """Return the site's model for the name that a client uses.

        Raises:
            Problem: 404 if there is no such model, or why the site can't be asked.
        """
        wanted = self._aliases.get(name, name)
        if wanted not in self._known and not self._is_fresh():
            self._hold.check()
            await self._wait_for_list()
        if wanted in self._known:
            return wanted
        if (other := self._find_other(name)) in self._known:
            return other
        if self._error is not None and not _is_final(self._error):
            raise describe_trouble(self._error)
        raise self._refuse(name)

    def is_awaited_by(self, task: "asyncio.Task[Any]") -> bool:
        """Return whether *task* waits here for a list that can't be asked for before a session is renewed."""
        asking = self._asking
        return task in self._waiting and asking is not None and self._client.is_awaited_by(asking)

    def check(self, name: str) -> None:
        """Raise Problem, 404, unless *name* stands for a model that is known now; the site is not asked."""
        if self._aliases.get(name, self._find_other(name)) not in self._known:
            raise self._refuse(name)

    async def aclose(self) -> None:
        """End what is being asked."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _wait_for_list(self) -> None:
        task = asyncio.current_task()
        self._waiting.add(task)
        try:
            await asyncio.wait([self._ask()])
        finally:
            self._waiting.discard(task)

    async def _has_session(self) -> bool:
        """Return whether there is a session, so that no browser has to be opened for a menu."""
        try:
            return await self._client.load_session() is not None
        except AuraError as error:
            _log.info("The site's models are not asked for now: %s", error)
            return False

    def _is_fresh(self) -> bool:
        return self._fresh_until is not None and self._clock() < self._fresh_until

    def _ask(self) -> asyncio.Task[None]:
        """Return the task that asks the site for its list, the same one for all who wait."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._update())
            self._asking.add_done_callback(self._forget)
        return self._asking

    def _forget(self, _task: object) -> None:
        self._asking = None

    async def _update(self) -> None:
        try:
            listed = await self._client.models()
        except AuraError as error:
            _log.info("The site's models are not known now: %s", error)
            self._error = error
            if isinstance(error, RateLimited):
                self._hold.begin(read_limit(error))
            return
        self._error = None
        self._known = {model.id: model.name for model in listed} or self._known
        self._fresh_until = self._clock() + _FRESH_S

    def _find_other(self, name: str) -> str:
        """Return the model that all other names than the aliases stand for; *name* itself without ``*``."""
        return name if name in self._aliases else self._aliases.get(_ANY, name)

    def _list_aliases(self) -> tuple[str, ...]:
        """Return the aliases of models that the site has, as far as that is known; no names of its own."""
        known, is_listed = self._known, self._fresh_until is not None
        names = [name for name, model in self._aliases.items() if model in known or not is_listed]
        return tuple(name for name in names if name not in {_ANY, *known})

    def _refuse(self, name: str) -> Problem:
        names = ", ".join([*self._known, *self._list_aliases()])
        advice = (
            f"There are: {clean_text(names)}. For a program with a fixed name, start serve with --alias NAME=MODEL."
        )
        wanted = self._aliases.get(name, self._find_other(name))
        alias = "" if wanted == name else f", which {clean_text(name, 80)!r} stands for"
        message = f"There is no model {clean_text(wanted, 80)!r}{alias}. {advice}"
        return Problem(404, "model_not_found", message, param="model", retry=False)


def _is_final(error: AuraError) -> bool:
    """Return whether a site has no list of models to give."""
    return isinstance(error, SiteFailed) and 400 <= error.status < 500  # noqa: PLR2004 - as RFC 9110 has it
