"""Use a session that was harvested elsewhere: aura-browser harvest https://example.com/app -o session.json."""

import asyncio
import sys
from pathlib import Path

import aiohttp

from aura_browser import Session


async def main(session: Session) -> None:
    """Send one request with plain aiohttp. Nothing renews the session here."""
    print(f"{session.origin}: {len(session.cookies)} cookies")
    async with aiohttp.ClientSession(session.origin, **session.client_args()) as http, http.get("/api/me") as response:
        print(response.status, await response.json())


if __name__ == "__main__":
    asyncio.run(main(Session.from_json(Path(sys.argv[1] if len(sys.argv) > 1 else "session.json").read_bytes())))
