"""One Chrome without a driver for a file's tests of pages that send requests: each gets a profile of its own in it."""

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

_LASTS_S = 900.0
_CLOSED_S = 10.0
_MAX_AHEAD = 500  # Chrome numbers the requests that it holds on for all of its profiles
_OWN_TABS_OFF = {"autoAttach": False, "waitForDebuggerOnStart": False, "flatten": True}
_open_chrome = chrome.open_chrome


class SharedPages:
    """A headless Chrome, of which each borrower sees its own tabs only."""

    def __init__(self) -> None:
        self._exits = ExitStack()
        self._lent: dict[str, _Lent] = {}
        self._deadline = Deadline(_LASTS_S)
        others = own_browsers.list_browsers()
        self._driver = self._exits.enter_context(_open_chrome(Chrome(), BrowserOptions(self._deadline)))
        self._processes = {each.pid for each in own_browsers.list_browsers() if each not in others}
        own_browsers.SHARED.update(self._processes)
        self._driver.listen(self._pass_on)
        call(self._driver.connection, "Target.setAutoAttach", _OWN_TABS_OFF, self._deadline)

    @contextmanager
    def open_chrome(self, engine: Chrome, options: BrowserOptions) -> Iterator[CdpDriver]:
        """Lend a profile with an empty tab; open another Chrome for who wants it otherwise."""
        if engine != Chrome() or options.proxy or options.interactive or options.basic:
            with _open_chrome(engine, options) as own:
                yield own
            return
        context = call(self._driver.connection, "Target.createBrowserContext", {}, options.deadline)["browserContextId"]
        lent = self._lent[context] = _Lent()

        def connect(on_event: Callable[[Message], None]) -> Connection:
            lent.on_event = on_event
            return self._driver.connection

        try:
            driver = CdpDriver(connect, options.deadline, answers_dialogs=True)
            driver.open_tab(context, is_background=False)
            yield driver
        finally:
            self._take_back(context)

    def _take_back(self, context: str) -> None:
        with suppress(CdpError):  # it has ended, or is ended next
            named = {"browserContextId": context}
            call(self._driver.connection, "Target.disposeBrowserContext", named, Deadline(_CLOSED_S))
        del self._lent[context]

    @property
    def lent(self) -> int:
        """How many of its profiles are in use."""
        return len(self._lent)

    def close(self) -> None:
        """End it."""
        self._exits.close()
        own_browsers.SHARED.difference_update(self._processes)

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


class _Lent:
    """A profile that is lent: whom to tell of its tabs."""

    def __init__(self) -> None:
        self.on_event: Callable[[Message], None] | None = None
        self.sessions: set[str] = set()


@pytest.fixture(scope="module")
def pages_of_this_file() -> Iterator[SharedPages]:
    """Run one Chrome for the file."""
    pages = SharedPages()
    yield pages
    pages.close()


@pytest.fixture
def shared_pages(pages_of_this_file: SharedPages, monkeypatch: pytest.MonkeyPatch) -> SharedPages:
    """Have pages that send requests, in this process and with the usual engine, share one Chrome; return it."""
    monkeypatch.setattr(chrome, "open_chrome", pages_of_this_file.open_chrome)
    monkeypatch.setattr(blank, "_MAX_AHEAD", _MAX_AHEAD)
    return pages_of_this_file
