"""The proxy that browser and client go through: which kinds work for both, and how one is shown. No I/O."""

import re
from importlib.util import find_spec
from typing import Final

from yarl import URL

from aura_browser.errors import InvalidInput

PROXY_AWAY: Final = "the proxy can't be reached"
PROXY_REFUSED: Final = "the proxy refused the user and password in its URL, or asks for some"

_FORM: Final = (
    "must be written http://host:port or socks5://host:port, with user:password@ before the host if it asks for them"
)
_PAC: Final = "is a PAC script, which only a browser can run; name the proxy that it chooses for the site"
_UNFIT: Final = {
    "https": "can't be reached over TLS by browser and client alike; name its http:// port (https:// sites stay "
    "encrypted on their way through it)",
    "socks": "must name its version; write socks5://",
    "socks4": "speaks SOCKS4, which has no passwords and no names; write socks5:// if it speaks SOCKS5 too",
    "socks4a": "speaks SOCKS4a, which has no passwords; write socks5:// if it speaks SOCKS5 too",
    "socks5h": "must be written socks5://; names are resolved by the proxy anyway",
    "quic": "speaks QUIC, which the client does not; name its http:// port",
    "direct": "is none; leave it out to go without one",
    "file": _PAC,
    "data": _PAC,
}
# The characters that mean something to Chrome in a list of proxies are not among them.
_HOST: Final = re.compile(r"[A-Za-z0-9._:-]+")
_LONGEST_IN_SOCKS: Final = 255


def check_proxy(url: str) -> None:
    """Return if browser and client can both go through the proxy *url*.

    It is ``http://host:port`` or ``socks5://host:port``, with ``user:password@`` before the host if it asks for them.
    In these ``%`` begins an encoded octet of UTF-8, and ``/``, ``?``, ``#`` and ``%`` themselves have to be encoded.

    Raises:
        InvalidInput: saying what can't work and what would do; never with the password.
    """
    parsed = _parsed(url)
    if parsed.scheme not in {"http", "socks5"}:
        kind = "file" if parsed.scheme.startswith("pac") else parsed.scheme
        raise InvalidInput("proxy", _UNFIT.get(kind, _FORM))
    if not parsed.explicit_port or not _HOST.fullmatch(parsed.raw_host or ""):
        raise InvalidInput("proxy", _FORM)
    if parsed.path not in {"", "/"} or parsed.query_string or parsed.fragment:
        raise InvalidInput("proxy", f"has more than scheme, user, password, host and port; it {_FORM}")
    if parsed.scheme == "http":
        _check_basic(parsed)
    else:
        _check_socks(parsed)


def has_credentials(url: str) -> bool:
    """Tell whether the proxy *url* holds a user or a password."""
    parsed = URL(url)
    return parsed.raw_user is not None or parsed.raw_password is not None


def has_password(url: str) -> bool:
    """Tell whether the proxy *url* holds a password."""
    return URL(url).raw_password is not None


def credentials(url: str) -> tuple[str, str]:
    """Return the user and the password in the proxy *url*, decoded; empty where there is none."""
    parsed = URL(url)
    return parsed.user or "", parsed.password or ""


def without_password(url: str) -> str:
    """Return *url* fit to be shown: scheme, user, host and port alone; nothing of one that is not written as a URL."""
    try:
        parsed = URL(url)
        user = f"{parsed.raw_user}@" if parsed.raw_user else ""
        port = f":{parsed.explicit_port}" if parsed.explicit_port else ""
    except ValueError:
        return "(not a URL)"
    return f"{parsed.scheme}://{user}{parsed.host_subcomponent}{port}" if parsed.host else "(not a URL)"


def without_credentials(url: str) -> str:
    """Return scheme, host and port of a proxy *url* that :func:`check_proxy` took."""
    parsed = URL(url)
    return f"{parsed.scheme}://{parsed.host_subcomponent}:{parsed.explicit_port}"


def _parsed(url: str) -> URL:
    try:
        return URL(url)
    except ValueError:
        raise InvalidInput("proxy", _FORM) from None


def _check_basic(parsed: URL) -> None:
    if ":" in (parsed.user or ""):
        raise InvalidInput("proxy", "has a user with a colon, which HTTP can't send (RFC 7617)")


def _check_socks(parsed: URL) -> None:
    if find_spec("aiohttp_socks") is None:
        raise InvalidInput("proxy", "SOCKS needs a library; bring it with: pip install 'aura-browser[socks]'")
    if parsed.raw_user is None and parsed.raw_password is None:
        return
    for text in (parsed.user or "", parsed.password or ""):
        if not (text.isascii() and 0 < len(text) <= _LONGEST_IN_SOCKS):
            raise InvalidInput(
                "proxy", f"needs both user and password for SOCKS5, of 1 to {_LONGEST_IN_SOCKS} ASCII characters each"
            )
