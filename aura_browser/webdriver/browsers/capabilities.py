"""WebDriver capabilities and arguments for Chrome: what waiting and reading need, and how Chrome is started."""

from collections.abc import Sequence
from typing import Any, Final

from aura_browser.webdriver.options import BrowserOptions

CHROME: Final = "goog:chromeOptions"
"""The capability for Chrome's own options."""

SCRIPT_TIMEOUT_MS: Final = 500
"""How long a script waits for a page to load, in milliseconds; the caller tries again."""

_FEATURES: Final = "--disable-features="
# Chrome 156 loads two pop-ups of its address bar as pages in every window, headless too: a fifth of a harvest's CPU
# time. Without them it draws the pop-ups itself. The other two load a page of Chrome's own, and start a renderer that
# no page may need: a twentieth. A page sees no difference.
FEATURES_OFF: Final = (
    f"{_FEATURES}WebUIOmniboxPopup,WebUIOmniboxAimPopup,PreloadTopChromeWebUI,SpareRendererForSitePerProcess"
)
"""What every Chrome that is started here goes without. ChromeDriver adds its own list to this one."""

_FLAGS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    # The client uses TCP, so the browser does too.
    "--disable-quic",
    FEATURES_OFF,
)
NEW_PROFILE_FLAGS: Final = (
    # A new profile has only Chrome's built-in extensions; loading them takes a twentieth of a harvest's CPU time.
    "--disable-extensions",
    "--disable-component-extensions-with-background-pages",
    "--disable-default-apps",
)
"""Further flags for a profile that no person uses."""

SAFE_PREFS: Final = {
    "download_restrictions": 3,  # no downloads: https://chromeenterprise.google/policies/download-restrictions/
    "policy.url_blocklist": [f"{scheme}:*" for scheme in ("mailto", "news", "snews", "tel", "sms")],
}
"""Preferences with which a page can write no file and start no other program."""


def build_launch_capabilities(options: BrowserOptions, flags: Sequence[str], *, has_window: bool) -> dict[str, Any]:
    """Return the capabilities of a session that starts a Chrome, here or on a Grid.

    Args:
        options: for the proxy.
        flags: to add to those that every Chrome gets.
        has_window: whether Chrome shows a window.
    """
    arguments = build_arguments(options, flags, has_window=has_window)
    return build_base_capabilities(has_window=has_window) | {CHROME: {"args": arguments, "prefs": SAFE_PREFS}}


def build_arguments(options: BrowserOptions, flags: Sequence[str], *, has_window: bool) -> list[str]:
    """Return the arguments of a Chrome that is started here or on a Grid. Arguments as above."""
    # Requests to loopback go through a proxy too, as in the client.
    proxy = [f"--proxy-server={options.proxy}", "--proxy-bypass-list=<-loopback>"]
    headless = [] if has_window else ["--headless=new"]
    return _merge_features([*_FLAGS, *flags, *(proxy if options.proxy else ["--no-proxy-server"]), *headless])


def _merge_features(arguments: Sequence[str]) -> list[str]:
    """Return *arguments* with one list of features that are off: Chrome takes the last one only."""
    features = [each.removeprefix(_FEATURES) for each in arguments if each.startswith(_FEATURES)]
    others = [each for each in arguments if not each.startswith(_FEATURES)]
    return [*others, *([f"{_FEATURES}{','.join(features)}"] if features else [])]


def build_base_capabilities(*, has_window: bool) -> dict[str, Any]:
    """Return the capabilities that waiting and reading need, also for a Chrome that already runs."""
    return {
        "browserName": "chrome",
        # ready.py waits instead. With another strategy ChromeDriver returns too early if the tab's first page, which
        # Chrome opens by itself, is still loading, and then blocks in the next script until the site answers.
        "pageLoadStrategy": "none",
        "timeouts": {"script": SCRIPT_TIMEOUT_MS},
        # A dialog blocks all scripts until it is closed: by the person in a window, otherwise by the driver.
        "unhandledPromptBehavior": "ignore" if has_window else "dismiss",
        # Only this log has the complete headers of a request.
        "goog:loggingPrefs": {"performance": "ALL"},
    }
