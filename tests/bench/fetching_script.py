"""What one would write by hand: write the answer of the site (first argument) to standard output as it arrives."""

import asyncio
import json
import sys
from pathlib import Path

import aiohttp


async def main(origin: str, headers: str) -> None:
    async with (
        aiohttp.ClientSession(headers=json.loads(Path(headers).read_text("utf-8"))) as http,  # noqa: ASYNC240 - it waits for nothing else
        http.post(f"{origin}/") as response,
    ):
        response.raise_for_status()
        async for data in response.content.iter_any():
            sys.stdout.buffer.write(data)
            sys.stdout.flush()


asyncio.run(main(*sys.argv[1:]))
