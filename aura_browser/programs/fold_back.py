"""Keeps the cookies that a program changed, unless that could lose a login or somebody else's renewal."""

from collections.abc import Iterable, Sequence

import msgspec

from aura_browser.errors import AuraError, SessionRefused
from aura_browser.keeping.doubt import Prove
from aura_browser.session import Cookie, Session
from aura_browser.session.cookie_store import apply_changes, diff_cookies
from aura_browser.store import SessionKey, Store


async def fold_back(
    store: Store, key: SessionKey, session: Session, changed: Sequence[Cookie], *, prove: Prove, now: float
) -> str:
    """Put the cookies that a program *changed* into the stored session; return why not, or an empty text.

    Where the session is, or may be, a person's login, the site is asked first whether it takes the changed one: a
    program that is logged out may have been given a stranger's cookies.

    Args:
        store: where the session is kept.
        key: its key there.
        session: as the program was given it.
        changed: what the program made of its cookies.
        prove: asks the site.
        now: epoch seconds.

    Raises:
        StoreError: if the store can't be used.
    """
    rotated = _rotate(session, session, changed, now)
    if session.is_protected:
        try:
            proven = await prove(rotated)
        except SessionRefused as error:
            return f"the site refuses them ({error.mark})"
        except AuraError as error:
            return f"the site can't be asked whether it takes them: {error}"
        if session.proof == "distinguished" != proven.proof:
            return "with them the site answers as it does without a login"
        # The program's, and what the proof changed.
        changes = diff_cookies(session.cookies, proven.cookies).values()
        changed = [cookie for cookie in changes if cookie is not None]

    def change(stored: Session | None) -> Session | None:
        if stored is None or stored.lineage != session.lineage:
            return None
        return _rotate(stored, session, changed, now)

    kept = await store.update(key, change)
    return "" if kept is not None and kept.lineage == session.lineage else "the session was renewed meanwhile"


def _rotate(stored: Session, given: Session, changed: Iterable[Cookie], now: float) -> Session:
    """Return *stored* with the *changed* cookies, but for those that somebody else has changed since they were given.

    Returns itself if that changes nothing.
    """
    known = {cookie.identity: cookie.value for cookie in given.cookies}
    there = {cookie.identity: cookie.value for cookie in stored.cookies}
    mine: dict[tuple[object, ...], Cookie | None] = {
        cookie.identity: cookie for cookie in changed if there.get(cookie.identity) == known.get(cookie.identity)
    }
    cookies = apply_changes(stored.cookies, mine)
    if cookies == stored.cookies:
        return stored
    return msgspec.structs.replace(stored.with_cookies(cookies), rotated_at=now, rotation=stored.rotation + 1)
