"""Use a web chat from your own programs, with the session of your own browser.

>>> async with AuraClient() as client:
...     async for text in client.stream("Hello!"):
...         print(text, end="", flush=True)

The names in ``__all__`` are public. Each is loaded on first use, so importing this package is quick and loads
neither Selenium nor the command line.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aura_browser.assembly import ClientOptions, SessionOptions, assemble
    from aura_browser.chat.client import AuraClient
    from aura_browser.chat.messages import Message, Messages, Model, Prompt
    from aura_browser.client import SiteClient, SiteResponse
    from aura_browser.engine import Attach, AttachChrome, Chrome, Engine, Grid, OwnDriver, Selenium, Undetected
    from aura_browser.errors import (
        AnswerTimeout,
        AttachRefused,
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
        ImportFailed,
        InteractionRequired,
        InvalidConfiguration,
        InvalidInput,
        LaunchFailed,
        LoginNeeded,
        NotReady,
        PageFailed,
        RateLimited,
        SessionFormatError,
        SessionLocked,
        SessionProtected,
        SessionRefused,
        SessionUnreadable,
        SiteFailed,
        StoreError,
        StreamInterrupted,
        WindowClosed,
    )
    from aura_browser.http.middleware import SessionMiddleware
    from aura_browser.keeping.counters import Counters
    from aura_browser.keeping.manager import SessionManager
    from aura_browser.provider import Aura
    from aura_browser.request import Request, Response, Transport
    from aura_browser.session import Browser, Cookie, DeviceBound, Session
    from aura_browser.site import OPENCHAT, Condition, Probe, Refresh, Site, openchat_site, page_site, site_at
    from aura_browser.store import FileStore, MemoryStore, SessionKey, Store
    from aura_browser.webdriver.harvest import harvest

_HOMES: Final = {
    "assembly": ("ClientOptions", "SessionOptions", "assemble"),
    "chat.messages": ("Message", "Messages", "Model", "Prompt"),
    "chat.client": ("AuraClient",),
    "client": ("SiteClient", "SiteResponse"),
    "engine": ("Attach", "AttachChrome", "Chrome", "Engine", "Grid", "OwnDriver", "Selenium", "Undetected"),
    "errors": (
        "AnswerTimeout",
        "AttachRefused",
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
        "ImportFailed",
        "InteractionRequired",
        "InvalidConfiguration",
        "InvalidInput",
        "LaunchFailed",
        "LoginNeeded",
        "NotReady",
        "PageFailed",
        "RateLimited",
        "SessionFormatError",
        "SessionLocked",
        "SessionProtected",
        "SessionRefused",
        "SessionUnreadable",
        "SiteFailed",
        "StoreError",
        "StreamInterrupted",
        "WindowClosed",
    ),
    "http.middleware": ("SessionMiddleware",),
    "keeping.counters": ("Counters",),
    "keeping.manager": ("SessionManager",),
    "provider": ("Aura",),
    "request": ("Request", "Response", "Transport"),
    "session": ("Browser", "Cookie", "DeviceBound", "Session"),
    "site": ("OPENCHAT", "Condition", "Probe", "Refresh", "Site", "openchat_site", "page_site", "site_at"),
    "store": ("FileStore", "MemoryStore", "SessionKey", "Store"),
    "webdriver.harvest": ("harvest",),
}
_HOME_OF: Final = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "OPENCHAT",
    "AnswerTimeout",
    "Attach",
    "AttachChrome",
    "AttachRefused",
    "Aura",
    "AuraClient",
    "AuraError",
    "Browser",
    "BrowserDied",
    "BrowserError",
    "BrowserNotFound",
    "ChatError",
    "Chrome",
    "ClientOptions",
    "Condition",
    "ConnectionFailed",
    "Cookie",
    "Counters",
    "DeviceBound",
    "DriverMismatch",
    "EmptyAnswer",
    "Engine",
    "FileStore",
    "Grid",
    "GridFailed",
    "HarvestCoolingDown",
    "ImportFailed",
    "InteractionRequired",
    "InvalidConfiguration",
    "InvalidInput",
    "LaunchFailed",
    "LoginNeeded",
    "MemoryStore",
    "Message",
    "Messages",
    "Model",
    "NotReady",
    "OwnDriver",
    "PageFailed",
    "Probe",
    "Prompt",
    "RateLimited",
    "Refresh",
    "Request",
    "Response",
    "Selenium",
    "Session",
    "SessionFormatError",
    "SessionKey",
    "SessionLocked",
    "SessionManager",
    "SessionMiddleware",
    "SessionOptions",
    "SessionProtected",
    "SessionRefused",
    "SessionUnreadable",
    "Site",
    "SiteClient",
    "SiteFailed",
    "SiteResponse",
    "Store",
    "StoreError",
    "StreamInterrupted",
    "Transport",
    "Undetected",
    "WindowClosed",
    "assemble",
    "harvest",
    "openchat_site",
    "page_site",
    "site_at",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("importlib.metadata").version("aura-browser-session")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
