"""Engines: which browser a harvest uses. Plain values; each names the file in ``webdriver/browsers/`` that opens it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from yarl import URL

from aura_browser.errors import InvalidInput

if TYPE_CHECKING:
    from selenium.webdriver.chromium.webdriver import ChromiumDriver


@dataclass(frozen=True, slots=True)
class Selenium:
    """A Chrome on this machine, started by ChromeDriver and ended after the harvest.

    Attributes:
        chrome_path: Chrome's executable; looked for if None.
        driver_path: ChromeDriver's executable; looked for if None.
        profile: the browser profile to use and keep, so that a person's login lasts: a name, or a folder (with a
            separator in it). None for a new one each time, which is removed.
        virtual_display: show the window on a display that nobody sees (Xvfb; extra ``virtual-display``).
    """

    browser: ClassVar[str] = "selenium"

    chrome_path: str | os.PathLike[str] | None = None
    driver_path: str | os.PathLike[str] | None = None
    profile: str | os.PathLike[str] | None = None
    virtual_display: bool = False


@dataclass(frozen=True, slots=True)
class Undetected(Selenium):
    """As :class:`Selenium`, with less in it that tells of a driver: for sites that turn driven browsers away.

    Of undetected-chromedriver (extra ``undetected``) only its patch of the driver is used, on a copy that is removed.
    Its own launcher leaves a Chrome behind when the program is killed (measured with 3.5.5), lets all local programs
    debug that Chrome, and never has a sandbox. Without a window Chrome itself still says that it has none; to have
    one where nobody sees it, use *virtual_display*.
    """

    browser: ClassVar[str] = "undetected"


@dataclass(frozen=True, slots=True)
class Grid:
    """A Chrome of a Selenium Grid, version 4.

    Attributes:
        url: its address, such as ``http://127.0.0.1:4444``; with ``user:password@`` where it asks for them.

    Raises:
        InvalidInput: if that is none.
    """

    browser: ClassVar[str] = "grid"

    url: str = field(repr=False)

    def __post_init__(self) -> None:
        try:
            address = URL(self.url)
        except ValueError:
            address = URL()
        if address.scheme not in {"http", "https"} or not address.host or address.query_string:
            raise InvalidInput("grid", "must be a Selenium Grid's address, such as http://127.0.0.1:4444")


@dataclass(frozen=True, slots=True)
class Attach:
    """A Chrome that runs already and listens for debuggers. One tab is opened there and closed again.

    Attributes:
        address: ``host:port``, as given to it with ``--remote-debugging-port``.
        driver_path: ChromeDriver's executable; looked for if None.

    Raises:
        InvalidInput: if the address is none.
    """

    browser: ClassVar[str] = "attach"

    address: str
    driver_path: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        try:
            url = URL(f"http://{self.address}")
            known = url.host and url.explicit_port and url.path == "/" and not url.user and not url.query_string
        except ValueError:
            known = False
        if not known:
            raise InvalidInput("attach", "must be host:port, such as 127.0.0.1:9222")


@dataclass(frozen=True, slots=True)
class OwnDriver:
    """A caller's own Chrome driver, which stays open.

    The headers are complete if it was made with the capability ``goog:loggingPrefs`` ``{"performance": "ALL"}``;
    without it they are what the browser says of itself. Cancelling a harvest waits for the driver's call under way,
    since the driver is not ours to end.

    Attributes:
        driver: a Selenium driver of Chrome. No other thread may use it during a harvest.
    """

    browser: ClassVar[str] = "own"

    driver: "ChromiumDriver" = field(repr=False)


Engine = Selenium | Undetected | Grid | Attach | OwnDriver

LOCAL_ENGINES: Final[Mapping[str, type[Selenium]]] = {engine.browser: engine for engine in (Selenium, Undetected)}
"""Those that start a Chrome on this machine, by the names that ``--engine`` takes."""

OnWait = Callable[[float, tuple[str, ...]], None]
"""Is told how many seconds are left for a harvest, and which conditions don't hold yet; called from its thread."""
