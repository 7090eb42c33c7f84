"""Find the site at a URL."""

from collections.abc import Callable, Mapping
from typing import Final

from aura_browser.site.openchat import DIALECT, OPENCHAT, openchat_site
from aura_browser.site.site import Site, page_site

_BUILT_IN: Final[Mapping[str, Callable[[str], Site]]] = {OPENCHAT.origin: openchat_site}
_BY_DIALECT: Final[Mapping[str, Callable[[str], Site]]] = {DIALECT: openchat_site}


def site_at(url: str, *, dialect: str = "") -> Site:
    """Return the site at *url*: a built-in site, else one that speaks *dialect*, else a plain page.

    Args:
        url: a page of the site; ``https://`` is added to a bare host.
        dialect: the site's chat dialect, if the caller knows it.

    Raises:
        InvalidInput: if *url* is not an http or https URL, or contains a password.
    """
    page = page_site(url)
    make = _BUILT_IN.get(page.origin) or _BY_DIALECT.get(dialect)
    return make(page.url) if make else page
