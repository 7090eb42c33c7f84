"""What every store does: sessions to bytes and back. A backend only moves the bytes, and keeps the lock."""

import asyncio
import logging
import random
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from hashlib import sha256
from typing import ClassVar, Final

import msgspec
from yarl import URL

from aura_browser.errors import SessionFormatError, StoreError
from aura_browser.session import Session

_log = logging.getLogger(__name__)

_MOST_TRIES: Final = 100
PREVIOUS: Final = ".previous"
"""What the slug of a session ends with that was replaced."""
_NO_SESSIONS: Final = (PREVIOUS, ".corrupt")


class SessionKey(msgspec.Struct, frozen=True):
    """What a session is kept under.

    Attributes:
        origin: of the site.
        name: tells a person's accounts at one site apart.
        proxy: the proxy's URL or None: sites bind sessions to addresses.
    """

    origin: str
    name: str = "default"
    proxy: str | None = None

    def __repr__(self) -> str:
        return f"SessionKey({self.slug})"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return [("slug", self.slug)]  # msgspec's own shows the proxy's password

    @property
    def slug(self) -> str:
        """A file name for it, readable and without secrets: the proxy's password takes no part."""
        proxy = str(URL(self.proxy).with_password(None)) if self.proxy else ""
        digest = sha256(f"{self.origin}\n{self.name}\n{proxy}".encode()).hexdigest()[:12]
        readable = re.sub(r"[^a-z0-9.]+", "-", f"{URL(self.origin).host}-{self.name}".lower())
        return f"{readable[:60].strip('-.')}-{digest}"


class Lease(msgspec.Struct, frozen=True):
    """The right to renew one session, held while its lock is.

    Attributes:
        slug: what it is for.
        fence: grows with every lease; a store that can lose a lock refuses a write with an older one.
    """

    slug: str
    fence: int = 0


class Store(ABC):
    """A cache of sessions.

    Its abstract methods move bytes under a slug; each raises ``StoreError`` if the place can't be used.

    Attributes:
        spans_machines: whether others than this machine's processes use it. Then no one renews without its lock,
            or a fleet of machines would start a browser each while the store is away.
    """

    spans_machines: ClassVar[bool] = False

    async def load(self, key: SessionKey) -> Session | None:
        """Return the session under *key*, or None. One that can't be read is set aside, reported and gone.

        Raises:
            StoreError: if the place can't be used.
        """
        return (await self._load(key.slug))[1]

    async def save(self, key: SessionKey, session: Session, lease: Lease | None = None) -> None:
        """Keep a new *session* under *key*; what it replaces is kept as ``.previous``.

        Args:
            key: what to keep it under.
            session: the new one.
            lease: under which it was got, if any.

        Raises:
            StoreError: if the place can't be used, or the lease was lost. What was there is then still there.
        """
        for _ in range(_MOST_TRIES):
            before = await self.read(key.slug)
            if await self.swap(key.slug, before, _packed(session), expires_at=session.expires_at, lease=lease):
                return await self._keep_previous(key.slug, before, session)
            await _pause()
        raise StoreError(key.slug, "others write it without a pause. Try again.")

    async def update(self, key: SessionKey, change: Callable[[Session | None], Session | None]) -> Session | None:
        """Change the session under *key* without losing what others write meanwhile.

        Args:
            key: which.
            change: gets what is there and returns what is to be there, or None to leave it; may be called again.

        Returns:
            What is there afterwards.

        Raises:
            StoreError: if the place can't be used.
        """
        for _ in range(_MOST_TRIES):
            before, session = await self._load(key.slug)
            changed = change(session)
            if changed is None or changed == session:
                return session
            if await self.swap(key.slug, before, _packed(changed), expires_at=changed.expires_at):
                return changed
            await _pause()
        raise StoreError(key.slug, "others write it without a pause. Try again.")

    async def session_slugs(self) -> list[str]:
        """Return the slugs of sessions, readable or not: not of the ones before them, nor of what counts harvests.

        Raises:
            StoreError: if the place can't be used.
        """
        return [slug for slug in await self.slugs() if not (slug.startswith("budget-") or slug.endswith(_NO_SESSIONS))]

    async def aclose(self) -> None:  # noqa: B027 - most stores hold nothing open
        """Close what the store holds open."""

    @abstractmethod
    async def read(self, slug: str) -> bytes | None:
        """Return what is under *slug*, or None."""

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
        """Put *after* under *slug*, wholly or not at all, if *before* is what is there.

        Args:
            slug: where.
            before: what has to be there; None for nothing.
            after: what is to be there; None for nothing.
            expires_at: epoch seconds from which on nobody needs it.
            lease: under which it is written.

        Returns:
            False if something else is there.

        Raises:
            StoreError: if the place can't be used, or *lease* was lost. If the place is a server that fell silent,
                it may still do it later.
        """

    @abstractmethod
    async def slugs(self) -> tuple[str, ...]:
        """Return all slugs that something is under, in order."""

    @abstractmethod
    async def set_aside(self, slug: str) -> str:
        """Take what is under *slug* away without destroying it; return where it went, for people.

        That another has done so already is no error.
        """

    @abstractmethod
    def lock(self, slug: str, *, wait_s: float) -> AbstractAsyncContextManager[Lease]:
        """Hold the lock of *slug* while the context lasts; one holder at a time, wherever the store reaches.

        It is freed however its holder ends, and by no one else while the holder lives.

        Args:
            slug: what the lock is for.
            wait_s: seconds to wait for it at most.

        Raises:
            StoreError: if the place can't be used, or the time is over.
        """

    async def _load(self, slug: str) -> tuple[bytes | None, Session | None]:
        data = await self.read(slug)
        if data is None:
            return None, None
        try:
            return data, Session.from_json(data)
        except SessionFormatError as error:
            if await self.read(slug) != data:
                return await self._load(slug)  # a good one has been put there meanwhile
            place = await self.set_aside(slug)
            _log.warning("A cached session can't be used and was set aside as %s: %s", place, error)
            return None, None

    async def _keep_previous(self, slug: str, data: bytes | None, session: Session) -> None:
        if data is None:
            return
        previous = f"{slug}{PREVIOUS}"
        try:
            before = await self.read(previous)
            # Losing a race here means that another just kept its own previous one, which is as good.
            await self.swap(previous, before, data, expires_at=session.expires_at)
        except StoreError as error:
            _log.warning("The session before the new one was not kept: %s", error)


async def _pause() -> None:
    """Let those pass who were quicker; they must not all come back at once."""
    await asyncio.sleep(random.uniform(0.0, 0.01))  # noqa: S311 - keeps no secret


def _packed(session: Session) -> bytes:
    return session.to_json().encode()
