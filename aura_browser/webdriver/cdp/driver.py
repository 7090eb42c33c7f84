"""What a harvest uses of a browser, over a connection of our own: the same calls and errors as Selenium's driver."""

import json
from collections.abc import Callable
from typing import Any, Final

from selenium.common.exceptions import (
    InvalidArgumentException,
    JavascriptException,
    NoSuchWindowException,
    TimeoutException,
    UnexpectedAlertPresentException,
    WebDriverException,
)

from aura_browser.webdriver.cdp.browser_commands import ask_capabilities, call, create_tab, wait_for
from aura_browser.webdriver.cdp.connection import CdpError, CommandRefused, CommandTimedOut, Connection, OnEvent
from aura_browser.webdriver.cdp.event_log import EventLog
from aura_browser.webdriver.cdp.messages import Message, parse_values
from aura_browser.webdriver.cdp.tabs import ATTACH, CdpTabs, Tab, read_text, set_up_session
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.driver import StartedDriver
from aura_browser.webdriver.network_log import METHODS

_SCRIPT_TIMEOUT_S: Final = 0.5
_INVALID_PARAMETERS: Final = -32602
_BROWSER_DOMAINS: Final = ("Target.", "Browser.")
_COMPILE: Final = "Runtime.compileScript"
_CRASHED: Final = "tab crashed"
_CLOSED: Final = "no such window: target window already closed"


