"""Requests to a site by aiohttp, with its session.

``transport`` carries a request, ``middleware`` puts the session on it, ``verdict`` judges what comes back, ``proof``
shows a session to its site; ``exchange`` makes one typed error of all that can go wrong on the way.
"""
