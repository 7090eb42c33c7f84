"""Normalise the URL of a page as people write it."""

from yarl import URL

from aura_browser.errors import InvalidInput
from aura_browser.hosts import is_trustworthy


def page_url(text: str) -> str:
    """Return *text* as the complete http or https URL of a page; without a scheme, ``http`` for this machine itself.

    Raises:
        InvalidInput: if it is not a valid http or https URL, or contains a user name or password.
    """
    text = _add_scheme(text.strip())
    if any(char.isspace() for char in text):
        raise InvalidInput("url", "has a blank inside; write one address, such as https://openchat.team")
    try:
        url = URL(text)
        is_usable = url.scheme in {"http", "https"} and url.host and url.explicit_port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise InvalidInput("url", "not an http or https address, such as https://openchat.team")
    if url.user or url.password:
        raise InvalidInput("url", "leave the user name and password out; log in with --interactive instead")
    return str(url)


def _add_scheme(text: str) -> str:
    if "://" in text:
        return text
    try:
        is_here = is_trustworthy(URL(f"http://{text}"))
    except ValueError:
        is_here = False
    return f"{'http' if is_here else 'https'}://{text}"
