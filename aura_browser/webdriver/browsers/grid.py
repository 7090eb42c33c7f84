"""The engine ``grid``: a Chrome on a Selenium Grid."""

import logging
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import UNAUTHORIZED, HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from uuid import uuid4

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
from selenium.webdriver.chromium.webdriver import ChromiumDriver
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.webdriver import WebDriver as RemoteDriver
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError as URLLibError
from yarl import URL

from aura_browser.engine import Grid
from aura_browser.errors import GridFailed, InvalidInput
from aura_browser.proxy.address import has_credentials
from aura_browser.text import clean_text
from aura_browser.webdriver.browsers import grid_session
from aura_browser.webdriver.browsers.capabilities import IN_A_NEW_PROFILE, wanted
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.process.lifeline import Lifeline
from aura_browser.webdriver.process.watchdog import Watchdog
from aura_browser.webdriver.running_session import DRIVER_ERRORS
from aura_browser.webdriver.visit import Visit

_log = logging.getLogger(__name__)

_FAREWELL_S: Final = 60.0
_CONNECT_S: Final = 5.0
_QUITTING_S: Final = 10.0
_CANT_START: Final = "its nodes can't start one (a window needs a screen; their log says why)"
_NODE_GONE: Final = "/se/grid/node/session)"
_MOST_NODES_GONE: Final = 3


@contextmanager
def open_chrome(engine: Grid, visit: Visit) -> Iterator[ChromiumDriver]:
    """Have a Chrome of the Grid while the context lasts.

    Raises:
        InvalidInput: if the visit's proxy asks for a password, which only a Chrome on this machine can give.
        GridFailed: if there is no Grid, or none of its browsers can be had in time.
    """
    address = URL(engine.url)
    if visit.proxy and has_credentials(visit.proxy):
        raise InvalidInput("proxy", "with a password can't be used on a Grid: its Chrome has no way to give it")
    check_grid(address)
    name = f"aura-browser-{uuid4().hex}"
    connection = _Connection(address, visit.deadline)
    with Lifeline() as lifeline:
        lifeline.hold(_farewell(address, name))
        driver = None
        try:
            with Watchdog(visit.deadline, connection.hang_up):
                driver = _session(connection, _options(visit, name), visit.deadline)
                yield driver
        finally:
            if driver is None or not _has_quit(driver, connection):
                lifeline.let_go()


class _Options(Options):
    """Selenium's options, which are just the capabilities given."""

    def __init__(self, capabilities: dict[str, Any]) -> None:
        super().__init__()
        self._wanted = capabilities

    def to_capabilities(self) -> dict[str, Any]:
        """Return them."""
        return self._wanted


def _options(visit: Visit, name: str) -> Options:
    # A node's Chrome ends with its driver, however that ends.
    chrome = wanted(visit, ["--remote-debugging-pipe", *IN_A_NEW_PROFILE], has_window=visit.interactive)
    return _Options(chrome | {"se:name": name})


def _farewell(address: URL, name: str) -> str:
    """Return code that ends the session called *name*, for when we can't."""
    arguments = (str(address.with_user(None)).rstrip("/"), _authorization(address), name, _FAREWELL_S)
    return f"import runpy; runpy.run_path({grid_session.__file__!r})['end_session']{arguments!r}"


def _authorization(address: URL) -> str | None:
    if address.user is None:
        return None
    credentials = f"{address.user}:{address.password or ''}"
    return f"Basic {b64encode(credentials.encode()).decode()}"


def check_grid(address: URL) -> None:
    """See that a Grid with Chrome is there: what else answers makes Selenium fail in odd ways, or wait for minutes.

    Raises:
        GridFailed: if it is not.
    """
    shown = str(address.with_user(None))
    try:
        browsers = grid_session.browsers(shown.rstrip("/"), _authorization(address))
    except HTTPError as error:
        error.close()
        reason = "it asks for another user and password" if error.code == UNAUTHORIZED else "no Grid answers there"
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        reason = "no Grid answers there; is it running, and is that its address?"
    else:
        if "chrome" in browsers:
            return
        reason = "none of its nodes that are up has Chrome" if browsers else "it has no node that is up"
    raise GridFailed(shown, reason)


