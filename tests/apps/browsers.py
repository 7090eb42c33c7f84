"""A stand-in for browsers, and what the tests look at afterwards."""

from collections.abc import Awaitable, Callable

from aura_browser import FileStore, Session, SessionKey, SiteClient
from tests.apps.app import Running


class Browsers:
    """Stands for browsers: brings what *log_in* returns, and counts."""

    def __init__(self, log_in: Callable[[], Awaitable[Session]]) -> None:
        self.opened = 0
        self._log_in = log_in

    async def __call__(self) -> Session:
        self.opened += 1
        return await self._log_in()


async def read(client: SiteClient, path: str) -> str:
    """Return the body of an answer with a status of 200."""
    async with client.get(path) as response:
        assert response.status == 200
        return await response.text()


async def load(store: FileStore, app: Running) -> Session:
    """Return the stored session."""
    session = await store.load(SessionKey(app.site.origin))
    assert session is not None
    return session
