"""Selenium's side: the driver of a session that runs already, and what it raises. Importing it loads Selenium."""

import logging
from typing import Any, Final

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
from selenium.webdriver.chromium.webdriver import ChromiumDriver
from selenium.webdriver.remote.webdriver import WebDriver as RemoteDriver
from urllib3.exceptions import HTTPError

# At level DEBUG Selenium logs all that it carries, every cookie among it.
logging.getLogger("selenium.webdriver.remote.remote_connection").addFilter(
    lambda record: record.levelno > logging.DEBUG
)

DRIVER_ERRORS: Final = (WebDriverException, HTTPError, OSError)
"""What Selenium raises when the driver complains, and what it lets through when the driver is gone."""


class ConnectedDriver(ChromiumDriver):
    """A driver of Chrome without a ChromeDriver of its own: it starts nothing, and ends the session alone.

    Args:
        connection: to whoever has the ChromeDriver.
        options: of the session to begin.
    """

    def __init__(self, connection: ChromiumRemoteConnection, options: Options) -> None:
        RemoteDriver.__init__(self, command_executor=connection, options=options)

    def quit(self) -> None:
        """End the session, and with it its Chrome."""
        RemoteDriver.quit(self)


class RunningSession(ConnectedDriver):
    """A driver of a session that runs already.

    Args:
        address: of the ChromeDriver that has it.
        session_id: which one.
        capabilities: as ChromeDriver returned them.
    """

    def __init__(self, address: str, session_id: str, capabilities: dict[str, Any]) -> None:
        self._started = session_id, capabilities
        # The environment's proxies are not meant for the driver beside us.
        self._connection = ChromiumRemoteConnection(address, "goog", "chrome", ignore_proxy=True)
        super().__init__(self._connection, Options())

    def start_session(self, capabilities: dict[str, Any]) -> None:  # noqa: ARG002 - Selenium's signature
        """Take the session that was started before."""
        self.session_id, self.caps = self._started

    def close_connection(self) -> None:
        """Let go of the session as it is."""
        self._connection.close()  # type: ignore[no-untyped-call]
