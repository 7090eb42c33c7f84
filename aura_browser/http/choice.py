"""Which transport a site's requests take with ``auto``: aiohttp, or for a while a page, as a site was found to want."""

import logging
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec

from aura_browser.errors import StoreError
from aura_browser.store import SessionKey, Store

_log = logging.getLogger(__name__)

_REMEMBERED_S: Final = 86_400.0


class _Record(msgspec.Struct, frozen=True):
    until: float


class Choice:
    """Whether a site wants a page. Remembered in the store for a day; then aiohttp is tried again.

    Args:
        store: where it is remembered.
        key: the session's key there.
        clock: returns epoch seconds.
    """

    def __init__(self, store: Store, key: SessionKey, clock: Callable[[], float]) -> None:
        self._store = store
        self._origin = key.origin
        self._slug = f"transport-{sha256(key.slug.encode()).hexdigest()[:12]}"
        self._clock = clock
        self._until = 0.0
        self._is_loaded = False

    def is_page(self) -> bool:
        """Return whether the page is used now."""
        return self._clock() < self._until

    async def load(self) -> None:
        """Read what is remembered, once."""
        if self._is_loaded:
            return
        try:
            data = await self._store.read(self._slug)
            record = None if data is None else msgspec.json.decode(data, type=_Record)
        except (StoreError, msgspec.DecodeError, UnicodeError) as error:
            _log.info("Which transport %s wants is not known: %s", self._origin, error)
            record = None
        now = self._clock()
        if record is not None and now < record.until <= now + _REMEMBERED_S:
            self._until = record.until
        self._is_loaded = True

    async def use_page(self) -> None:
        """Use the page for a while."""
        if self.is_page():
            return
        self._until = self._clock() + _REMEMBERED_S
        _log.warning(
            "%s refuses this program's own connection, so its requests are sent by a page in a browser from now on.",
            self._origin,
        )
        try:
            before = await self._store.read(self._slug)
            record = msgspec.json.encode(_Record(self._until))
            await self._store.swap(self._slug, before, record, expires_at=self._until)
        except StoreError as error:
            _log.warning("%s That is remembered by this process only.", error)
