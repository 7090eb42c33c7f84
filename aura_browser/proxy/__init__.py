"""The proxy of browser and client: ``address`` checks and redacts its URL, ``connection`` makes aiohttp use it."""
