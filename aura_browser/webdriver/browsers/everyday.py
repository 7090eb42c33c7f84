"""The engine ``everyday``: a tab in the person's own Chrome, which asks the person first."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from aura_browser.engine import AttachChrome
from aura_browser.errors import AttachRefused, BrowserDied, BrowserNotFound
from aura_browser.text import redact_url
from aura_browser.webdriver.contexts import build_other_profile, list_contexts
from aura_browser.webdriver.everyday import find_everyday
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.environment import copy_environment
from aura_browser.webdriver.process.pipes import open_pipes

if TYPE_CHECKING:
    from aura_browser.webdriver.cdp.connection import Connection
    from aura_browser.webdriver.cdp.driver import CdpDriver
    from aura_browser.webdriver.cdp.messages import Message

_log = logging.getLogger(__name__)

_TICK_S: Final = 0.25
_END_TIMEOUT_S: Final = 10.0
CONNECTED: Final = "Holder.connected"
FAILED: Final = "Holder.failed"
_ALLOW: Final = 'your click on "Allow" in the question that Chrome shows'


@contextmanager
def open_chrome(engine: AttachChrome, options: BrowserOptions) -> Iterator["CdpDriver"]:
    """Open a tab in the person's Chrome while the context lasts; Chrome and its other tabs stay as they are.

    Raises:
        BrowserNotFound: if no Chrome of the person's can be connected to, with what is missing.
        AttachRefused: if the person refuses the connection, or does not answer.
        BrowserDied: if Chrome ends before the tab is open, or opens none in the profile that has the site.
    """
    everyday = find_everyday(engine.channel)
    if everyday.url is None:
        raise BrowserNotFound("Your Chrome", (str(everyday.folder),), f"There, {everyday.problem}.")
    with ExitStack() as exits:
        exits.enter_context(_take_turn(options))
        holder = exits.enter_context(_run_holder(everyday.url))
        yield _attach(holder, options)


class _Holder:
    """The process that holds the WebSocket.

    Args:
        process: it.
        reader: the file descriptor that its messages come from.
        writer: the file descriptor that messages to it go to.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", reader: int, writer: int) -> None:
        self.process = process
        self.outcome: Future[dict[str, Any]] = Future()
        self._ends = (reader, writer)
        self._connection: Connection | None = None
        self._on_event: Callable[[Message], None] | None = None

    def connect(self, on_event: "Callable[[Message], None]") -> "Connection":
        """Return the connection through it."""
        from aura_browser.webdriver.cdp.connection import Connection

        self._on_event = on_event
        self._connection = Connection(*self._ends, on_event=self._take_event, on_end=self._end)
        return self._connection

    def _take_event(self, event: "Message") -> None:
        from aura_browser.webdriver.cdp.messages import parse_values

        if event.method in {CONNECTED, FAILED} and not self.outcome.done():
            self.outcome.set_result(parse_values(event.params) | {"method": event.method})
        elif self._on_event is not None:
            self._on_event(event)

    def _end(self) -> None:
        if not self.outcome.done():
            self.outcome.set_result({"method": FAILED, "status": 0, "reason": "the connection ended"})

    def close(self) -> None:
        """Have it close the tab and the WebSocket, and end."""
        if self._connection is None:
            for each in self._ends:
                os.close(each)
        else:
            self._connection.close()
        try:
            self.process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            _log.warning("The connection to your Chrome did not end in time; a tab may be left open there.")
            self.process.kill()
            self.process.wait()
        if self._connection is not None:
            self._connection.join()


@contextmanager
def _run_holder(url: str) -> Iterator[_Holder]:
    with open_pipes() as ((reader, writer), (their_reader, their_writer)):
        process = subprocess.Popen(  # noqa: S603 - our own script
            # -P: nothing is imported from the script's folder.
            [sys.executable, "-P", str(Path(__file__).parents[1] / "cdp" / "holder.py")],
            stdin=their_reader,
            stdout=their_writer,
            stderr=subprocess.DEVNULL,
            env=copy_environment(),
            start_new_session=True,
        )
        os.write(writer, url.encode() + b"\0")  # a few bytes, which any pipe takes at once
    holder = _Holder(process, reader, writer)
    try:
        yield holder
    finally:
        holder.close()


def _attach(holder: _Holder, options: BrowserOptions) -> "CdpDriver":
    from aura_browser.webdriver.cdp.connection import CdpError
    from aura_browser.webdriver.cdp.driver import CdpDriver

    driver = CdpDriver(holder.connect, options.deadline, answers_dialogs=not options.interactive)
    driver.connection.start()
    loading = Thread(target=import_module, args=("aura_browser.webdriver.collect",), daemon=True)
    loading.start()  # what is needed once the person has answered
    _wait_for_person(holder, options)
    loading.join()
    try:
        _open_tab(driver, options)
    except CdpError as error:
        raise BrowserDied(redact_url(options.url), f"your Chrome ended the connection ({error})") from error
    return driver


def _wait_for_person(holder: _Holder, options: BrowserOptions) -> None:
    """Wait until Chrome has accepted the connection.

    Raises:
        AttachRefused: if it has not.
    """
    deadline, has_told = options.deadline, options.on_wait is not None
    while not holder.outcome.done():
        if deadline.left_s <= 0:
            waited = f"nobody answered within {deadline.seconds:g} s"
            raise AttachRefused(f'{waited}. The old question is still there: click "Cancel" in it')
        if options.on_wait is not None:
            options.on_wait(deadline.left_s, (_ALLOW,))
        with suppress(TimeoutError):
            holder.outcome.result(min(_TICK_S, deadline.left_s))
        if not (has_told or holder.outcome.done()):
            _log.warning("Your Chrome asks whether this program may connect. Waiting for %s.", _ALLOW)
            has_told = True
    outcome = holder.outcome.result()
    if outcome["method"] == FAILED:
        is_refused = outcome.get("status") == HTTPStatus.FORBIDDEN
        raise AttachRefused('"Cancel" was clicked there' if is_refused else "Chrome ended the connection")


def _open_tab(driver: "CdpDriver", options: BrowserOptions) -> None:
    """Open it in the person's profile that has a tab at the site; without one, in that which Chrome takes by itself.

    Raises:
        BrowserDied: if Chrome opens no tab in such a profile.
        CdpError: if it opens none at all.
    """
    from aura_browser.webdriver.cdp.browser_commands import OtherProfile, call

    targets = call(driver.connection, "Target.getTargets", {}, options.deadline)
    contexts: list[str | None] = [*list_contexts(targets, options.url)]
    for context in contexts or [None]:
        with suppress(OtherProfile):
            return driver.open_tab(context, is_background=not options.interactive)
    raise build_other_profile(options.url)


@contextmanager
def _take_turn(options: BrowserOptions) -> Iterator[None]:
    """Have one process at a time ask the person: Chrome shows one question after the other.

    Raises:
        AttachRefused: if another harvest asks until the deadline.
    """
    import platformdirs
    from filelock import FileLock, Timeout

    folder = platformdirs.user_state_path("aura-browser", appauthor=False)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(folder / "attach.lock", mode=0o600)
    while True:
        try:
            lock.acquire(blocking=False)
            break
        except Timeout:
            if options.deadline.left_s <= 0:
                raise AttachRefused("another harvest is connected to it; try again when that is done") from None
            options.deadline.wait(_TICK_S)
    try:
        yield
    finally:
        lock.release()
