"""Commands to a browser itself, whose answers are waited for in a thread."""

import re
import time
from concurrent.futures import Future
from typing import Any, Final

from aura_browser.webdriver.cdp.connection import CdpError, CommandRefused, CommandTimedOut, Connection
from aura_browser.webdriver.cdp.tabs import read_text
from aura_browser.webdriver.contexts import NO_CONTEXT
from aura_browser.webdriver.deadline import Deadline

_LOOK_EVERY_S: Final = 0.25


class OtherProfile(CdpError):
    """The browser opens a tab only in the profile that was used last, and that is another one."""


def call(connection: Connection, method: str, params: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
    """Send a command to the browser itself and return its result; it is waited for until the deadline.

    Raises:
        CdpError: if the browser refuses the command, or does not answer in time.
    """
    return wait_for(connection.send(method, params), method, deadline.left_s, deadline)


def create_tab(connection: Connection, context: str | None, deadline: Deadline, *, is_background: bool) -> str:
    """Return the id of a new empty tab. Arguments as for ``CdpDriver.open_tab``.

    Raises:
        OtherProfile: if it can't be opened in that profile.
        CdpError: if it can't be opened for another reason.
    """
    wanted = {"url": "about:blank", "background": is_background} | ({"browserContextId": context} if context else {})
    try:
        return read_text(call(connection, "Target.createTarget", wanted, deadline), "targetId")
    except CommandRefused as error:
        if NO_CONTEXT in error.reason:
            raise OtherProfile from error
        raise


def wait_for(answer: Future[dict[str, Any]], method: str, timeout_s: float, deadline: Deadline) -> dict[str, Any]:
    """Return the answer to a command, which is waited for until the deadline at most, also if that is brought forward.

    Args:
        answer: what the answer will be in.
        method: the command, for the error.
        timeout_s: how long to wait, in seconds.
        deadline: when to stop in any case.

    Raises:
        CdpError: if the browser refuses the command, or does not answer in time.
    """
    end = time.monotonic() + timeout_s
    while True:
        left_s = min(end - time.monotonic(), deadline.left_s)
        try:
            return answer.result(max(0.0, min(left_s, _LOOK_EVERY_S)))
        except TimeoutError:
            if answer.done():  # it came just after this wait
                return answer.result()
            if left_s <= 0:
                raise CommandTimedOut(method, timeout_s) from None


def ask_capabilities(connection: Connection, deadline: Deadline) -> dict[str, Any]:
    """Return the browser's name and version as WebDriver names them. Raises as :func:`call`."""
    version = call(connection, "Browser.getVersion", {}, deadline)
    product = re.search(r"/([\d.]+)", read_text(version, "product"))
    return {"browserName": "chrome", "browserVersion": product[1] if product else ""}
