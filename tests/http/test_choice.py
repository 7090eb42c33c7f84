"""What is remembered of the transport that a site wants, where the store is damaged or can't be used."""

import logging
from collections.abc import Callable

import pytest

from aura_browser import MemoryStore
from aura_browser.errors import StoreError
from aura_browser.http.choice import Choice
from aura_browser.store import Lease, SessionKey
from tests.parts.clock import Clock

KEY = SessionKey("https://example.com")
DAY_S = 86_400.0


class UnusableStore(MemoryStore):
    """A store that can be neither read nor written."""

    async def read(self, slug: str) -> bytes | None:
        raise StoreError(slug, "the disk is gone.")

    async def swap(
        self,
        slug: str,
        before: bytes | None,
        after: bytes | None,
        *,
        expires_at: float | None = None,
        lease: Lease | None = None,
    ) -> bool:
        raise StoreError(slug, "the disk is gone.")


async def stored_slug(store: MemoryStore, clock: Callable[[], float]) -> str:
    """Return where a choice is stored."""
    await Choice(store, KEY, clock).use_page()
    (slug,) = await store.slugs()
    return slug


@pytest.mark.parametrize("damaged", [b"", b"{", b'{"until": "soon"}', b"\xff\xfe", b'{"until": 9e99}'])
async def test_what_is_damaged_is_not_known_and_is_written_anew(damaged: bytes) -> None:
    store, clock = MemoryStore(), Clock()
    slug = await stored_slug(store, clock)
    assert await store.swap(slug, await store.read(slug), damaged)
    choice = Choice(store, KEY, clock)
    await choice.load()
    assert not choice.is_page()
    await choice.use_page()
    again = Choice(store, KEY, clock)
    await again.load()
    assert again.is_page()


async def test_a_store_that_can_not_be_used_costs_no_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    choice = Choice(UnusableStore(), KEY, Clock())
    await choice.load()
    assert not choice.is_page()
    assert "Which transport https://example.com wants is not known" in caplog.text
    await choice.use_page()
    assert choice.is_page()
    assert "the disk is gone. That is remembered by this process only." in caplog.text


async def test_a_page_that_is_chosen_again_is_said_once_and_for_the_same_day(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    choice = Choice(MemoryStore(), KEY, clock)
    await choice.use_page()
    clock.now += DAY_S - 1
    await choice.use_page()
    assert choice.is_page()
    assert caplog.text.count("sent by a page in a browser from now on") == 1
    clock.now += 1
    assert not choice.is_page()


class WatchedStore(MemoryStore):
    """A store that says how long what it holds is kept.

    Attributes:
        reads: how often it was read.
        ends: when what was written may be forgotten.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.ends: list[float | None] = []

    async def read(self, slug: str) -> bytes | None:
        self.reads += 1
        return await super().read(slug)

    async def swap(
        self,
        slug: str,
        before: bytes | None,
        after: bytes | None,
        *,
        expires_at: float | None = None,
        lease: Lease | None = None,
    ) -> bool:
        self.ends.append(expires_at)
        return await super().swap(slug, before, after, expires_at=expires_at, lease=lease)


async def test_what_is_stored_is_found_by_other_versions_and_forgotten_in_time() -> None:
    store, clock = WatchedStore(), Clock()
    slug = await stored_slug(store, clock)
    assert (slug, await store.read(slug)) == ("transport-448af92a17ff", b'{"until":91400.0}')
    assert store.ends == [91_400.0]


async def test_the_store_is_read_once() -> None:
    store = WatchedStore()
    choice = Choice(store, KEY, Clock())
    for _ in range(3):
        await choice.load()
    assert store.reads == 1
