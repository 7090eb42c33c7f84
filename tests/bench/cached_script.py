"""What one would write by hand: ask the site (first argument) with the headers in a file (second argument)."""

import asyncio
import json
import sys
from pathlib import Path

import aiohttp

BODY = {
    "model": {"id": "openchat_3.6", "name": "OpenChat 3.6 (latest)", "maxLength": 24576, "tokenLimit": 8192},
    "messages": [{"role": "user", "content": "hello"}],
    "key": "",
    "prompt": "",
    "temperature": 0.5,
}


async def main(origin: str, headers: str) -> None:
    async with (
        aiohttp.ClientSession(headers=json.loads(Path(headers).read_text("utf-8"))) as http,  # noqa: ASYNC240 - it waits for nothing else
        http.post(f"{origin}/api/chat", json=BODY) as response,
    ):
        response.raise_for_status()
        async for data in response.content.iter_any():
            sys.stdout.write(data.decode())
            sys.stdout.flush()


asyncio.run(main(*sys.argv[1:]))
