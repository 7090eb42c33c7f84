"""The proxy that browser and client go through: ``address`` checks and shows it, ``connection`` leads aiohttp there."""
