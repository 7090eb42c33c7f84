"""Sessions in a state folder, so that a command or program that a test runs needs no browser."""

import asyncio
import time
from pathlib import Path

from aura_browser import FileStore, SessionKey
from tests.parts.sessions import make_cookie, make_session


def cache_session(state_home: Path, origin: str, cookie: str = "sid", page: str = "/") -> None:
    """Keep a session of *origin*, in which one HttpOnly cookie has the made-up value of all tests."""
    kept = make_session(
        origin, url=f"{origin}{page}", cookies=(make_cookie(cookie, http_only=True),), harvested_at=time.time()
    )
    asyncio.run(FileStore(state_home / "aura-browser" / "sessions").save(SessionKey(origin), kept))
