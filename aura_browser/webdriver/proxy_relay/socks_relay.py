"""The relay for a SOCKS5 proxy (RFC 1928): logs in with user and password (RFC 1929), which Chrome can't do."""

import asyncio
from typing import Final

from aura_browser.webdriver.proxy_relay.relay import Relay
from aura_browser.webdriver.proxy_relay.streams import Streams, closing, copy_all

_VERSION: Final = 5
_NO_LOGIN: Final = 0
_PASSWORD: Final = 2
_GREETING: Final = bytes((_VERSION, 2, _NO_LOGIN, _PASSWORD))
_ACCEPTED: Final = bytes((_VERSION, _NO_LOGIN))


class SocksRelay(Relay):
    """Logs in to the proxy, and tells Chrome that no login is needed."""

    async def _relay(self, chrome: Streams) -> None:
        reader, writer = chrome
        async with asyncio.timeout(self.HEAD_TIMEOUT_S):
            version, methods = await reader.readexactly(2)
            if version != _VERSION:
                return
            await reader.readexactly(methods)
        proxy = await self._connect()
        async with closing(proxy[1]):
            if not await self._log_in(*proxy):
                self._report_refusal()
                return
            writer.write(_ACCEPTED)
            async with asyncio.TaskGroup() as group:
                group.create_task(copy_all(reader, proxy[1]))
                group.create_task(copy_all(proxy[0], writer))

    async def _log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Return whether the proxy accepts user and password, or needs none."""
        async with asyncio.timeout(self.HEAD_TIMEOUT_S):
            writer.write(_GREETING)
            _version, method = await reader.readexactly(2)
            if method != _PASSWORD:
                return method == _NO_LOGIN
            user, password = (bytes((len(text),)) + text for text in (self._user, self._password))
            writer.write(b"\x01" + user + password)
            _version, status = await reader.readexactly(2)
            return status == 0
