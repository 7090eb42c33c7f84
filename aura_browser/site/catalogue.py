"""Find a site by its name or at a URL: in ``sites.toml``, among the built-in sites, or any page."""

import dataclasses
import logging
import os
import re
from collections.abc import Callable, Mapping
from typing import Final

from aura_browser.errors import InvalidConfiguration, InvalidInput
from aura_browser.site.addresses import page_url
from aura_browser.site.config_folder import find_sites_file
from aura_browser.site.openchat import CHAT_BOX, DIALECT, OPENCHAT, openchat_site
from aura_browser.site.site import Site, page_site
from aura_browser.text import clean_text
from aura_browser.urls import read_url

_log = logging.getLogger(__name__)

_BUILT_IN: Final[Mapping[str, Callable[[str], Site]]] = {OPENCHAT.origin: openchat_site}
_BY_DIALECT: Final[Mapping[str, Callable[[str], Site]]] = {DIALECT: openchat_site}
_BUILT_IN_NAME: Final = "openchat"
# A name, or a name and a path. What has a dot or a port before the first slash is a host.
_NAMED: Final = re.compile(r"([a-z][a-z0-9-]*)(?:/(.*))?", re.DOTALL)
_MAX_NAMES: Final = 8

DIALECT_MARKS: Final[Mapping[str, str]] = {DIALECT: CHAT_BOX}
"""By dialect, a CSS selector of what only its pages show."""


def site_at(url: str, *, dialect: str = "") -> Site:
    """Return the site at *url*: that of ``sites.toml``, else a built-in one, one that speaks *dialect*, or any page.

    Args:
        url: a page of the site, ``NAME`` or ``NAME/path`` of a site in ``sites.toml``; ``https://`` is added to a bare
            host.
        dialect: the site's chat dialect, if the caller knows it.

    Raises:
        InvalidInput: if *url* is not an http or https URL, contains a password, or names a site that is not there.
        InvalidConfiguration: if ``sites.toml`` can't work.
    """
    return site_named(url, dialect=dialect)[0]


def site_named(text: str, *, dialect: str = "") -> tuple[Site, str]:
    """Return the site that *text* stands for, and the address there.

    Args:
        text: ``NAME``, ``NAME/path``, or a URL; see :func:`site_at`.
        dialect: the site's chat dialect, if the caller knows it.

    Returns:
        The site, and the whole address: for a name that of its page.

    Raises:
        InvalidInput: as :func:`site_at`.
        InvalidConfiguration: if ``sites.toml`` can't work.
    """
    named = _NAMED.fullmatch(text.strip()) if isinstance(text, str) else None
    if named is None or named[1] == "localhost":
        address = page_url(text)
        return _find_at(address, dialect), address
    site = _find_named(named[1])
    if named[2] is None:
        return site, site.url
    address = page_url(f"{site.origin}/{named[2]}")
    return dataclasses.replace(site, url=address), address


def find_named(name: str) -> Site | None:
    """Return the site that is called *name*; None if there is none. Raises InvalidConfiguration as :func:`site_at`."""
    known = read_sites().get(name)
    return known or (OPENCHAT if name == _BUILT_IN_NAME else None)


def list_names() -> list[str]:
    """Return the names of all sites. Raises InvalidConfiguration as :func:`site_at`."""
    return list(dict.fromkeys([*read_sites(), _BUILT_IN_NAME]))


def read_sites() -> Mapping[str, Site]:
    """Return the sites of ``sites.toml``. Raises InvalidConfiguration as :func:`site_at`."""
    try:
        path = find_sites_file()
    except InvalidInput:
        return {}  # a user without a home folder has none, and can do without
    if not os.path.lexists(path):
        return {}
    from aura_browser.site.sites_file import read_sites_file

    return read_sites_file(path)


def _find_named(name: str) -> Site:
    site = find_named(name)
    if site is not None:
        return site
    from difflib import get_close_matches

    names = list_names()
    near = get_close_matches(name, names, n=_MAX_NAMES) or names[:_MAX_NAMES]
    known = f"there are: {', '.join(near)}" if len(names) > 1 else "sites.toml holds no site"
    raise InvalidInput(
        "url", f"no site is called {clean_text(name, 40)!r} ({known}); for a host of that name write https://{name}"
    )


def _find_at(address: str, dialect: str) -> Site:
    """Return the site at a URL. What is wrong in ``sites.toml`` is no concern of a built-in site."""
    origin = str(page_site(address).origin)
    try:
        sites = [site for site in read_sites().values() if site.owns(read_url(address))]
    except InvalidConfiguration as error:
        if origin not in _BUILT_IN:
            raise
        _log.warning("%s The built-in definition of %s is used.", error, origin)
        sites = []
    if sites:
        return _adapt(
            max(sites, key=lambda site: (site.origin == origin, _count_shared(site, address))), address, dialect
        )
    make = _BUILT_IN.get(origin) or _BY_DIALECT.get(dialect)
    return make(address) if make else page_site(address)


def _count_shared(site: Site, address: str) -> int:
    """Return how much of the path of *address* lies below the folder of the site's page."""
    folder = read_url(site.url).path.rpartition("/")[0] + "/"
    return len(folder) if read_url(address).path.startswith(folder) else 0


def _adapt(site: Site, address: str, dialect: str) -> Site:
    """Return *site* with the page at *address*, unless that names the host alone or another origin."""
    url = read_url(address)
    is_page = str(url.origin()) == site.origin and url.path_qs != "/"
    return dataclasses.replace(site, url=address if is_page else site.url, dialect=site.dialect or dialect)
