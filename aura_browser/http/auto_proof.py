"""Proves sessions for ``auto``: with aiohttp, and a new one that aiohttp can't use by a page."""

from aura_browser.errors import SessionRefused
from aura_browser.http.choice import Choice
from aura_browser.keeping.doubt import Prove
from aura_browser.keeping.renewal import Harvest
from aura_browser.session import Session


class AutoProof:
    """Proves sessions, and finds out which transport a site wants.

    Only a session that was just harvested speaks for the page: an older one may have ended.

    Args:
        harvest: returns a new session.
        by_http: proves with aiohttp.
        by_page: proves by a page.
        choice: remembers what was found.
    """

    def __init__(self, harvest: Harvest, by_http: Prove, by_page: Prove, choice: Choice) -> None:
        self._harvest = harvest
        self._by_http = by_http
        self._by_page = by_page
        self._choice = choice
        self._latest: float | None = None

    async def harvest(self) -> Session:
        """Return a new session. Raises as the given harvest."""
        session = await self._harvest()
        self._latest = session.harvested_at
        return session

    async def prove(self, session: Session) -> Session:
        """Return *session* as proven. Raises as :func:`aura_browser.http.proof.prove`."""
        await self._choice.load()
        if self._choice.is_page():
            return await self._by_page(session)
        try:
            return await self._by_http(session)
        except SessionRefused:
            if session.harvested_at != self._latest:
                raise
        proven = await self._by_page(session)
        await self._choice.use_page()
        return proven
