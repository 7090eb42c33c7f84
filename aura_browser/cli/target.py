"""What a command's URL names: a site, and an address in it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from yarl import URL

from aura_browser.site import Site, site_at
from aura_browser.site.catalogue import find_named, site_named
from aura_browser.site.commands import DEFAULT_SESSION
from aura_browser.urls import read_url

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions


@dataclass(frozen=True)
class Target:
    """A site, and an address in it.

    Attributes:
        site: the site.
        url: the whole address.
    """

    site: Site
    url: str

    def resolve(self) -> URL:
        """Return the address as a URL."""
        return read_url(self.url)

    async def find_page(self, options: "SessionOptions") -> Site:
        """Return the site with the page that a harvest opens: its own, else that of the stored session."""
        if self.site.name:
            return self.site
        from aura_browser.assembly import choose_proxy, using_store
        from aura_browser.store import SessionKey

        name = options.get("session", DEFAULT_SESSION)
        key = SessionKey(self.site.origin, str(name), choose_proxy(options.get("proxy"), str(name)))
        async with using_store(options.get("store")) as store:
            stored = await store.load(key)
        return self.site if stored is None else site_at(stored.url, dialect=stored.dialect)


def find_target(text: str) -> Target:
    """Return what *text* names: ``NAME`` or ``NAME/path`` of a site in ``sites.toml``, or an address.

    A site that is not there is opened at its host's first page: an address of an API is no page to log in at.

    Raises:
        InvalidInput: if it is no such text, contains a password, or names a site that is not there.
        InvalidConfiguration: if ``sites.toml`` can't work.
    """
    site, url = site_named(text)
    if site.name:
        return Target(find_named(site.name) or site, url)
    return Target(site_at(str(read_url(url).origin())), url)
