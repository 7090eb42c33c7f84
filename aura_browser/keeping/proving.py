"""How a new session is proven: by the probe that proved the one before it, if it has none itself."""

import logging
from contextlib import suppress

import msgspec

from aura_browser.errors import ChatError, StoreError
from aura_browser.keeping.doubt import Doubt
from aura_browser.keeping.live_session import LiveSession
from aura_browser.session import Session

_log = logging.getLogger(__name__)


async def prove_new(session: Session, old: Session | None, live: LiveSession, doubt: Doubt) -> Session:
    """Return a new *session* as proven, in place of *old* or of the one in use or cached.

    A person's login is not lost where the site fails as it is asked: it is returned as it is, unproven, with a warning.
    Other errors as :meth:`Doubt.prove`.
    """
    try:
        return await _prove(session, old, live, doubt)
    except ChatError as error:
        if not session.is_login:
            raise
        _log.warning("%s The login is kept, but nothing proves it yet.", error)
        return session


async def _prove(session: Session, old: Session | None, live: LiveSession, doubt: Doubt) -> Session:
    """Return a new *session* as proven: with the probe that proved the one before it, if it has none itself.

    That is *old*, or the one in use or cached. If that is of another page, this page's own answer is asked for first.
    Errors as :meth:`Doubt.prove`.
    """
    known = old or await _find_known(live)
    if session.probe or not (known and known.probe):
        return await doubt.prove(session)
    if not old and known.url != session.url:
        session = await doubt.prove(session)
        if session.proof == "distinguished":
            return session
    return await doubt.prove(msgspec.structs.replace(session, probe=known.probe))


async def _find_known(live: LiveSession) -> Session | None:
    """Return the session in use, else the cached one; None if no session is cached, or it can't be read."""
    with suppress(StoreError):  # what can't be read is replaced
        return live.current or await live.load()
    return None
