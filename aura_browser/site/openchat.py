"""The site of the openchat-ui app, which openchat.team runs."""

from typing import Final

from yarl import URL

from aura_browser.request import fetch_headers
from aura_browser.site.addresses import page_url
from aura_browser.site.condition import Condition
from aura_browser.site.site import Probe, Site

DIALECT: Final = "openchat-ui"
CHAT_BOX: Final = 'textarea[placeholder^="Type a message or type \\"/\\" to select a prompt"]'
"""A CSS selector that tells the app from other chats, whose boxes say less."""


def openchat_site(url: str) -> Site:
    """Return the openchat-ui app at *url*.

    It is ready when the chat box exists. ``body:not(.no-js)`` excludes a check page, but matches a login page too, so
    it is not enough alone. The probe requests the list of models.

    Raises:
        InvalidInput: if *url* is not an http or https URL, or contains a password.
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
