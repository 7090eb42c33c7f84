"""One Chrome without a driver for all tests of pages that send requests: each gets a profile of its own in it."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from aura_browser.engine import Chrome
from aura_browser.webdriver import blank
from aura_browser.webdriver.browsers import chrome
from aura_browser.webdriver.cdp.browser_commands import call
from aura_browser.webdriver.cdp.connection import CdpError, Connection
from aura_browser.webdriver.cdp.driver import CdpDriver
from aura_browser.webdriver.cdp.messages import Message, parse_values
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.options import BrowserOptions
from tests.parts import own_browsers
from tests.parts.shared_chrome import SharedChrome
from tests.parts.waiting import until

_LASTS_S = 7200.0
_CLOSED_S = 10.0
_MAX_AHEAD = 500  # Chrome numbers the requests that it holds on for all of its profiles
_OWN_TABS_OFF = {"autoAttach": False, "waitForDebuggerOnStart": False, "flatten": True}
_open_chrome = chrome.open_chrome


class SharedPages:
    """A headless Chrome, of which each borrower sees its own tabs only; it starts with the first."""

    def __init__(self) -> None:
        self._place = tempfile.gettempdir()
        self._exits = ExitStack()
        self._lent: dict[str, _Lent] = {}
        self._starting = threading.Lock()
        self._driver: CdpDriver | None = None

    @contextmanager
    def open_chrome(self, engine: Chrome, options: BrowserOptions) -> Iterator[CdpDriver]:
        """Lend a profile with an empty tab; open another Chrome for who wants it otherwise."""
        if engine != Chrome() or options.proxy or options.interactive or options.basic:
            with _open_chrome(engine, options) as own:
                yield own
            return
        connection = self._connect()
        context = call(connection, "Target.createBrowserContext", {}, options.deadline)["browserContextId"]
        lent = self._lent[context] = _Lent()

        def connect(on_event: Callable[[Message], None]) -> Connection:
            lent.on_event = on_event
            return connection

        try:
            driver = CdpDriver(connect, options.deadline, answers_dialogs=True)
            driver.open_tab(context, is_background=False)
            yield driver
        finally:
            self._take_back(connection, context)

    def _connect(self) -> Connection:
        with self._starting:
            if self._driver is not None and not _answers(self._driver.connection):
                self.close()  # the last test has ended it
            if self._driver is None:
                deadline = Deadline(_LASTS_S)
                with own_browsers.sharing(self._place):
                    self._driver = self._exits.enter_context(_open_chrome(Chrome(), BrowserOptions(deadline)))
                self._driver.listen(self._pass_on)
                call(self._driver.connection, "Target.setAutoAttach", _OWN_TABS_OFF, deadline)
            return self._driver.connection

    def _take_back(self, connection: Connection, context: str) -> None:
        with suppress(CdpError):  # it has ended, or is ended next
            named = {"browserContextId": context}
            call(connection, "Target.disposeBrowserContext", named, Deadline(_CLOSED_S))
        del self._lent[context]

    @property
    def lent(self) -> int:
        """How many of its profiles are in use."""
        return len(self._lent)

    def close(self) -> None:
        """End it, until it is borrowed again."""
        self._driver = None
        self._exits.close()

    def _pass_on(self, event: Message) -> None:
        """Pass an event on to the borrower whose tab it is about."""
        session = event.session
        if event.method in {"Target.attachedToTarget", "Target.detachedFromTarget"}:
            values = parse_values(event.params)
            session = str(values["sessionId"])
            lent = self._lent.get(str(values.get("targetInfo", {}).get("browserContextId")))
            if lent is not None:
                lent.sessions.add(session)
        for each in list(self._lent.values()):
            if session in each.sessions and each.on_event is not None:
                each.on_event(event)


def _answers(connection: Connection) -> bool:
    try:
        call(connection, "Browser.getVersion", {}, Deadline(_CLOSED_S))
    except CdpError:
        return False
    return True


class _Lent:
    """A profile that is lent: whom to tell of its tabs."""

    def __init__(self) -> None:
        self.on_event: Callable[[Message], None] | None = None
        self.sessions: set[str] = set()


@pytest.fixture(scope="session")
def pages_of_this_process() -> Iterator[SharedPages]:
    """Have one that tests share."""
    pages = SharedPages()
    yield pages
    pages.close()


@pytest.fixture
def no_shared_browsers(chrome_of_this_process: SharedChrome, pages_of_this_process: SharedPages) -> None:
    """End those that tests share, for a test that looks at all browsers, threads or children of this process."""
    chrome_of_this_process.close()
    pages_of_this_process.close()
    until(lambda: not any(each.name.startswith("aura-browser") for each in threading.enumerate()), "all of it is gone")


@pytest.fixture
def shared_pages(pages_of_this_process: SharedPages, monkeypatch: pytest.MonkeyPatch) -> SharedPages:
    """Have pages that send requests, in this process and with the usual engine, share one Chrome; return it."""
    monkeypatch.setattr(chrome, "open_chrome", pages_of_this_process.open_chrome)
    monkeypatch.setattr(blank, "_MAX_AHEAD", _MAX_AHEAD)
    return pages_of_this_process
