"""A page that sends requests: ``fetch`` in a tab of a browser that stays open, its bytes streamed to an event loop.

``holding`` keeps the browser open in a thread of its own, ``opening`` puts a session into it and shows a page of the
site, ``script`` is what runs in that page, ``events`` reads what the page and the browser tell, and ``tab`` and
``stream`` are used from the event loop.
"""
