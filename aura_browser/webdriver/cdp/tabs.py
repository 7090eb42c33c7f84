"""The tabs that a connection is attached to, kept up to date from the browser's events."""

from dataclasses import dataclass
from threading import Condition
from typing import Any, Final

from aura_browser.webdriver.cdp.connection import Connection

ATTACH: Final = {
    "autoAttach": True,
    "flatten": True,
    # A new tab's first request is seen, because it waits until its session is set up.
    "waitForDebuggerOnStart": True,
    "filter": [{"type": "page"}],
}
"""Values of ``Target.setAutoAttach`` with which all tabs are attached to, those that open later too."""


@dataclass(slots=True)
class Tab:
    """A tab.

    Attributes:
        target: its id, as in ``Target.getTargets``.
        session: the flat session with it.
        dialog: the text of the dialog that it shows; None for none.
        has_crashed: whether its process has ended.
    """

    target: str
    session: str
    dialog: str | None = None
    has_crashed: bool = False


class CdpTabs:
    """The tabs, in the order in which they came. Events arrive in one thread, questions in another."""

    def __init__(self) -> None:
        self._tabs: dict[str, Tab] = {}
        self._changed = Condition()
        self._is_lost = False

    @property
    def targets(self) -> list[str]:
        """The tabs' ids."""
        with self._changed:
            return [tab.target for tab in self._tabs.values()]

    def wait_for_first(self, timeout_s: float) -> str | None:
        """Return the id of the first tab; None if there is none in time, or none can come any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._tabs or self._is_lost, timeout_s)
        return next(iter(self.targets), None)

    def give_up(self) -> None:
        """Have nobody wait any more, because the browser has ended."""
        with self._changed:
            self._is_lost = True
            self._changed.notify_all()

    def find(self, target: str) -> Tab | None:
        """Return the tab with this id; None if it is closed."""
        with self._changed:
            return next((tab for tab in self._tabs.values() if tab.target == target), None)

    def find_session(self, session: str) -> Tab | None:
        """Return the tab with this session; None if there is none."""
        with self._changed:
            return self._tabs.get(session)

    def add(self, target: str, session: str) -> None:
        """Add a tab."""
        with self._changed:
            self._tabs[session] = Tab(target, session)
            self._changed.notify_all()

    def remove(self, session: str) -> None:
        """Remove a tab, because it is closed."""
        with self._changed:
            self._tabs.pop(session, None)


def set_up_session(connection: Connection, session: str) -> None:
    """Have a tab tell of its requests, dialogs and crashes, and let it run."""
    connection.send("Page.enable", session=session)
    connection.send("Inspector.enable", session=session)
    # No bodies are read, so Chrome keeps none.
    connection.send("Network.enable", {"maxTotalBufferSize": 0, "maxResourceBufferSize": 0}, session=session)
    connection.send("Runtime.runIfWaitingForDebugger", session=session)


def read_text(values: dict[str, Any], name: str) -> str:
    """Return a text of an event's values; empty if it is missing or no text."""
    value = values.get(name)
    return value if isinstance(value, str) else ""
