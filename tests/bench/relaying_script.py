"""A plain relay: ask the site (first argument) with the headers in a file (second argument), and pass chunks on."""

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
from aiohttp import web


async def main(origin: str, headers: str) -> None:
    own = json.loads(Path(headers).read_text("utf-8"))  # noqa: ASYNC240 - it waits for nothing else

    async with aiohttp.ClientSession(auto_decompress=False) as http:

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            body = await request.read() if request.can_read_body else None
            async with http.request(request.method, f"{origin}{request.raw_path}", headers=own, data=body) as answer:
                response = web.StreamResponse(status=answer.status)
                await response.prepare(request)
                async for data in answer.content.iter_any():
                    await response.write(data)
                return response

        runner = web.ServerRunner(web.Server(handle))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        sys.stdout.write(f"http://127.0.0.1:{site.port}/\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
