"""A local openchat site that demo and tests run against: its pages, its wire and its gates, on loopback only.

::

    async with Playground("login-401") as site:          # in your own event loop
        ...
    with serve_in_thread("check-503", life=2) as site:   # beside synchronous code
        ...

A way through the folder: ``server`` starts and stops the site, ``app`` holds its routes, ``gates`` decides
who gets in, ``conversation`` reads a chat request, ``answers`` makes its answer, ``wire`` sends what a
framework would tidy up, and ``record`` remembers what came in.

Nothing is imported before it is used, so that pytest can load the plugin here at no cost.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aura_browser.playground.record import SeenRequest
    from aura_browser.playground.server import Playground
    from aura_browser.playground.thread import PlaygroundOptions, serve_in_thread

_HOMES = {
    "Playground": "server",
    "PlaygroundOptions": "thread",
    "SeenRequest": "record",
    "serve_in_thread": "thread",
}

__all__ = ["Playground", "PlaygroundOptions", "SeenRequest", "serve_in_thread"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
