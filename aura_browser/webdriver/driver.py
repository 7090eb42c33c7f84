"""What a harvest uses of a driver: a part of Selenium's ``WebDriver``."""

from typing import Any, Protocol


class Driver(Protocol):
    """The part of Selenium's ``WebDriver`` that a harvest uses."""

    @property
    def capabilities(self) -> dict[str, Any]:
        """The browser's capabilities (https://www.w3.org/TR/webdriver2/#capabilities)."""

    @property
    def window_handles(self) -> list[str]:
        """The ids of the browser's tabs."""

    @property
    def current_window_handle(self) -> str:
        """The id of the tab that commands go to; it may be closed."""

    @property
    def switch_to(self) -> Any:  # noqa: ANN401 - Selenium's class has much more
        """An object whose ``window(handle)`` switches to another tab."""

    def get(self, url: str, /) -> None:
        """Open a page."""

    def execute_script(self, script: str, /) -> Any:  # noqa: ANN401 - JSON
        """Run *script* in the page, as the body of a function, and return its result."""

    def execute_cdp_cmd(self, cmd: str, cmd_args: dict[str, Any], /) -> Any:  # noqa: ANN401 - JSON
        """Send a command of the DevTools protocol and return its result."""

    def get_log(self, log_type: str, /) -> Any:  # noqa: ANN401 - JSON
        """Return the log entries since the last call."""


class StartedDriver:
    """Marks a driver of our own, which is ended at the deadline even in the middle of a command."""
