"""The capabilities of a session in Chrome: what waiting and reading need, and how Chrome is started."""

from collections.abc import Sequence
from typing import Any, Final

from aura_browser.webdriver.visit import Visit

CHROME: Final = "goog:chromeOptions"
"""The capability that is Chrome's own."""

_LONGEST_SCRIPT_MS: Final = 500  # where there is no page to run it in yet; then it is tried again

_FLAGS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    # Replays go over TCP, so the browser does too.
    "--disable-quic",
)
IN_A_NEW_PROFILE: Final = (
    # There are none but Chrome's own there, and starting those is a twentieth of a harvest's CPU (measured).
    "--disable-extensions",
    "--disable-component-extensions-with-background-pages",
    "--disable-default-apps",
)
"""What to add where the profile is not one that a person uses."""


def wanted(visit: Visit, flags: Sequence[str], *, has_window: bool) -> dict[str, Any]:
    """Return the capabilities of a session that starts a Chrome, here or elsewhere.

    Args:
        visit: for its proxy.
        flags: to add to those that every Chrome gets.
        has_window: whether it shows one.
    """
    # Loopback too goes through a proxy, as it does in the client.
    proxy = [f"--proxy-server={visit.proxy}", "--proxy-bypass-list=<-loopback>"]
    headless = [] if has_window else ["--headless=new"]
    arguments = [*_FLAGS, *flags, *(proxy if visit.proxy else ["--no-proxy-server"]), *headless]
    return watching(has_window=has_window) | {CHROME: {"args": arguments}}


def watching(*, has_window: bool) -> dict[str, Any]:
    """Return the capabilities that waiting and reading need, of a Chrome that runs already too."""
    return {
        "browserName": "chrome",
        # The waiting is done here: told to wait, ChromeDriver returns early if the tab's first page, which Chrome opens
        # by itself, is still loading, and then blocks in the next script until the site answers (measured).
        "pageLoadStrategy": "none",
        "timeouts": {"script": _LONGEST_SCRIPT_MS},
        # A dialog stops all scripts until it is answered: in a window by the person, otherwise by nobody.
        "unhandledPromptBehavior": "ignore" if has_window else "dismiss",
        # The only place where the complete headers of a request are seen (measured).
        "goog:loggingPrefs": {"performance": "ALL"},
    }
