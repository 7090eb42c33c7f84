"""Send requests to a site with aiohttp and the site's session.

``transport`` sends requests, ``middleware`` adds the session to them, ``verdict`` judges the response, ``proof``
proves a session at its site, and ``exchange`` converts aiohttp's errors to this package's.
"""
