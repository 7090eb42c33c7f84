"""Which site is at an address: the one place that answers it."""

from collections.abc import Callable, Mapping
from typing import Final

from aura_browser.site.openchat import DIALECT, OPENCHAT, openchat_site
from aura_browser.site.site import Site, page_site

_BUILT_IN: Final[Mapping[str, Callable[[str], Site]]] = {OPENCHAT.origin: openchat_site}
_SPEAKING: Final[Mapping[str, Callable[[str], Site]]] = {DIALECT: openchat_site}


def site_at(url: str, *, dialect: str = "") -> Site:
    """Return the site at *url*: a built-in one, else one that speaks *dialect*, else any page.

    Args:
        url: a page of it; ``https://`` is put before a bare host.
        dialect: the chat dialect that is spoken there, where the caller knows it.

    Raises:
        InvalidInput: if *url* is not an address that a browser can open, or holds a password.
    """
    page = page_site(url)
    make = _BUILT_IN.get(page.origin) or _SPEAKING.get(dialect)
    return make(page.url) if make else page
