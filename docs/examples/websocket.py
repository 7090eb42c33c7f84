"""Talk to a WebSocket of a site that you are logged in to."""

import asyncio
import os

from aura_browser import SiteClient

SITE = os.environ.get("AURA_EXAMPLE_URL", "https://example.com/app")


async def main() -> None:
    """Send one message and print one."""
    async with SiteClient(SITE) as client, client.ws_connect("/live") as socket:
        await socket.send_str("Hello!")
        print(await socket.receive_str(timeout=30))


if __name__ == "__main__":
    asyncio.run(main())
