"""The openchat-ui app, which openchat.team runs, as a site."""

from typing import Final

from yarl import URL

from aura_browser.request import fetch_headers
from aura_browser.site.addresses import page_url
from aura_browser.site.condition import Condition
from aura_browser.site.site import Probe, Site

DIALECT: Final = "openchat-ui"


def openchat_site(url: str) -> Site:
    """Return the openchat-ui app at *url*.

    It is ready when the chat box is there. Its page's body has no class, so ``body:not(.no-js)`` alone would hold
    on a login page too; a check page has the class ``no-js``. Its probe asks for the list of models.

    Raises:
        InvalidInput: as :func:`page_site`.
    """
    url = page_url(url)
    ready = (
        Condition("selector", "body:not(.no-js)"),
        Condition("selector", 'textarea[placeholder^="Type a message"]'),
    )
    headers = {"Content-Type": "application/json", **fetch_headers(str(URL(url).origin()))}
    probe = Probe("/api/models", method="POST", headers=headers, body=b'{"key":""}')
    return Site(url, ready=ready, api_paths=("/api/",), probe=probe, dialect=DIALECT)


OPENCHAT: Final = openchat_site("https://openchat.team")