class CdpDriver(StartedDriver):
    """A browser's tabs, as a ``Driver``; errors are Selenium's, which the code that waits and reads knows.

    Args:
        open_connection: opens the connection, with the function to call with each event.
        deadline: when no answer is waited for any more.
        answers_dialogs: whether dialogs are closed as they open, because no person does.
    """

    def __init__(
        self,
        open_connection: Callable[[Callable[[Message], None]], Connection],
        deadline: Deadline,
        *,
        answers_dialogs: bool,
    ) -> None:
        self._tabs = CdpTabs()
        self._log = EventLog()
        self._deadline = deadline
        self._answers_dialogs = answers_dialogs
        self._current = ""
        self._capabilities: dict[str, Any] = {}
        self._listener: OnEvent | None = None
        self.connection = open_connection(self._take_event)

    def start(self) -> None:
        """Attach to the browser's tabs, and make its first one the current one.

        Raises:
            CdpError: if the browser does not answer, or opens no tab.
        """
        self.connection.start()
        self.connection.when_lost(self._tabs.give_up)
        self._capabilities = ask_capabilities(self.connection, self._deadline)
        call(self.connection, "Target.setAutoAttach", ATTACH, self._deadline)
        first = self._tabs.wait_for_first(self._deadline.left_s)
        if first is None:
            raise CommandTimedOut("the first tab", self._deadline.seconds)
        self._current = first

    def open_tab(self, context: str | None, *, is_background: bool) -> None:
        """Open an empty tab of our own and make it the current one; the connection is started already.

        Args:
            context: the browser's profile, as ``Target.getTargets`` names it; None for the usual one.
            is_background: whether the tab that is shown stays the one that is shown.

        Raises:
            OtherProfile: if it can't be opened in that profile.
            CdpError: if it can't be opened for another reason.
        """
        self._capabilities = ask_capabilities(self.connection, self._deadline)
        self._current = create_tab(self.connection, context, self._deadline, is_background=is_background)
        call(self.connection, "Target.attachToTarget", {"targetId": self._current, "flatten": True}, self._deadline)

    @property
    def capabilities(self) -> dict[str, Any]:
        """The browser's name and version, as WebDriver names them."""
        return self._capabilities

    @property
    def window_handles(self) -> list[str]:
        """The ids of the browser's tabs."""
        return self._tabs.targets

    @property
    def current_window_handle(self) -> str:
        """The id of the tab that commands go to."""
        self._find_current()
        return self._current

    @property
    def session(self) -> str:
        """The flat session of the tab that commands go to."""
        return self._find_current().session

    def listen(self, listener: OnEvent) -> None:
        """Have *listener*, which must be quick, called with each event from now on; the log keeps none any more."""
        self._listener = listener

    @property
    def switch_to(self) -> "CdpDriver":
        """This object, as in Selenium's class."""
        return self

    def window(self, handle: str) -> None:
        """Switch to another tab."""
        if self._tabs.find(handle) is None:
            raise NoSuchWindowException("no such window")
        self._current = handle

    def get(self, url: str) -> None:
        """Have the tab open a page; whether that works shows in the page and in the log."""
        self.connection.send("Page.navigate", {"url": url}, session=self._find_current().session)

    def execute_script(self, script: str) -> Any:  # noqa: ANN401 - JSON
        """Run *script* in the page's own world, as the body of a function, and return its result."""
        evaluated = self._call(
            "Runtime.evaluate",
            {"expression": f"(function() {{ {script}\n}})()", "returnByValue": True, "awaitPromise": True},
            min(_SCRIPT_TIMEOUT_S, self._deadline.left_s),
        )
        if "exceptionDetails" in evaluated:
            raise JavascriptException("javascript error")
        return evaluated.get("result", {}).get("value")

    def execute_cdp_cmd(self, cmd: str, cmd_args: dict[str, Any]) -> dict[str, Any]:
        """Send a command of the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)."""
        if cmd != _COMPILE:
            return self._call(cmd, cmd_args, self._deadline.left_s)
        # It needs this domain, which is on for no longer, because a page can notice it.
        self._call("Runtime.enable", {}, self._deadline.left_s)
        try:
            return self._call(cmd, cmd_args, self._deadline.left_s)
        finally:
            self._call("Runtime.disable", {}, self._deadline.left_s)

    def get_log(self, log_type: str) -> list[dict[str, str]]:
        """Return the entries of the log ``performance`` since the last call."""
        if log_type != "performance":
            raise InvalidArgumentException(f"log type '{log_type}' not found")
        self._find_current()
        return self._log.take()

    def _call(self, method: str, params: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        tab = self._find_current()
        session = "" if method.startswith(_BROWSER_DOMAINS) else tab.session
        try:
            return wait_for(self.connection.send(method, params, session=session), method, timeout_s, self._deadline)
        except CommandTimedOut as error:
            raise TimeoutException(str(error)) from error
        except CommandRefused as error:
            kind = InvalidArgumentException if error.code == _INVALID_PARAMETERS else WebDriverException
            text = json.dumps({"code": error.code, "message": error.reason}, separators=(",", ":"))
            raise kind(f"{method}: {text}") from error
        except CdpError as error:
            raise WebDriverException(f"the connection to Chrome ended: {error}") from error

    def _find_current(self) -> Tab:
        tab = self._tabs.find(self._current)
        if tab is None:
            raise NoSuchWindowException(_CLOSED)
        if tab.has_crashed:
            raise WebDriverException(_CRASHED)
        if tab.dialog is not None:
            raise _build_dialog_error(tab.dialog)
        return tab

    def _take_event(self, event: Message) -> None:
        """Take an event, in the connection's thread."""
        match event.method:
            case "Target.attachedToTarget":
                self._add_tab(parse_values(event.params))
            case "Target.detachedFromTarget":
                self._remove_tab(read_text(parse_values(event.params), "sessionId"))
            case "Inspector.targetCrashed":
                self._note_crash(event.session)
            case "Page.javascriptDialogOpening":
                self._take_dialog(event.session, parse_values(event.params))
            case "Page.javascriptDialogClosed":
                self._set_dialog(event.session, None)
        if self._listener is not None:
            self._listener(event)
        elif event.method.startswith(METHODS):
            tab = self._tabs.find_session(event.session)
            self._log.add(event, tab.target if tab else "")

    def _add_tab(self, values: dict[str, Any]) -> None:
        info, session = values.get("targetInfo"), read_text(values, "sessionId")
        target = read_text(info, "targetId") if isinstance(info, dict) else ""
        if target and session:
            self._tabs.add(target, session)
            set_up_session(self.connection, session)

    def _remove_tab(self, session: str) -> None:
        self._tabs.remove(session)
        self.connection.fail_session(session, NoSuchWindowException(_CLOSED))

    def _note_crash(self, session: str) -> None:
        if tab := self._tabs.find_session(session):
            tab.has_crashed = True
        self.connection.fail_session(session, WebDriverException(_CRASHED))

    def _take_dialog(self, session: str, values: dict[str, Any]) -> None:
        if self._answers_dialogs:
            # As ChromeDriver does: a page may be left, and everything else is answered with Cancel.
            accepts = values.get("type") == "beforeunload"
            self.connection.send("Page.handleJavaScriptDialog", {"accept": accepts}, session=session)
            return
        text = read_text(values, "message")
        self._set_dialog(session, text)
        self.connection.fail_session(session, _build_dialog_error(text))

    def _set_dialog(self, session: str, text: str | None) -> None:
        if tab := self._tabs.find_session(session):
            tab.dialog = text


def _build_dialog_error(text: str) -> UnexpectedAlertPresentException:
    return UnexpectedAlertPresentException("unexpected alert open", alert_text=text)
