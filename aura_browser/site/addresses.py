"""Reads the address of a page as people write it."""

from yarl import URL

from aura_browser.errors import InvalidInput


def page_url(text: str) -> str:
    """Return *text* as the whole http or https address of a page.

    Raises:
        InvalidInput: if it is none, or holds a user name or password.
    """
    try:
        url = URL(text if "://" in text else f"https://{text}")
        usable = url.scheme in {"http", "https"} and url.host and url.explicit_port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InvalidInput("url", "not an http or https address, such as https://openchat.team")
    if url.user or url.password:
        raise InvalidInput("url", "leave the user name and password out; log in with --interactive instead")
    return str(url)
