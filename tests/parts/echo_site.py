"""A site in a thread that lets one cookie in, and answers with what it was sent; also files, redirects and faults."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import web

from tests.parts.servers import Server, serving_in_thread
from tests.parts.sessions import make_cookie

GOOD: Final = make_cookie().value
CONTENT: Final = bytes(range(256)) * 4096


class EchoSite:
    """Answers the good cookie by path, and everybody else with 401.

    - ``/file`` is a megabyte, and can be continued; ``/whole`` is the same, and can't;
    - ``/cut`` ends in the middle of it; ``/big?mib=N`` is so many mebibytes;
    - ``/gzip`` is compressed if the client takes that; ``/status/N`` has that status;
    - ``/old`` leads to ``/echo``, ``/away`` to another site;
    - everything else is told what was asked.
    """

    def __init__(self) -> None:
        self.origin = ""
        self.away = "http://elsewhere.invalid/"
        self.server: Server

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if f"sid={GOOD}" not in request.headers.get("Cookie", "").split("; "):
            return web.Response(status=401, text="log in")
        if request.path.startswith("/status/"):
            return web.Response(status=int(request.path.rpartition("/")[2]), text="so it is")
        redirects = {"/old": "/echo?moved=1", "/away": self.away}
        if location := redirects.get(request.path):
            return web.Response(status=302, headers={"Location": location}, text="moved")
        named = {"/file": self._file, "/whole": self._file, "/cut": self._cut, "/big": self._big, "/gzip": self._gzip}
        return await named.get(request.path, self._echo)(request)

    async def _echo(self, request: web.BaseRequest) -> web.StreamResponse:
        body = self.server.bodies[self.server.seen.index(request)]
        told = {
            "method": request.method,
            "path": request.raw_path,
            "headers": [[name, value] for name, value in request.headers.items()],
            "body": body.decode("latin-1"),
        }
        return web.json_response(told, headers={"X-Twice": "one"})

    async def _file(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = request.headers.get("Range", "") if request.path == "/file" else ""
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0)
        kind = "application/octet-stream"
        if start >= len(CONTENT):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(CONTENT)}"})
        if not asked:
            return web.Response(body=CONTENT, content_type=kind)
        place = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        return web.Response(status=206, body=CONTENT[start:], content_type=kind, headers={"Content-Range": place})

    async def _cut(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(CONTENT))})
        await response.prepare(request)
        await response.write(CONTENT[:600_000])
        assert request.transport is not None
        request.transport.close()
        return response

    async def _big(self, request: web.BaseRequest) -> web.StreamResponse:
        mib = int(request.query["mib"])
        response = web.StreamResponse(headers={"Content-Length": str(mib * 2**20)})
        await response.prepare(request)
        for _ in range(mib):
            await response.write(CONTENT)
        return response

    async def _gzip(self, request: web.BaseRequest) -> web.StreamResponse:
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            return web.Response(text="plain")
        headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain"}
        return web.Response(body=gzip.compress(b"compressed"), headers=headers)


def read_told(text: str | bytes) -> tuple[str, str, dict[str, str], bytes]:
    """Return what the site was asked: method, path, headers by lower-case name, body."""
    told = json.loads(text)
    headers = {name.lower(): value for name, value in told["headers"]}
    return told["method"], told["path"], headers, told["body"].encode("latin-1")


@contextmanager
def serving_echo() -> Iterator[EchoSite]:
    """Serve one in a thread while the context lasts."""
    site = EchoSite()
    with serving_in_thread(site.handle) as (site.server, site.origin):
        yield site
