"""Give an aiohttp client of your own the session of a site, with renewal."""

import asyncio
import os
from contextlib import aclosing

import aiohttp

from aura_browser import SessionMiddleware, Site, assemble

SITE = Site(os.environ.get("AURA_EXAMPLE_URL", "https://example.com/app"), api_paths=("/api/",))


async def main() -> None:
    """Send one request with the session."""
    # No total: it would count a harvest too.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
    async with (
        aclosing(assemble(SITE)) as manager,  # closing it writes what is unsaved
        aiohttp.ClientSession(SITE.origin, middlewares=(SessionMiddleware(manager),), timeout=timeout) as http,
        http.get("/api/me") as response,
    ):
        print(response.status, await response.json())
        print(f"{manager.counters.harvests} harvests")


if __name__ == "__main__":
    asyncio.run(main())
