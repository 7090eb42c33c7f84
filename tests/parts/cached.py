"""Sessions in a state folder, so that a command or program that a test runs needs no browser."""

import asyncio
import time
from pathlib import Path

from aura_browser import FileStore, SessionKey
from tests.parts.sessions import make_cookie, make_session


def cache_session(state_home: Path, origin: str, cookie: str = "sid", page: str = "/", **facts: object) -> None:
    """Keep a session of *origin* with one made-up HttpOnly cookie; *facts* are its own."""
    cookies = (make_cookie(cookie, http_only=True),)
    kept = make_session(origin, url=f"{origin}{page}", cookies=cookies, harvested_at=time.time(), **facts)
    asyncio.run(FileStore(state_home / "aura-browser" / "sessions").save(SessionKey(origin), kept))
