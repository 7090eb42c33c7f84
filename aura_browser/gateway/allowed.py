"""Further names of the gateway, and origins whose pages may ask it, as a person gives them."""

import re
from typing import Final

from aura_browser.errors import InvalidInput
from aura_browser.hosts import origin_of, parse_url

_WEB: Final = ("http", "https")
# Of extensions and of programs that show web pages: chrome-extension://ID, app://obsidian.md
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@*\\]+")
_HOST_ADVICE: Final = "is not a host's name, such as host.docker.internal or 192.168.0.7:8787"
_ORIGIN_ADVICE: Final = "is not a page's origin, such as https://example.com or chrome-extension://ID: no path, no *"


def parse_host(text: str) -> str:
    """Return the name of a host, with a port or without, in lower case.

    Raises:
        InvalidInput: if *text* is anything else.
    """
    try:
        url = parse_url(f"http://{text}/", {"http"})
    except ValueError:
        raise InvalidInput("allow_host", f"{text!r} {_HOST_ADVICE}") from None
    if url.path != "/" or url.user or re.search(r"[\s/?#@]", text):
        raise InvalidInput("allow_host", f"{text!r} {_HOST_ADVICE}")
    return text.lower()


def parse_origin(text: str) -> str:
    """Return an origin as browsers send it.

    Raises:
        InvalidInput: if *text* is anything else, or ``null``, which any page can send.
    """
    if text.lower() == "null":
        raise InvalidInput("allow_origin", "any page on the web can send the origin null, so it can't be allowed")
    if not _ORIGIN.fullmatch(text):
        raise InvalidInput("allow_origin", f"{text!r} {_ORIGIN_ADVICE}")
    if text.partition(":")[0] not in _WEB:
        return text
    try:
        return str(origin_of(parse_url(text, _WEB)))
    except ValueError:
        raise InvalidInput("allow_origin", f"{text!r} {_ORIGIN_ADVICE}") from None
