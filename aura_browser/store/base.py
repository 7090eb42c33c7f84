"""The base of all stores: converts sessions to bytes and back. A backend only moves bytes and holds locks."""

import asyncio
import logging
import random
import re
import shlex
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from hashlib import sha256
from typing import ClassVar, Final

import msgspec
from yarl import URL

from aura_browser.errors import (
    InvalidInput,
    SessionFormatError,
    SessionProtected,
    SessionUnreadable,
    StoreError,
    raise_alone,
)
from aura_browser.session import Session
from aura_browser.session.replacement import refuse_replacement
from aura_browser.slugs import is_record, is_session
from aura_browser.store.checks import check_origin, encode_session
from aura_browser.text import clean_text

_log = logging.getLogger(__name__)

_MAX_TRIES: Final = 100
PREVIOUS: Final = (".previous", ".previous-2", ".previous-3")
"""The slug suffixes of replaced sessions, the last one first."""
_KEEP_S: Final = 30 * 86400.0  # a session's end is a guess, so a store keeps it for longer


class SessionKey(msgspec.Struct, frozen=True):
    """The key of a session in a store.

    Attributes:
        origin: the site's origin.
        name: distinguishes a person's accounts at one site.
        proxy: the proxy's URL or None. It is part of the key because sites bind sessions to addresses.
    """

    origin: str
    name: str = "default"
    proxy: str | None = None

    def __post_init__(self) -> None:
        try:
            f"{self.origin}{self.name}{self.proxy}".encode()
        except UnicodeEncodeError:
            raise_alone(InvalidInput("session", "its name contains bytes that are not UTF-8; choose another name"))

    def __repr__(self) -> str:
        return f"SessionKey({self.slug})"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return [("slug", self.slug)]  # msgspec's default shows the proxy's password

    @property
    def slug(self) -> str:
        """A readable file name for the key, without secrets: the proxy's password is not part of it."""
        proxy = str(URL(self.proxy).with_password(None)) if self.proxy else ""
        digest = sha256(f"{self.origin}\n{self.name}\n{proxy}".encode()).hexdigest()[:12]
        readable = re.sub(r"[^a-z0-9.]+", "-", f"{URL(self.origin).host}-{self.name}".lower())
        slug = f"{readable[:60].strip('-.')}-{digest}"
        return f"site-{slug}" if is_record(slug) else slug


class Lease(msgspec.Struct, frozen=True):
    """The right to renew one session, valid while its lock is held.

    Attributes:
        slug: the session's slug.
        fence: grows with every lease. A store that can lose a lock refuses a write with an older fence.
    """

    slug: str
    fence: int = 0


