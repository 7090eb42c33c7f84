"""The session in use: applies the site's ``Set-Cookie`` headers, and saves the changes shortly after."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import msgspec
from yarl import URL

from aura_browser.errors import SessionUnreadable, StoreError
from aura_browser.session import Cookie, Session
from aura_browser.session.cookie_store import apply_changes, diff_cookies
from aura_browser.session.replacement import refuse_replacement
from aura_browser.store import SessionKey, Store

_log = logging.getLogger(__name__)

_DEBOUNCE_S: Final = 0.2

Changes = dict[tuple[object, ...], Cookie | None]


class LiveSession:
    """The session in use, and its cached copy.

    Args:
        store: where it is cached.
        key: its key in the store.
        first: the session to start with, or None.
        clock: returns epoch seconds.
        correct: returns a session with its end as the site knows it.

    Attributes:
        correct: as given.
    """

    def __init__(
        self,
        store: Store,
        key: SessionKey,
        first: Session | None,
        clock: Callable[[], float],
        correct: Callable[[Session], Session],
    ) -> None:
        self.correct = correct
        self.current = first
        self._store = store
        self._key = key
        self._clock = clock
        self._changes: Changes = {}
        self._is_unsaved = False
        self._has_news = False
        self._stored_generation = 0
        self._writing = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @property
    def current(self) -> Session | None:
        """The session in use; None if none is loaded yet."""
        return self._current

    @current.setter
    def current(self, session: Session | None) -> None:
        self._current = None if session is None else self.correct(session)

    async def load(self) -> Session | None:
        """Return the cached session; None if there is none, or it can't be read now.

        Raises:
            SessionUnreadable: if it stays unreadable. A new session could not be saved, and would need a browser every
                time.
        """
        try:
            stored = await self._store.load(self._key)
            return None if stored is None else self.correct(stored)
        except SessionUnreadable:
            raise
        except StoreError as error:
            _log.warning("%s Continuing without the cache.", error)
            return None

    def accept(self, session: Session, set_cookies: Sequence[str], url: URL, date: str = "") -> bool:
        """Apply the ``Set-Cookie`` headers of *url*'s response to *session*; return whether they changed it.

        *date* is the response's ``Date`` header. They are ignored if the session has been replaced since.
        """
        current, rotated = self.current, self.preview(session, set_cookies, url, date)
        if current is None or rotated is None:
            return False
        self.current = rotated
        self._changes |= diff_cookies(current.cookies, rotated.cookies)
        self._write_soon()
        return True

    def use(self, session: Session, *, is_saved: bool = True) -> Session:
        """Use *session* from now on; return it with the changed cookies that are not saved yet."""
        self._is_unsaved, self._has_news = not is_saved, False
        if is_saved:
            self._stored_generation = session.generation
        session = self.correct(session)
        if self._is_in_use(session):
            # Another process rotated the same harvest; the changes made here are still to be saved.
            session = self._with_changes(session)
        else:
            self._changes.clear()
        self.current = session
        return session

    def preview(self, session: Session, set_cookies: Sequence[str], url: URL, date: str = "") -> Session | None:
        """Return what :meth:`accept` would make of the session in use; None if it would change nothing."""
        current = self.current
        if current is None or current.lineage != session.lineage or not set_cookies:
            return None
        rotated = current.fold(set_cookies, url, self._clock(), date)
        return None if rotated is current else rotated

    def find_current(self, asked: Session) -> Session:
        """Return the session in use if it is *asked* with what was noted in it since; else *asked*."""
        current = self.current
        return current if current is not None and current.lineage == asked.lineage else asked

    def confirm(self, asked: Session, proven: Session) -> None:
        """Use what a proof of *asked* returned, with the cookies that its answer changed, unless it was replaced."""
        current = self.current
        if current is None or not self._is_in_use(asked):
            return
        changes = diff_cookies(asked.cookies, proven.cookies)
        if current.cookies != asked.cookies:  # rotated meanwhile
            proven = _with_proof(current, proven, changes)
        self.current = proven
        self._changes |= changes
        self._has_news = True
        self._write_soon()

    def keep_proven(self, asked: Session, proven: Session) -> None:
        """Use what a proof of *asked* returned; a login without the cookies that are over, which it does not need."""
        is_login = proven.proof == "distinguished"
        self.confirm(asked, proven.without_expired(self._clock()) if is_login else proven)

    async def write(self) -> bool:
        """Merge the cookies that changed here into the cached session; return False if the store can't be used."""
        async with self._writing:  # a concurrent write could replace a newer value by an older one
            mine, written, is_new = self.current, self._changes, self._is_unsaved
            if mine is None or not (written or is_new or self._has_news):
                return True
            self._changes, self._has_news = {}, False
            try:
                stored = await self._store.update(
                    self._key, lambda stored: self._merge(stored, mine, written, is_new=is_new)
                )
            except (StoreError, asyncio.CancelledError) as error:
                if self._is_in_use(mine):
                    self._changes, self._has_news = written | self._changes, True
                if not isinstance(error, StoreError):
                    raise
                _log.warning("%s The session is kept in memory for now.", error)
                return False
            if self._is_in_use(mine):
                self._adopt_stored(stored)
            return True

    def is_later(self, stored: Session, session: Session) -> bool:
        """Return whether *stored* was stored after *session*.

        That is so for a newer one, and for one of a lower generation than the store held before: somebody removed that
        one, and the count began anew.
        """
        is_anew = stored.lineage != session.lineage and stored.generation < self._stored_generation
        return is_newer(stored, session) or is_anew

    def stop_waiting(self) -> None:
        """Make the background writer save now, without waiting for more changes."""
        self._closing.set()

    async def aclose(self) -> None:
        """Save unsaved changes."""
        self.stop_waiting()
        if self._writer is not None:
            await asyncio.wait([self._writer])
        await self.write()

    def _write_soon(self) -> None:
        """Start the background writer unless it runs, so that many rotations become few writes."""
        if self._writer is None:
            self._writer = asyncio.create_task(self._keep_writing())
            self._writer.add_done_callback(self._forget_writer)

    def _forget_writer(self, _writer: "asyncio.Task[None]") -> None:
        self._writer = None

    async def _keep_writing(self) -> None:
        while self._changes or self._is_unsaved or self._has_news:
            with suppress(TimeoutError):
                async with asyncio.timeout(_DEBOUNCE_S):
                    await self._closing.wait()
            if not await self.write():
                return

    def _adopt_stored(self, stored: Session | None) -> None:
        """Use the stored session, which includes the rotations of other processes."""
        self._is_unsaved = False
        if stored is not None and self._is_in_use(stored):
            self.current = self._with_changes(stored)

    def _with_changes(self, session: Session) -> Session:
        if not self._changes:
            return session
        changed = session.with_cookies(apply_changes(session.cookies, self._changes))
        return msgspec.structs.replace(changed, rotation=session.rotation + 1)

    def _merge(self, stored: Session | None, mine: Session, written: Changes, *, is_new: bool) -> Session | None:
        merged = _merge(stored, mine, written, is_new=is_new)
        return None if merged is None else self.correct(merged)

    def _is_in_use(self, session: Session) -> bool:
        """Return whether *session* is of the harvest in use; it may have been replaced during a write."""
        return self.current is not None and self.current.lineage == session.lineage


