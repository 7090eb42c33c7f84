"""Proxies: their addresses, and aiohttp's way through them."""
