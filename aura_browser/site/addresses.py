"""Normalise the URL of a page as people write it."""

import re
from contextlib import suppress
from typing import Final

from aura_browser.errors import InvalidInput, raise_alone
from aura_browser.hosts import host_of, is_address, is_trustworthy, parse_url

_WEB: Final = frozenset({"http", "https"})
_NO_ADDRESS: Final = "not an http or https address, such as https://openchat.team"
_HOST_AND_PORT: Final = re.compile(r"^(\[[^\]]*\]?|[^:]*):?(.*)", re.DOTALL)
_MAX_PORT: Final = 65_535
_SCHEME: Final = re.compile("[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SLASHES: Final = re.compile(r"(https?):[/\\]+", re.IGNORECASE)
_REWRITTEN: Final = "write the host as browsers show it: a name, or an IP address in full, such as 127.0.0.1"
# What a browser reads as an IPv4 address, in whichever form (https://url.spec.whatwg.org/#ends-in-a-number-checker).
_NUMBER: Final = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)


def page_url(text: str) -> str:
    """Return *text* as the complete http or https URL of a page; without a scheme, ``http`` for this machine itself.

    Raises:
        InvalidInput: if it is not a valid http or https URL, contains a user name or password, or names its host in a
            form that a browser would rewrite, such as ``127.1``.
    """
    if not isinstance(text, str):
        raise InvalidInput("url", "must be text")
    address = _add_scheme(text.strip())
    if any(char.isspace() for char in address):
        raise InvalidInput("url", "has a blank inside; write one address, such as https://openchat.team")
    try:
        url = parse_url(address, _WEB)
    except ValueError:
        # Alone, because yarl quotes what it does not take.
        raise_alone(InvalidInput("url", _find_fault(address)))
    if url.user or url.password:
        raise InvalidInput("url", "leave the user name and password out; log in with --interactive or --basic instead")
    if _ends_in_a_number(host_of(url)) and not is_address(host_of(url)):
        raise InvalidInput("url", _REWRITTEN)
    return str(url)


def _find_fault(text: str) -> str:
    """Return what is wrong: a port, a host in a form that a browser rewrites, to another origin, or all of it."""
    authority = re.split(r"[/?#]", text.partition("://")[2])[0]
    host, port = _HOST_AND_PORT.findall(authority.rpartition("@")[2])[0]
    if port.isdecimal() and not 1 <= int(port[:9]) <= _MAX_PORT:
        return f"its port must be from 1 to {_MAX_PORT}"
    return _REWRITTEN if "%" in host or _ends_in_a_number(host) else _NO_ADDRESS


def _ends_in_a_number(host: str) -> bool:
    return _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]) is not None


def _add_scheme(text: str) -> str:
    if slashes := _SLASHES.match(text):
        return f"{slashes[1]}://{text[slashes.end() :]}"
    if _SCHEME.match(text):
        return text
    with suppress(ValueError):  # with https it is no address either
        if is_trustworthy(parse_url(f"http://{text}", _WEB)):
            return f"http://{text}"
    return f"https://{text}"
