"""What a harvest wants of a browser, and what it asks of the driver that it gets."""

from dataclasses import dataclass
from typing import Any, Protocol

from aura_browser.webdriver.deadline import Deadline


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
