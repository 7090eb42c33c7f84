"""Puts a session back into a browser: in a window for a person, or in one without for a check."""

import asyncio
import dataclasses
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final

import msgspec

from aura_browser.engine import OnWait
from aura_browser.errors import WindowClosed
from aura_browser.keeping.renewal import Harvest
from aura_browser.session import Session
from aura_browser.site import Site

if TYPE_CHECKING:
    from aura_browser.webdriver.deadline import Deadline
    from aura_browser.webdriver.driver import Driver
    from aura_browser.webdriver.restore import Restored

OnRestore = Callable[["Restored", str], None]
"""Is called from another thread with what the browser took of a session, and the browser's version."""

_WINDOW_TIMEOUT_S: Final = 86_400.0
_RESTORE_MODULE: Final = "aura_browser.webdriver.restore"


def build_window_harvest(session: Session, site: Site, on_restore: OnRestore, on_wait: OnWait | None = None) -> Harvest:
    """Return a harvest that shows a window with *session* in it, and takes what it holds when the person closes it.

    A window that stays open for a day is closed.

    Args:
        session: what to put into the browser: its cookies and the storage of every origin.
        site: its site.
        on_restore: see :data:`OnRestore`.
        on_wait: is called with the seconds left and what is waited for.

    The harvest raises WindowClosed if the window is closed before the page was there, and else as
    :func:`aura_browser.harvest`.
    """
    # Without conditions: closing the window ends it, and nothing else does.
    shown = dataclasses.replace(site, url=session.url, ready=())

    async def harvest() -> Session:
        read = await _open(session, shown, on_restore, on_wait, is_window=True)
        is_login = session.is_login or read.is_login
        return msgspec.structs.replace(read, is_login=is_login, probe=session.probe)

    return harvest


async def check_in_browser(session: Session, site: Site, on_restore: OnRestore) -> Session:
    """Open the site with *session* in a browser without a window, and return the session as it is there then.

    Args:
        session: as in :func:`build_window_harvest`.
        site: its site, with its conditions.
        on_restore: see :data:`OnRestore`.

    Raises:
        LoginNeeded: if the page asks for a login.
        AuraError: as :func:`aura_browser.harvest`.
    """
    return await _open(session, dataclasses.replace(site, url=session.url), on_restore, None, is_window=False)


async def show_window(harvest: Harvest) -> None:
    """Run a window's *harvest* for its window alone: what it holds at the end is not kept."""
    try:
        await harvest()
    except WindowClosed:
        return


async def _open(
    session: Session, site: Site, on_restore: OnRestore, on_wait: OnWait | None, *, is_window: bool
) -> Session:
    webdriver = await asyncio.to_thread(import_module, "aura_browser.webdriver.harvest")

    def prepare(driver: "Driver", deadline: "Deadline") -> None:
        restored = import_module(_RESTORE_MODULE).restore_session(driver, session, deadline)
        on_restore(restored, driver.capabilities["browserVersion"])

    read: Session = await webdriver.harvest(
        site,
        proxy=session.proxy,
        interactive=is_window,
        timeout_s=_WINDOW_TIMEOUT_S if is_window else None,
        on_wait=on_wait,
        prepare=prepare,
    )
    # A harvest does not read what no request uses.
    return read if read.extra_storage else msgspec.structs.replace(read, extra_storage=session.extra_storage)
