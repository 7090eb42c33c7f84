"""Talk to a web chat from your own programs, with the session that your own browser gets.

>>> async with AuraClient() as client:
...     async for text in client.stream("Hello!"):
...         print(text, end="", flush=True)

What is listed in ``__all__`` is public. Names are loaded when first used, so importing this package is quick and
loads neither Selenium nor the command line.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aura_browser.assembly import Refresh, assemble
    from aura_browser.chat import Message, Messages, Model
    from aura_browser.client import AuraClient
    from aura_browser.cookie import Cookie
    from aura_browser.counters import Counters
    from aura_browser.engine import Attach, Engine, Grid, OwnDriver, Selenium, Undetected
    from aura_browser.errors import (
        AnswerTimeout,
        AuraError,
        BrowserDied,
        BrowserError,
        BrowserNotFound,
        ChatError,
        ConnectionFailed,
        DriverMismatch,
        EmptyAnswer,
        GridFailed,
        HarvestCoolingDown,
        InteractionRequired,
        InvalidInput,
        LaunchFailed,
        NotReady,
        PageFailed,
        RateLimited,
        SessionFormatError,
        SessionLocked,
        SessionRefused,
        SiteFailed,
        StoreError,
        StreamInterrupted,
        WindowClosed,
    )
    from aura_browser.manager import SessionManager
    from aura_browser.middleware import SessionMiddleware
    from aura_browser.provider import Aura
    from aura_browser.session import Browser, Session
    from aura_browser.site import OPENCHAT, Condition, Site, openchat_site, page_site
    from aura_browser.store import FileStore, MemoryStore, SessionKey, Store
    from aura_browser.webdriver import harvest

_HOMES: Final = {
    "assembly": ("Refresh", "assemble"),
    "chat": ("Message", "Messages", "Model"),
    "client": ("AuraClient",),
    "cookie": ("Cookie",),
    "counters": ("Counters",),
    "engine": ("Attach", "Engine", "Grid", "OwnDriver", "Selenium", "Undetected"),
    "errors": (
        "AnswerTimeout",
        "AuraError",
        "BrowserDied",
        "BrowserError",
        "BrowserNotFound",
        "ChatError",
        "ConnectionFailed",
        "DriverMismatch",
        "EmptyAnswer",
        "GridFailed",
        "HarvestCoolingDown",
        "InteractionRequired",
        "InvalidInput",
        "LaunchFailed",
        "NotReady",
        "PageFailed",
        "RateLimited",
        "SessionFormatError",
        "SessionLocked",
        "SessionRefused",
        "SiteFailed",
        "StoreError",
        "StreamInterrupted",
        "WindowClosed",
    ),
    "manager": ("SessionManager",),
    "middleware": ("SessionMiddleware",),
    "provider": ("Aura",),
    "session": ("Browser", "Session"),
    "site": ("OPENCHAT", "Condition", "Site", "openchat_site", "page_site"),
    "store": ("FileStore", "MemoryStore", "SessionKey", "Store"),
    "webdriver": ("harvest",),
}
_HOME_OF: Final = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "OPENCHAT",
    "AnswerTimeout",
    "Attach",
    "Aura",
    "AuraClient",
    "AuraError",
    "Browser",
    "BrowserDied",
    "BrowserError",
    "BrowserNotFound",
    "ChatError",
    "Condition",
    "ConnectionFailed",
    "Cookie",
    "Counters",
    "DriverMismatch",
    "EmptyAnswer",
    "Engine",
    "FileStore",
    "Grid",
    "GridFailed",
    "HarvestCoolingDown",
    "InteractionRequired",
    "InvalidInput",
    "LaunchFailed",
    "MemoryStore",
    "Message",
    "Messages",
    "Model",
    "NotReady",
    "OwnDriver",
    "PageFailed",
    "RateLimited",
    "Refresh",
    "Selenium",
    "Session",
    "SessionFormatError",
    "SessionKey",
    "SessionLocked",
    "SessionManager",
    "SessionMiddleware",
    "SessionRefused",
    "Site",
    "SiteFailed",
    "Store",
    "StoreError",
    "StreamInterrupted",
    "Undetected",
    "WindowClosed",
    "assemble",
    "harvest",
    "openchat_site",
    "page_site",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("importlib.metadata").version("aura-browser")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
