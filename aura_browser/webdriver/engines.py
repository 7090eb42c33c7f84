"""The one door to a browser, whoever runs it: a context with a driver, unwound in reverse."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from aura_browser.engine import Attach, Engine, Grid, OwnDriver, Selenium, Undetected
from aura_browser.webdriver.watchdog import Deadline


class Driver(Protocol):
    """What a harvest asks of Selenium's ``WebDriver``."""

    @property
    def capabilities(self) -> dict[str, Any]:
        """What the browser is (https://www.w3.org/TR/webdriver2/#capabilities)."""

    def get(self, url: str, /) -> None:
        """Open a page."""

    def execute_script(self, script: str, /) -> Any:  # noqa: ANN401 - JSON
        """Run *script* in the page, as the body of a function, and return what it does."""

    def execute_cdp_cmd(self, cmd: str, cmd_args: dict[str, Any], /) -> Any:  # noqa: ANN401 - JSON
        """Ask Chrome by its DevTools protocol."""

    def get_log(self, log_type: str, /) -> Any:  # noqa: ANN401 - JSON
        """Return the entries of a log since the last time."""

    def set_script_timeout(self, time_to_wait: float, /) -> None:
        """Give scripts so many seconds from now on."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a harvest wants of a browser.

    Attributes:
        deadline: when all of it has to be over.
        proxy: a proxy's URL, as Chrome takes it if the browser is started here; None for none: the system's proxy is
            not used, as the client doesn't either.
        interactive: whether a person is to see a window.
    """

    deadline: Deadline
    proxy: str | None = None
    interactive: bool = False


def open_browser(engine: Engine, visit: Visit) -> AbstractContextManager[Driver]:
    """Return a context with a driver of *engine*; on leaving it all that was started for it is ended.

    Raises:
        InvalidInput: on entering it, if the engine can't do what the visit asks for; nothing was started.
        BrowserError: on entering it, if there is no browser to be had.
    """
    # Each engine is loaded when it is used.
    match engine:
        case Undetected():
            from aura_browser.webdriver.undetected import undetected_chrome

            return undetected_chrome(engine, visit)
        case Selenium():
            from aura_browser.webdriver.chrome import chrome

            return chrome(engine, visit)
        case Grid():
            from aura_browser.webdriver.grid import grid_chrome

            return grid_chrome(engine, visit)
        case Attach():
            from aura_browser.webdriver.attach import attached_chrome

            return attached_chrome(engine, visit)
        case OwnDriver():
            from aura_browser.webdriver.own import own_chrome

            return own_chrome(engine, visit)
