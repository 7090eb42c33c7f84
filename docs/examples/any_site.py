"""Call the API of a site that you are logged in to.

Log in once, in a window: aura-browser harvest https://example.com/app --interactive --until cookie:sid
"""

import asyncio
import os

from aura_browser import Condition, Probe, Site, SiteClient

SITE = Site(
    os.environ.get("AURA_EXAMPLE_URL", "https://example.com/app"),
    ready=(Condition("cookie", "sid"),),  # the login is done when this cookie is there
    api_paths=("/api/",),  # a login page here means that the session is over
    probe=Probe("/api/me"),  # answers 401 without a login
)


async def main() -> None:
    """Read something, and write something."""
    async with SiteClient(SITE) as client:
        async with client.get("/api/me") as response:
            response.raise_for_status()
            print(await response.json())
        async with client.post("/api/notes", json={"text": "Hello!"}) as response:
            print(response.status)


if __name__ == "__main__":
    asyncio.run(main())
