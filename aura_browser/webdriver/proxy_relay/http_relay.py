"""The relay for an HTTP proxy: adds ``Proxy-Authorization`` to the head of each request."""

import asyncio
from base64 import b64encode

from aura_browser.webdriver.proxy_relay.head import END, RequestHead, add_connection_close
from aura_browser.webdriver.proxy_relay.relay import Relay
from aura_browser.webdriver.proxy_relay.streams import Streams, closing, copy_all, copy_exactly, drain_until_closed


class HttpRelay(Relay):
    """Sends user and password with each request, one request per connection."""

    async def _relay(self, chrome: Streams) -> None:
        try:
            async with asyncio.timeout(self.HEAD_TIMEOUT_S):
                head = await chrome[0].readuntil(END)
            request = RequestHead.parse(head)
        except asyncio.LimitOverrunError:
            await _refuse(chrome, "431 Request Header Fields Too Large")
        except ValueError:
            await _refuse(chrome, "400 Bad Request")
        else:
            proxy = await self._connect()
            async with closing(proxy[1]):
                proxy[1].write(request.build(b64encode(self._user + b":" + self._password)))
                await self._exchange(request, chrome, proxy)

    async def _exchange(self, request: RequestHead, chrome: Streams, proxy: Streams) -> None:
        async with asyncio.TaskGroup() as group:
            if request.is_tunnel:
                group.create_task(copy_all(chrome[0], proxy[1]))
            else:
                body = group.create_task(copy_exactly(chrome[0], proxy[1], request.length))
            head = await _read_response_head(proxy[0])
            if request.is_refused_by(head):
                self._report_refusal()
            chrome[1].write(head if request.is_tunnel else add_connection_close(head))
            await copy_all(proxy[0], chrome[1])
            if not request.is_tunnel:
                body.cancel()
                await asyncio.wait([body])
                await drain_until_closed(chrome[0])


async def _refuse(chrome: Streams, status: str) -> None:
    reader, writer = chrome
    writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    writer.write_eof()
    await drain_until_closed(reader)


async def _read_response_head(reader: asyncio.StreamReader) -> bytes:
    """Return the data up to the end of the head; nothing if the head is too long, and leave it in *reader*."""
    try:
        return await reader.readuntil(END)
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError:
        return b""
