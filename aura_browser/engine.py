"""Engines: which browser a harvest uses. Plain values; each names the file in ``webdriver/browsers/`` that opens it."""

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec
from yarl import URL

from aura_browser.errors import InvalidInput, raise_alone
from aura_browser.hosts import parse_url

if TYPE_CHECKING:
    from selenium.webdriver.chromium.webdriver import ChromiumDriver

CHANNELS: Final = ("stable", "beta", "dev", "canary")
"""The channels of Chrome, each of which has its own folder."""


class Selenium(msgspec.Struct, frozen=True):
    """A new Chrome on this machine, started by ChromeDriver and ended after the harvest.

    Attributes:
        chrome_path: Chrome's executable; None to search for it.
        driver_path: ChromeDriver's executable; None to search for it.
        profile: the browser profile to use and keep, so that a person's login lasts: a name, or a folder (with a path
            separator). None for a temporary profile.
        virtual_display: show the window on a virtual display that nobody sees (Xvfb; extra ``virtual-display``).
        sandbox: whether Chrome uses its sandbox, which keeps a hostile page away from the system; None for yes, except
            for root, for whom Chrome has none.
    """

    browser: ClassVar[str] = "selenium"

    chrome_path: str | os.PathLike[str] | None = None
    driver_path: str | os.PathLike[str] | None = None
    profile: str | os.PathLike[str] | None = None
    virtual_display: bool = False
    sandbox: bool | None = None


class DefaultEngine(Selenium, frozen=True):
    """What is used where no engine was named: :class:`Selenium`, or :class:`Chrome` without a matching ChromeDriver."""

    browser: ClassVar[str] = "default"


class Chrome(msgspec.Struct, frozen=True):
    """A new Chrome on this machine, started without ChromeDriver and ended after the harvest.

    It is controlled over a pipe, so nobody else can connect to it, and no ChromeDriver has to match its version.

    Attributes:
        chrome_path: Chrome's executable; None to search for it.
        profile: as for :class:`Selenium`.
        virtual_display: as for :class:`Selenium`.
        sandbox: as for :class:`Selenium`.
    """

    browser: ClassVar[str] = "chrome"

    chrome_path: str | os.PathLike[str] | None = None
    profile: str | os.PathLike[str] | None = None
    virtual_display: bool = False
    sandbox: bool | None = None


class Undetected(Selenium, frozen=True):
    """As :class:`Selenium`, with fewer signs of automation: for sites that block automated browsers.

    Only undetected-chromedriver's patch of the driver is used (extra ``undetected``), on a temporary copy. Its own
    launcher leaves Chrome running when the program is killed (3.5.5), lets all local programs debug that Chrome, and
    never uses the sandbox. A headless Chrome still identifies itself as headless; *virtual_display* gives it a window
    that nobody sees.
    """

    browser: ClassVar[str] = "undetected"


class Grid(msgspec.Struct, frozen=True):
    """A Chrome on a Selenium Grid, version 4.

    Attributes:
        url: the Grid's address, such as ``http://127.0.0.1:4444``; with ``user:password@`` if it needs them.

    Raises:
        InvalidInput: if *url* is malformed.
    """

    browser: ClassVar[str] = "grid"

    url: str

    def __repr__(self) -> str:
        return "Grid()"  # its address may hold a password

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return []

    def __post_init__(self) -> None:
        try:
            address = parse_url(self.url, {"http", "https"})
        except ValueError:
            address = URL()
        if not address.host or address.query_string or address.fragment:
            # Alone, because yarl quotes what it does not take.
            raise_alone(InvalidInput("grid", "must be a Selenium Grid's address, such as http://127.0.0.1:4444"))


class Attach(msgspec.Struct, frozen=True):
    """A Chrome that already runs with a debugging port. One tab is opened there and closed again.

    Attributes:
        address: ``host:port``; the port is the one of Chrome's ``--remote-debugging-port``.
        driver_path: ChromeDriver's executable; None to search for it.

    Raises:
        InvalidInput: if *address* is malformed.
    """

    browser: ClassVar[str] = "attach"

    address: str
    driver_path: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        try:
            url = parse_url(f"http://{self.address}", {"http"})
            is_valid = url.explicit_port and url.raw_user is None and url.raw_path_qs == "/" and not url.raw_fragment
        except ValueError:
            is_valid = False
        if not is_valid:
            raise InvalidInput("attach", "must be host:port, such as 127.0.0.1:9222")


class AttachChrome(msgspec.Struct, frozen=True):
    """The Chrome that a person uses every day, version 144 or newer. It asks the person first.

    Its switch at ``chrome://inspect/#remote-debugging`` has to be on. One tab is opened in the background and closed
    again; only the site's cookies are read. Since both then use one login, a site that rotates its cookies may sign one
    of them out; so such a session is renewed only with ``refresh="interactive"``.

    Attributes:
        channel: ``stable``, ``beta``, ``dev`` or ``canary``.

    Raises:
        InvalidInput: if there is no such channel.
    """

    browser: ClassVar[str] = "everyday"

    channel: str = "stable"

    def __post_init__(self) -> None:
        if self.channel not in CHANNELS:
            raise InvalidInput("attach", f"chrome has the channels {', '.join(CHANNELS)}, such as chrome:beta")

    @property
    def option(self) -> str:
        """What the option ``--attach`` is given for it."""
        return "chrome" if self.channel == CHANNELS[0] else f"chrome:{self.channel}"


class OwnDriver(msgspec.Struct, frozen=True):
    """The caller's own Chrome driver, which stays open.

    The session's headers are complete if the driver was created with the capability ``goog:loggingPrefs``
    ``{"performance": "ALL"}``; otherwise they are built from the page's JavaScript values. Cancelling a harvest waits
    for the driver's current call, since the driver belongs to the caller and is not ended.

    Attributes:
        driver: a Selenium driver of Chrome. No other thread may use it during a harvest.
    """

    browser: ClassVar[str] = "own"

    driver: "ChromiumDriver"

    def __repr__(self) -> str:
        return "OwnDriver()"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return []


def parse_attach(text: str) -> Attach | AttachChrome:
    """Return the engine for ``host:port``, ``chrome`` or ``chrome:CHANNEL``.

    Raises:
        InvalidInput: if *text* has another form.
    """
    name, _, channel = text.partition(":")
    if name == "chrome" and not channel.isdigit():
        return AttachChrome(channel or CHANNELS[0])
    return Attach(text)


LocalEngine = Selenium | Chrome
"""An engine that starts a Chrome on this machine."""

Engine = Selenium | Chrome | Undetected | Grid | Attach | AttachChrome | OwnDriver

LOCAL_ENGINES: Final[Mapping[str, type[LocalEngine]]] = {
    engine.browser: engine for engine in (Selenium, Chrome, Undetected)
}
"""The engines that start a Chrome on this machine, by their ``--engine`` names."""

OnWait = Callable[[float, tuple[str, ...]], None]
"""Called from the harvest's thread with the seconds left and the conditions that don't hold yet."""
