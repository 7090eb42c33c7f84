"""Download a file of any size from a site that you are logged in to, in little memory."""

import asyncio
import os
import sys
from pathlib import Path

from aura_browser import SiteClient

SITE = os.environ.get("AURA_EXAMPLE_URL", "https://example.com/app")


async def main(target: Path) -> None:
    """Write the file to *target*, a piece at a time."""
    async with SiteClient(SITE) as client, client.get("/files/report.pdf") as response:
        response.raise_for_status()
        with target.open("wb") as file:
            async for piece in response:
                file.write(piece)
    print(f"{target}: {target.stat().st_size} bytes")  # noqa: ASYNC240 - as above


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "report.pdf")))
