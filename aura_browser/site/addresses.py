"""Normalise the URL of a page as people write it."""

from typing import Final

from aura_browser.errors import InvalidInput, raise_alone
from aura_browser.hosts import parse_url

_WEB: Final = frozenset({"http", "https"})


def page_url(text: str) -> str:
    """Return *text* as the complete http or https URL of a page.

    Raises:
        InvalidInput: if it is not a valid http or https URL, or contains a user name or password.
    """
    if not isinstance(text, str):
        raise InvalidInput("url", "must be text")
    try:
        url = parse_url(text if "://" in text else f"https://{text}", _WEB)
    except ValueError:
        # Alone, because yarl quotes what it does not take.
        raise_alone(InvalidInput("url", "not an http or https address, such as https://openchat.team"))
    if url.user or url.password:
        raise InvalidInput("url", "leave the user name and password out; log in with --interactive instead")
    return str(url)
