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
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError as URLLibError
from yarl import URL

from aura_browser.engine import Grid
from aura_browser.errors import GridFailed, InvalidInput
from aura_browser.proxy.address import has_credentials
from aura_browser.text import clean_text, redact_url
from aura_browser.webdriver.browsers import grid_session
from aura_browser.webdriver.browsers.capabilities import NEW_PROFILE_FLAGS, build_launch_capabilities
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.devtools import list_driver_errors
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.lifeline import Lifeline
from aura_browser.webdriver.process.watchdog import Watchdog

_log = logging.getLogger(__name__)

_CLEANUP_TIMEOUT_S: Final = 60.0
_CONNECT_TIMEOUT_S: Final = 5.0
_QUIT_TIMEOUT_S: Final = 10.0
_START_PROBLEM: Final = "its nodes can't start one (a window needs a screen; see their log)"
_LOST_NODE_MARK: Final = "/se/grid/node/session)"
_MAX_TRIES: Final = 3


@contextmanager
def open_chrome(engine: Grid, options: BrowserOptions) -> Iterator[ChromiumDriver]:
    """Run a Chrome on the Grid while the context lasts.

    Raises:
        InvalidInput: if the proxy needs a password, which only a Chrome on this machine can send.
        GridFailed: if there is no Grid, or it provides no browser in time.
    """
    address = URL(engine.url)
    if options.proxy and has_credentials(options.proxy):
        raise InvalidInput("proxy", "with a password can't be used on a Grid: its Chrome can't send the password")
    check_grid(address)
    name = f"aura-browser-{uuid4().hex}"
    connection = _Connection(address, options.deadline)
    with Lifeline() as lifeline:
        lifeline.add_code(_build_cleanup_code(address, name))
        driver = None
        try:
            with Watchdog(options.deadline, connection.abort):
                driver = _create_session(connection, _build_options(options, name), options.deadline)
                yield driver
        finally:
            if driver is None or not _quit(driver, connection):
                lifeline.run_cleanup()


class _Options(Options):
    """Selenium's options, made from finished capabilities."""

    def __init__(self, capabilities: dict[str, Any]) -> None:
        super().__init__()
        self._finished = capabilities

    def to_capabilities(self) -> dict[str, Any]:
        """Return the capabilities."""
        return self._finished


def _build_options(options: BrowserOptions, name: str) -> Options:
    # With a pipe, a node's Chrome exits when its driver does, even if that is killed.
    flags = ["--remote-debugging-pipe", *NEW_PROFILE_FLAGS]
    chrome = build_launch_capabilities(options, flags, has_window=options.interactive)
    return _Options(chrome | {"se:name": name})


def _build_cleanup_code(address: URL, name: str) -> str:
    """Return Python code for the lifeline that ends the session called *name*."""
    arguments = (str(address.with_user(None)).rstrip("/"), _build_authorization(address), name, _CLEANUP_TIMEOUT_S)
    return f"import runpy; runpy.run_path({grid_session.__file__!r})['end_session']{arguments!r}"


def _build_authorization(address: URL) -> str | None:
    if address.user is None:
        return None
    credentials = f"{address.user}:{address.password or ''}"
    return f"Basic {b64encode(credentials.encode()).decode()}"


def check_grid(address: URL) -> None:
    """Check that a Grid with Chrome is there: with another server Selenium's error is unclear, or takes minutes.

    Raises:
        GridFailed: if there is no Grid, it has no Chrome, or it refuses the user and password.
    """
    shown = str(address.with_user(None))
    try:
        browsers = grid_session.list_browsers(shown.rstrip("/"), _build_authorization(address))
    except HTTPError as error:
        error.close()
        reason = _explain(error)
    except (OSError, HTTPException, ValueError, LookupError, TypeError, RecursionError):
        reason = "no Grid answers there; check that it is running, and its address"
    else:
        if "chrome" in browsers:
            return
        reason = "no running node has Chrome" if browsers else "it has no running node"
    raise GridFailed(shown, reason)


def _explain(error: HTTPError) -> str:
    if error.code == UNAUTHORIZED:
        return "it requires another user and password"
    if 300 <= error.code < 400:  # noqa: PLR2004 - HTTP's redirects
        return f"it redirects to {redact_url(error.headers.get('Location', ''))}; give that address if you trust it"
    return "no Grid answers there"


