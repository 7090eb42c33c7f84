"""A local openchat site for the demo and tests: its pages, its wire format and its gates, on loopback only.

::

    async with Playground("login-401") as site:          # in your own event loop
        ...
    with serve_in_thread("check-503", life=2) as site:   # beside synchronous code
        ...

The modules: ``server`` starts and stops the site, ``app`` holds its routes, ``gates`` admits requests, ``conversation``
parses a chat request, ``answers`` makes the answer, ``wire`` writes responses that aiohttp.web would change, and
``record`` keeps the requests.

Names are imported lazily, so that pytest can load the plugin here at no cost.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aura_browser.playground.record import SeenRequest
    from aura_browser.playground.server import Playground
    from aura_browser.playground.thread import PlaygroundOptions, serve_in_thread

_MODULES = {
    "Playground": "server",
    "PlaygroundOptions": "thread",
    "SeenRequest": "record",
    "serve_in_thread": "thread",
}

__all__ = ["Playground", "PlaygroundOptions", "SeenRequest", "serve_in_thread"]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
