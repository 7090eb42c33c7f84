"""Which profile of a Chrome that runs has the site open: a tab in another one would bring another person's session.

To the DevTools protocol a profile is a browser context, and so is what a program such as Playwright keeps apart.
"""

from collections.abc import Callable
from typing import Any, Final

from yarl import URL

from aura_browser.errors import BrowserDied
from aura_browser.hosts import is_same_site
from aura_browser.text import redact_url
from aura_browser.urls import read_url

NO_CONTEXT: Final = "Failed to find browser context"
"""What Chrome says of a profile in which it opens no tab: one that was not used last."""


def list_contexts(targets: dict[str, Any], url: str) -> list[str]:
    """Return the profiles that have a tab at the origin of *url*; if there are none, those with one at its site.

    Args:
        targets: the answer to ``Target.getTargets``.
        url: the site's address.
    """
    for is_near in (_is_same_origin, is_same_site):
        near = [info for info in _list_targets(targets) if _matches(info.get("url"), url, is_near)]
        contexts = (info.get("browserContextId") for info in near)
        if found := dict.fromkeys(context for context in contexts if isinstance(context, str)):
            return list(found)
    return []


def find_context(targets: dict[str, Any], tab: str) -> str | None:
    """Return the profile that a tab is in, by its id; None if Chrome does not say. Arguments as above."""
    contexts = [info.get("browserContextId") for info in _list_targets(targets) if info.get("targetId") == tab]
    return contexts[0] if contexts and isinstance(contexts[0], str) else None


def build_other_profile(url: str) -> BrowserDied:
    """Return the error of a Chrome that opens no tab in the profile that has the site of *url*."""
    return BrowserDied(
        redact_url(url),
        "your Chrome has the site open in another profile than the one that was used last",
        "Click into a window of that profile, and try again.",
    )


def _list_targets(targets: dict[str, Any]) -> list[dict[str, Any]]:
    infos = targets.get("targetInfos")
    return [info for info in infos if isinstance(info, dict)] if isinstance(infos, list) else []


def _matches(address: object, url: str, is_near: Callable[[URL, URL], bool]) -> bool:
    try:
        return isinstance(address, str) and address.startswith("http") and is_near(read_url(address), read_url(url))
    except ValueError:
        return False


def _is_same_origin(one: URL, other: URL) -> bool:
    return one.origin() == other.origin()
