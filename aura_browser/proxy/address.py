"""Proxy URLs: check that browser and client can both use one, and redact it. No I/O."""

import re
from importlib.util import find_spec
from typing import Final

from yarl import URL

from aura_browser.errors import InvalidInput, raise_alone
from aura_browser.extras import install_command
from aura_browser.hosts import parse_url
from aura_browser.text import clean_text
from aura_browser.urls import read_url

PROXY_UNREACHABLE: Final = "the proxy can't be reached"
PROXY_REFUSED: Final = "the proxy refused the user and password in its URL, or requires them"

_FORM: Final = (
    "must be written http://host:port or socks5://host:port, with user:password@ before the host if it requires them"
)
_PAC: Final = "is a PAC script, which only a browser can run; name the proxy that it selects for the site"
_UNSUPPORTED: Final = {
    "https": "can't be reached over TLS by both browser and client; name its http:// port (https:// sites stay "
    "encrypted through it)",
    "socks": "must name its version; write socks5://",
    "socks4": "uses SOCKS4, which supports neither passwords nor host names; write socks5:// if it speaks SOCKS5 too",
    "socks4a": "uses SOCKS4a, which supports no passwords; write socks5:// if it speaks SOCKS5 too",
    "socks5h": "must be written socks5://; names are resolved by the proxy anyway",
    "quic": "uses QUIC, which the client does not support; name its http:// port",
    "direct": "is not a proxy; leave it out to use no proxy",
    "file": _PAC,
    "data": _PAC,
}
# Excludes the characters with a meaning in Chrome's list of proxies.
_HOST: Final = re.compile(r"[A-Za-z0-9._:-]+")
_MAX_SOCKS_LENGTH: Final = 255


def check_proxy(url: str) -> None:
    """Check that browser and client can both use the proxy *url*.

    It is ``http://host:port`` or ``socks5://host:port``, with ``user:password@`` before the host if it requires them.
    User and password are percent-encoded UTF-8: ``/``, ``?``, ``#`` and ``%`` in them must be encoded.

    Raises:
        InvalidInput: saying what does not work and what would; never with the password.
    """
    parsed = _parse(url)
    if parsed.scheme not in {"http", "socks5"}:
        kind = "file" if parsed.scheme.startswith("pac") else parsed.scheme
        raise InvalidInput("proxy", _UNSUPPORTED.get(kind, _FORM))
    if not (parsed.explicit_port and _HOST.fullmatch(parsed.raw_host or "") and _is_address(url)):
        raise InvalidInput("proxy", _FORM)
    if parsed.path not in {"", "/"} or parsed.query_string or parsed.fragment:
        raise InvalidInput("proxy", f"has more than scheme, user, password, host and port; it {_FORM}")
    if parsed.scheme == "http":
        _check_basic(parsed)
    else:
        _check_socks(parsed)


def has_credentials(url: str) -> bool:
    """Return whether the proxy *url* contains a user or a password."""
    parsed = URL(url)
    return parsed.raw_user is not None or parsed.raw_password is not None


def has_password(url: str) -> bool:
    """Return whether the proxy *url* contains a password."""
    return URL(url).raw_password is not None


def read_credentials(url: str) -> tuple[str, str]:
    """Return the user and the password in the proxy *url*, decoded; empty strings if it has none."""
    parsed = URL(url)
    return parsed.user or "", parsed.password or ""


def without_password(url: str) -> str:
    """Return scheme, user, host and port of *url*, to show; ``(not a URL)`` if it is malformed."""
    try:
        parsed = read_url(url)
        user = f"{parsed.raw_user}@" if parsed.raw_user else ""
        port = f":{parsed.explicit_port}" if parsed.explicit_port else ""
    except ValueError:
        return "(not a URL)"
    shown = f"{parsed.scheme}://{user}{parsed.host_subcomponent}{port}"
    return clean_text(shown) if parsed.raw_host else "(not a URL)"


def without_credentials(url: str) -> str:
    """Return scheme, host and port of a proxy *url* that :func:`check_proxy` accepted."""
    parsed = URL(url)
    return f"{parsed.scheme}://{parsed.host_subcomponent}:{parsed.explicit_port}"


def _parse(url: str) -> URL:
    try:
        return read_url(url)
    except ValueError:
        # Alone, because yarl quotes what it does not take.
        raise_alone(InvalidInput("proxy", _FORM))


def _is_address(url: str) -> bool:
    try:
        parse_url(url, {"http", "socks5"})
    except ValueError:
        return False
    return True


def _check_basic(parsed: URL) -> None:
    if ":" in (parsed.user or ""):
        raise InvalidInput("proxy", "has a user with a colon, which HTTP can't send (RFC 7617); use another user")


def _check_socks(parsed: URL) -> None:
    if find_spec("aiohttp_socks") is None:
        raise InvalidInput("proxy", f"SOCKS needs a library; install it with: {install_command('socks')}")
    if parsed.raw_user is None and parsed.raw_password is None:
        return
    for text in (parsed.user or "", parsed.password or ""):
        if not (text.isascii() and 0 < len(text) <= _MAX_SOCKS_LENGTH):
            raise InvalidInput(
                "proxy", f"needs both user and password for SOCKS5, of 1 to {_MAX_SOCKS_LENGTH} ASCII characters each"
            )