class Store(ABC):
    """A cache of sessions.

    Its abstract methods move bytes under a slug. Each raises ``StoreError`` if the store can't be used.

    Attributes:
        spans_machines: whether several machines use it. Then nobody renews without its lock: otherwise each
            machine would start a browser while the store is unavailable.
        place_option: the store as ``--store`` takes it; empty for the default one, and where a command can't name it.
    """

    spans_machines: ClassVar[bool] = False
    place_option: str = ""

    def build_command(self, *words: str) -> str:
        """Return a command of ``aura-browser sessions`` for this store, to show."""
        place = ("--store", self.place_option) if self.place_option else ()
        return shlex.join(("aura-browser", "sessions", *map(clean_text, words), *place))

    async def load(self, key: SessionKey) -> Session | None:
        """Return the session under *key*, or None. A malformed one is set aside and logged, and counts as None.

        Raises:
            SessionUnreadable: if a newer program wrote it, no key opens it, or it is another site's; it stays.
            StoreError: if the store can't be used.
        """
        session = (await self._load(key.slug))[1]
        return session if session is None else self._check_origin(key.slug, key.origin, session)

    async def save(
        self, key: SessionKey, session: Session, lease: Lease | None = None, *, replace: bool = False
    ) -> Session:
        """Save a new *session* under *key*; the session that it replaces is kept as ``.previous``.

        Args:
            key: where to save it.
            session: the new session.
            lease: the lease under which it was harvested, if any.
            replace: replace a person's login too (see :func:`aura_browser.session.replacement.refuse_replacement`).

        Returns:
            The session as it was saved: of the generation after the one that it replaces.

        Raises:
            SessionProtected: if it must not replace the stored one, which stays.
            SessionUnreadable: if the stored one can't be read, and stays.
            StoreError: if the store can't be used, the lease was lost, or *session* could not be read back. The old
                session then stays.
        """
        for _ in range(_MAX_TRIES):
            before, stored = await self._load(key.slug)
            if stored is not None:
                if not replace and (problem := refuse_replacement(stored, session)):
                    raise SessionProtected(key.slug, f"{problem}.")
                generation = max(session.generation, stored.generation + 1)
                session = msgspec.structs.replace(session, generation=generation)
            data = encode_session(key.slug, session)
            if await self.swap(key.slug, before, data, expires_at=_keep_until(session), lease=lease):
                await self._keep_previous(key.slug, before, stored)
                return session
            await _back_off()
        raise StoreError(key.slug, "other processes keep writing it. Try again.")

    async def update(self, key: SessionKey, change: Callable[[Session | None], Session | None]) -> Session | None:
        """Change the session under *key* without losing concurrent writes.

        Args:
            key: the session's key.
            change: is called with the stored session and returns the new one, or None for no change. It may be
                called again.

        Returns:
            The stored session afterwards.

        Raises:
            SessionUnreadable: if the stored one can't be read, and stays.
            StoreError: if the store can't be used, or the new session could not be read back.
        """
        return await self.update_at(key.slug, key.origin, change)

    async def update_at(
        self, slug: str, origin: str, change: Callable[[Session | None], Session | None]
    ) -> Session | None:
        """Change the session of *origin* under *slug*, where its key is not known, as :meth:`update` does."""
        for _ in range(_MAX_TRIES):
            before, session = await self._load(slug)
            changed = change(session and self._check_origin(slug, origin, session))
            if changed is None or changed == session:
                return session
            data = encode_session(slug, changed)
            if await self.swap(slug, before, data, expires_at=_keep_until(changed)):
                return changed
            await _back_off()
        raise StoreError(slug, "other processes keep writing it. Try again.")

    async def session_slugs(self) -> list[str]:
        """Return the slugs of sessions, readable or not, without replaced sessions and harvest budgets.

        Raises:
            StoreError: if the store can't be used.
        """
        return [slug for slug in await self.slugs() if is_session(slug)]

    async def aclose(self) -> None:  # noqa: B027 - most stores have nothing to close
        """Close the store's connections."""

    @abstractmethod
    async def read(self, slug: str) -> bytes | None:
        """Return the value under *slug*, or None."""

    @abstractmethod
    async def swap(
        self,
        slug: str,
        before: bytes | None,
        after: bytes | None,
        *,
        expires_at: float | None = None,
        lease: Lease | None = None,
    ) -> bool:
        """Atomically replace the value under *slug* by *after* if it equals *before*.

        Args:
            slug: where to write.
            before: the expected value; None for no value.
            after: the new value; None to delete it.
            expires_at: epoch seconds after which nobody needs the value.
            lease: the lease under which it is written.

        Returns:
            False if the value is not *before*.

        Raises:
            StoreError: if the store can't be used, or *lease* was lost. A server that did not reply may still do the
                swap later.
        """

    @abstractmethod
    async def slugs(self) -> tuple[str, ...]:
        """Return all slugs that have a value, sorted."""

    @abstractmethod
    async def set_aside(self, slug: str) -> str:
        """Move the value under *slug* away without deleting it; return its new place, to show.

        If another process has done so already, that is not an error.
        """

    @abstractmethod
    def lock(self, slug: str, *, wait_s: float) -> AbstractAsyncContextManager[Lease]:
        """Hold the lock of *slug* while the context lasts; it has one holder at a time among all users of the store.

        The lock is released however its holder ends, and nobody else releases it while the holder runs.

        Args:
            slug: the session's slug.
            wait_s: the longest time to wait for the lock, in seconds.

        Raises:
            StoreError: if the store can't be used, or the lock was not free in time.
        """

    async def _load(self, slug: str) -> tuple[bytes | None, Session | None]:
        data = await self.read(slug)
        if data is None:
            return None, None
        try:
            return data, Session.from_json(data)
        except SessionFormatError as error:
            if await self.read(slug) != data:
                return await self._load(slug)  # replaced meanwhile
            if error.is_newer:
                advice = f"Update this one, or remove the session with: {self.build_command('rm', slug)}"
                raise SessionUnreadable(slug, f"a newer aura-browser wrote it. {advice}") from None
            place = await self.set_aside(slug)
            _log.warning("A cached session can't be read and was set aside as %s: %s", place, error)
            return None, None

    def _check_origin(self, slug: str, origin: str, session: Session) -> Session:
        return check_origin(slug, origin, session, self.build_command)

    async def _keep_previous(self, slug: str, data: bytes | None, replaced: Session | None) -> None:
        """Keep a session that was replaced, before those kept earlier; nobody's session pushes out a login."""
        if replaced is None:
            return
        try:
            kept = [await self.read(f"{slug}{suffix}") for suffix in PREVIOUS]
            if not replaced.is_protected and any(_is_login(each) for each in kept):
                return
            for suffix, before, after in zip(PREVIOUS, kept, [data, *kept], strict=False):
                # If this loses a race, another process has just kept its own previous session, which is as good.
                await self.swap(f"{slug}{suffix}", before, after, expires_at=_keep_until(replaced))
        except StoreError as error:
            _log.warning("The replaced session was not kept: %s", error)


def _is_login(data: bytes | None) -> bool:
    try:
        return data is not None and Session.from_json(data).is_protected
    except SessionFormatError:
        return True  # it can't be told, and a login is worth more than a place


def _keep_until(session: Session) -> float | None:
    """Return from when on a store may forget *session*, in epoch seconds; a login is never forgotten."""
    if session.is_protected or session.expires_at is None:
        return None
    return session.expires_at + _KEEP_S


async def _back_off() -> None:
    """Wait a random moment, so that competing writers do not retry at the same time."""
    await asyncio.sleep(random.uniform(0.0, 0.01))  # noqa: S311 - not for secrets