def _session(connection: "_Connection", options: Options, deadline: Deadline) -> ChromiumDriver:
    for _ in range(_MOST_NODES_GONE):
        try:
            return _GridDriver(connection, options)
        except WebDriverException as error:
            reason = clean_text((error.msg or type(error).__name__).strip().partition("\n")[0])
            # Up to two minutes a Grid gives sessions to a node that is gone, and doesn't try another by itself; its
            # next choice is another (measured with 4.48).
            if _NODE_GONE not in reason:
                break
        except (URLLibError, OSError) as error:
            late = deadline.left_s <= 0 and not deadline.cancelled
            reason = (
                f"no browser was free within {deadline.seconds:g} s, or {_CANT_START}" if late else type(error).__name__
            )
            break
    raise GridFailed(connection.shown, reason)


def _has_quit(driver: ChromiumDriver, connection: "_Connection") -> bool:
    # It has time of its own, whatever is left of the harvest's: hung up on in the middle of it, a Grid ends Chrome and
    # keeps the session (measured with 4.48).
    try:
        with Watchdog(Deadline(_QUITTING_S), connection.hang_up):
            driver.quit()
    except DRIVER_ERRORS as error:
        _log.debug("The Grid did not end its browser when asked (%s).", type(error).__name__)
        return False
    return True


class _GridDriver(ChromiumDriver):
    """Selenium's driver of Chrome, without a ChromeDriver of its own."""

    def __init__(self, connection: "_Connection", options: Options) -> None:
        RemoteDriver.__init__(self, command_executor=connection, options=options)

    def quit(self) -> None:
        """End the session."""
        RemoteDriver.quit(self)


class _Connection(ChromiumRemoteConnection):
    """Selenium's connection, which can be cut from another thread: a Grid may keep a request waiting for minutes.

    Attributes:
        shown: the Grid's address, without a password.
    """

    def __init__(self, address: URL, deadline: Deadline) -> None:
        self.shown = str(address.with_user(None))
        self._sockets: list[socket.socket] = []
        self._hung_up = threading.Event()
        config = ClientConfig(
            remote_server_addr=self.shown.rstrip("/"),
            timeout=int(deadline.seconds + _FAREWELL_S),  # never reached: the watchdog hangs up before
            username=address.user,
            password=address.password,
        )
        super().__init__("", "goog", "chrome", ignore_proxy=True, client_config=config)

    def hang_up(self) -> None:
        """Fail the request under way, and all that follow."""
        self._hung_up.set()
        for line in self._sockets:
            with suppress(OSError):  # it may be closed already
                line.shutdown(socket.SHUT_RDWR)

    def _get_connection_manager(self) -> PoolManager:
        manager: PoolManager = super()._get_connection_manager()  # type: ignore[no-untyped-call]
        # A node that hangs would be waited for three times more.
        manager.connection_pool_kw["retries"] = Retry(0)
        manager.pool_classes_by_scheme = {
            "http": self._pool(HTTPConnectionPool, HTTPConnection),
            "https": self._pool(HTTPSConnectionPool, HTTPSConnection),
        }
        return manager

    def _pool(self, pool: type[HTTPConnectionPool], kind: type[HTTPConnection]) -> type[HTTPConnectionPool]:
        def connect(line: HTTPConnection) -> None:
            if self._hung_up.is_set():
                raise OSError("hung up")
            line.timeout = _CONNECT_S  # a connection that is being made can't be cut
            kind.connect(line)
            self._sockets.append(line.sock)
            if self._hung_up.is_set():
                line.sock.shutdown(socket.SHUT_RDWR)

        return type(pool.__name__, (pool,), {"ConnectionCls": type(kind.__name__, (kind,), {"connect": connect})})
