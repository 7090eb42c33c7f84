"""Normalise the URL of a page as people write it."""

from yarl import URL

from aura_browser.errors import InvalidInput


def page_url(text: str) -> str:
    """Return *text* as the complete http or https URL of a page.

    Raises:
        InvalidInput: if it is not a valid http or https URL, or contains a user name or password.
    """
    try:
        url = URL(text if "://" in text else f"https://{text}")
        is_usable = url.scheme in {"http", "https"} and url.host and url.explicit_port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise InvalidInput("url", "not an http or https address, such as https://openchat.team")
    if url.user or url.password:
        raise InvalidInput("url", "leave the user name and password out; log in with --interactive instead")
    return str(url)
