"""A WebDriver session that already runs. Importing it loads Selenium."""

import logging
import socket
from typing import Any

from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
from selenium.webdriver.remote.command import Command
from selenium.webdriver.remote.errorhandler import ErrorHandler
from urllib3 import HTTPConnectionPool, PoolManager, Retry
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError

from aura_browser.webdriver.driver import StartedDriver
from aura_browser.webdriver.process.connection import Connection

# At level DEBUG Selenium logs all requests and responses, cookies included.
logging.getLogger("selenium.webdriver.remote.remote_connection").addFilter(
    lambda record: record.levelno > logging.DEBUG
)


class _SeleniumConnection(ChromiumRemoteConnection):
    """Selenium's connection, which uses a given socket and never opens another."""

    def __init__(self, connection: Connection) -> None:
        self._given = connection
        # The environment's proxies don't apply to a driver on this machine.
        super().__init__(connection.address, "goog", "chrome", ignore_proxy=True)

    def _get_connection_manager(self) -> PoolManager:
        manager: PoolManager = super()._get_connection_manager()  # type: ignore[no-untyped-call]
        manager.pool_classes_by_scheme = {"http": self._build_pool}  # type: ignore[dict-item]
        return manager

    def _build_pool(self, host: str, port: int, **options: Any) -> HTTPConnectionPool:  # noqa: ANN401 - urllib3's
        pool = _OneConnectionPool(host, port, **options | {"maxsize": 1, "block": True, "retries": Retry(0)})
        pool.put_socket(self._given.socket)
        return pool


class _OneConnection(HTTPConnection):
    """A connection that can't be opened again."""

    def connect(self) -> None:
        """Fail."""
        raise NewConnectionError(self, "ChromeDriver closed its only connection")


class _OneConnectionPool(HTTPConnectionPool):
    ConnectionCls = _OneConnection

    def put_socket(self, connected: socket.socket) -> None:
        """Make *connected* the pool's connection."""
        connection = self._get_conn()
        assert isinstance(connection, _OneConnection)  # noqa: S101 - for the type checker
        connection.sock = connected
        self._put_conn(connection)


class RunningSession(StartedDriver):
    """A WebDriver session that already runs, over Selenium's own connection; it implements ``Driver``.

    Selenium's class ``WebDriver`` has much more, and loading it takes a tenth of a harvest's CPU time (Selenium 4.51;
    most of it is BiDi, which a harvest doesn't use). All methods raise what
    :func:`~aura_browser.webdriver.devtools.list_driver_errors` lists.

    Args:
        connection: the only connection to the ChromeDriver.
        session_id: the session's id there.
        capabilities: as ChromeDriver returned them.
    """

    def __init__(self, connection: Connection, session_id: str, capabilities: dict[str, Any]) -> None:
        self.capabilities = capabilities
        self._session = {"sessionId": session_id}
        self._connection = _SeleniumConnection(connection)
        self._errors = ErrorHandler()

    def get(self, url: str) -> None:
        """Open a page."""
        self._execute(Command.GET, url=url)

    def execute_script(self, script: str) -> Any:  # noqa: ANN401 - JSON
        """Run *script* in the page, as the body of a function, and return its result."""
        return self._execute(Command.W3C_EXECUTE_SCRIPT, script=script, args=[])

    def execute_cdp_cmd(self, cmd: str, cmd_args: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Send a command of the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)."""
        return self._execute("executeCdpCommand", cmd=cmd, params=cmd_args)

    def get_log(self, log_type: str) -> Any:  # noqa: ANN401 - JSON
        """Return the log entries since the last call."""
        return self._execute(Command.GET_LOG, type=log_type)

    @property
    def window_handles(self) -> list[str]:
        """The ids of the browser's tabs."""
        handles: list[str] = self._execute(Command.W3C_GET_WINDOW_HANDLES)
        return handles

    @property
    def current_window_handle(self) -> str:
        """The id of the tab that commands go to; it may be closed."""
        handle: str = self._execute(Command.W3C_GET_CURRENT_WINDOW_HANDLE)
        return handle

    @property
    def switch_to(self) -> "RunningSession":
        """This session, as in Selenium's class."""
        return self

    def window(self, handle: str) -> None:
        """Switch to another tab."""
        self._execute(Command.SWITCH_TO_WINDOW, handle=handle)

    def quit(self) -> None:
        """End the session, and its Chrome."""
        self._execute(Command.QUIT)

    def _execute(self, command: str, **parameters: object) -> Any:  # noqa: ANN401 - JSON
        response = self._connection.execute(command, parameters | self._session)  # type: ignore[no-untyped-call]
        self._errors.check_response(response)
        return response["value"]