def _create_session(connection: "_Connection", options: Options, deadline: Deadline) -> ChromiumDriver:
    for _ in range(_MAX_TRIES):
        try:
            return _GridDriver(connection, options)
        except WebDriverException as error:
            reason = clean_text((error.msg or type(error).__name__).strip().partition("\n")[0])
            # For up to two minutes Grid 4.48 still assigns sessions to a lost node, and does not retry by itself. It
            # assigns the next request to another node.
            if _LOST_NODE_MARK not in reason:
                break
        except (URLLibError, OSError) as error:
            is_late = deadline.left_s <= 0 and not deadline.is_cancelled
            no_browser = f"no browser was free within {deadline.seconds:g} s, or {_START_PROBLEM}"
            reason = no_browser if is_late else type(error).__name__
            break
    raise GridFailed(connection.shown, reason)


def _quit(driver: ChromiumDriver, connection: "_Connection") -> bool:
    """Quit Chrome; return whether the Grid ended the session."""
    # Not limited by the harvest's deadline: if the request is aborted, Grid 4.48 ends Chrome but keeps the session.
    try:
        with Watchdog(Deadline(_QUIT_TIMEOUT_S), connection.abort):
            driver.quit()
    except list_driver_errors() as error:
        _log.debug("The Grid did not end its browser (%s).", type(error).__name__)
        return False
    return True


class _GridDriver(ChromiumDriver):
    """Selenium's driver of Chrome, without a local ChromeDriver."""

    def __init__(self, connection: "_Connection", options: Options) -> None:
        RemoteDriver.__init__(self, command_executor=connection, options=options)

    def quit(self) -> None:
        """End the session."""
        RemoteDriver.quit(self)


class _Connection(ChromiumRemoteConnection):
    """Selenium's connection, which another thread can abort: a Grid may keep a request waiting for minutes.

    Attributes:
        shown: the Grid's address, without a password.
    """

    def __init__(self, address: URL, deadline: Deadline) -> None:
        self.shown = str(address.with_user(None))
        self._sockets: list[socket.socket] = []
        self._aborted = threading.Event()
        config = ClientConfig(
            remote_server_addr=self.shown.rstrip("/"),
            timeout=int(deadline.seconds + _CLEANUP_TIMEOUT_S),  # never reached: the watchdog aborts earlier
            username=address.user,
            password=address.password,
        )
        super().__init__("", "goog", "chrome", ignore_proxy=True, client_config=config)

    def abort(self) -> None:
        """Fail the current request, and all later ones."""
        self._aborted.set()
        for open_socket in self._sockets:
            with suppress(OSError):  # it may be closed already
                open_socket.shutdown(socket.SHUT_RDWR)

    def _get_connection_manager(self) -> PoolManager:
        manager: PoolManager = super()._get_connection_manager()  # type: ignore[no-untyped-call]
        # By default urllib3 would retry a hanging node three times.
        manager.connection_pool_kw["retries"] = Retry(0)
        manager.pool_classes_by_scheme = {
            "http": self._build_pool(HTTPConnectionPool, HTTPConnection),
            "https": self._build_pool(HTTPSConnectionPool, HTTPSConnection),
        }
        return manager

    def _build_pool(self, pool: type[HTTPConnectionPool], kind: type[HTTPConnection]) -> type[HTTPConnectionPool]:
        def connect(connection: HTTPConnection) -> None:
            if self._aborted.is_set():
                raise OSError("aborted")
            connection.timeout = _CONNECT_TIMEOUT_S  # abort() can't interrupt connecting
            kind.connect(connection)
            self._sockets.append(connection.sock)
            if self._aborted.is_set():
                connection.sock.shutdown(socket.SHUT_RDWR)

        def urlopen(own: HTTPConnectionPool, *args: Any, **options: Any) -> BaseHTTPResponse:  # noqa: ANN401 - urllib3's
            response: BaseHTTPResponse = pool.urlopen(own, *args, **options)
            # Selenium follows redirects by itself, with the password.
            if response.get_redirect_location():
                raise URLLibError("the Grid redirects to another address")
            return response

        connection_class = type(kind.__name__, (kind,), {"connect": connect})
        return type(pool.__name__, (pool,), {"ConnectionCls": connection_class, "urlopen": urlopen})
