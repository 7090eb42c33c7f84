"""Which stored sessions are no longer needed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aura_browser.cli.sessions.catalogue import Entry, read_entries, read_entry
from aura_browser.cli.sessions.checking import check_entries, keep_proven
from aura_browser.cli.sessions.placing import find_key, find_site_of

if TYPE_CHECKING:
    from aura_browser.store import Store


async def find_outdated(store: "Store", now: float) -> list[str]:
    """Return the slugs of sessions expired at *now*, and of previous ones whose session is gone or expired.

    What is, or may be, a person's login is among them only if its site refuses it; that is asked, and what the answer
    rotated is kept.
    """
    over = [entry for entry in await read_entries(store) if entry.session and entry.session.is_over(now)]
    expired = await _choose_useless(store, over)
    slugs = await store.slugs()
    kept = set(slugs) - set(expired)
    orphans = [slug for slug in slugs if ".previous" in slug and slug.rpartition(".previous")[0] not in kept]
    found = [await read_entry(store, slug) for slug in orphans]
    return expired + await _choose_useless(store, [entry for entry in found if entry and entry.session])


async def _choose_useless(store: "Store", entries: Sequence[Entry]) -> list[str]:
    """Return the slugs of *entries* without the logins that their sites did not refuse."""
    logins = [entry for entry in entries if entry.session and entry.session.is_protected]
    kept = set()
    async for checked in check_entries(logins):
        await keep_proven(store, checked)
        kept |= set() if checked.is_gone else {checked.entry.slug}
    kept |= {entry.slug for entry in logins if _may_be_refreshed(entry)}
    return [entry.slug for entry in entries if entry.slug not in kept]


def _may_be_refreshed(entry: Entry) -> bool:
    """Return whether the site renews such a session by a request, so that its end ends no login."""
    session = entry.session
    return session is not None and find_site_of(session, find_key(session, entry.slug)).refresh_request is not None