def is_newer(session: Session, other: Session) -> bool:
    """Return whether *session* is to be used rather than *other*: by generation and rotation, not by any clock.

    Of two harvests of one generation, which a lost lock may bring, the one that was stored first wins.
    """
    is_twin = session.generation == other.generation and session.lineage != other.lineage
    return session != other and (is_twin or session.order > other.order)


def _with_proof(session: Session, proven: Session, changes: Changes) -> Session:
    """Return *session* with what an earlier value of it was proven to be, and the cookies that the proof changed."""
    changed = session.with_cookies(apply_changes(session.cookies, changes)) if changes else session
    return msgspec.structs.replace(
        changed,
        proof=proven.proof,
        evidence=proven.evidence,
        identity=proven.identity,
        is_login=proven.is_login,
        probe=proven.probe,
        page_requests=proven.page_requests,
        dialect=proven.dialect,
        verified_at=proven.verified_at,
        rotated_at=proven.rotated_at if changes else session.rotated_at,
        rotation=session.rotation + bool(changes),
    )


def _merge(stored: Session | None, mine: Session, written: Changes, *, is_new: bool) -> Session | None:
    """Return the session to store after *mine* was rotated, or None if another one is stored already.

    Args:
        stored: the stored session.
        mine: the session in use.
        written: the cookies that changed here.
        is_new: whether *mine* could not be stored when it was harvested.
    """
    if stored is None:
        return mine
    if stored.lineage != mine.lineage:
        is_later = is_new and stored.generation < mine.generation
        return mine if is_later and not refuse_replacement(stored, mine) else None
    newest = mine if (mine.verified_at or 0.0) > (stored.verified_at or 0.0) else stored
    merged = newest.with_cookies(apply_changes(stored.cookies, written))
    times = [at for at in (stored.rotated_at, mine.rotated_at) if at is not None]
    rotation = max(stored.rotation, mine.rotation) + (merged.cookies != mine.cookies)
    return msgspec.structs.replace(merged, rotated_at=max(times, default=None), rotation=rotation)
