"""Selenium's side: a session that runs already, and what it raises. Importing it loads that part of Selenium."""

import logging
from typing import Any, Final

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
from selenium.webdriver.remote.command import Command
from selenium.webdriver.remote.errorhandler import ErrorHandler
from urllib3.exceptions import HTTPError

# At level DEBUG Selenium logs all that it carries, every cookie among it.
logging.getLogger("selenium.webdriver.remote.remote_connection").addFilter(
    lambda record: record.levelno > logging.DEBUG
)

DRIVER_ERRORS: Final = (WebDriverException, HTTPError, OSError)
"""What Selenium raises when the driver complains, and what it lets through when the driver is gone."""


class RunningSession:
    """What a harvest asks of a driver, for a session that runs already, over Selenium's own connection.

    Selenium's class ``WebDriver`` has all of it and much more, and loading that costs a tenth of a harvest's CPU
    (measured with 4.51; most of it is for BiDi, which has no part in one). All methods raise :data:`DRIVER_ERRORS`.

    Args:
        address: of the ChromeDriver that has it.
        session_id: which one.
        capabilities: as ChromeDriver returned them.
    """

    def __init__(self, address: str, session_id: str, capabilities: dict[str, Any]) -> None:
        self.capabilities = capabilities
        self._session = {"sessionId": session_id}
        # The environment's proxies are not meant for the driver beside us.
        self._connection = ChromiumRemoteConnection(address, "goog", "chrome", ignore_proxy=True)
        self._errors = ErrorHandler()

    def get(self, url: str) -> None:
        """Open a page."""
        self._ask(Command.GET, url=url)

    def execute_script(self, script: str) -> Any:  # noqa: ANN401 - JSON
        """Run *script* in the page, as the body of a function, and return what it does."""
        return self._ask(Command.W3C_EXECUTE_SCRIPT, script=script, args=[])

    def execute_cdp_cmd(self, cmd: str, cmd_args: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Ask Chrome by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)."""
        return self._ask("executeCdpCommand", cmd=cmd, params=cmd_args)

    def get_log(self, log_type: str) -> Any:  # noqa: ANN401 - JSON
        """Return the entries of a log since the last time."""
        return self._ask(Command.GET_LOG, type=log_type)

    def set_script_timeout(self, time_to_wait: float) -> None:
        """Give scripts so many seconds from now on."""
        self._ask(Command.SET_TIMEOUTS, script=int(time_to_wait * 1000))

    def switch_to_window(self, handle: str) -> None:
        """Go on in another tab."""
        self._ask(Command.SWITCH_TO_WINDOW, handle=handle)

    def quit(self) -> None:
        """End the session, and with it its Chrome."""
        self._ask(Command.QUIT)

    def close_connection(self) -> None:
        """Let go of the session as it is."""
        self._connection.close()  # type: ignore[no-untyped-call]

    def _ask(self, command: str, **parameters: object) -> Any:  # noqa: ANN401 - JSON
        answer = self._connection.execute(command, parameters | self._session)  # type: ignore[no-untyped-call]
        self._errors.check_response(answer)
        return answer["value"]
