"""Who may use the proxy: checks of a request before anything of it reaches the site.

Any page in a browser on this machine can send requests to it. Such a page is refused by the ``Host`` that it asks for
(DNS rebinding), by ``Sec-Fetch-Site`` and by ``Origin``; and it does not know the token.
"""

import hmac
import secrets
from base64 import b64decode
from collections.abc import Mapping
from typing import Final

import msgspec

from aura_browser.request import list_values

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_FOREIGN: Final = frozenset({"cross-site", "same-site"})
_DEFAULT_PORT: Final = 80
TOKEN_HEADER: Final = "X-Aura-Token"  # noqa: S105 - a header's name


class Refused(Exception):
    """A request that is not passed on.

    Attributes:
        status: the status to answer with.
        text: why, and what to do.
        headers: of the answer.
    """

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers or {}


class Admitted(msgspec.Struct, frozen=True):
    """A request that may pass.

    Attributes:
        location: where the client is sent instead, without the token in its address; empty to pass the request on.
        uses_authorization: whether its ``Authorization`` holds the token, so that it is not the site's.
    """

    location: str = ""
    uses_authorization: bool = False


class Guard:
    """Checks requests. Its secrets are never part of ``repr``.

    Args:
        port: the proxy's own.
        token: what a client has to show; empty for no token.
    """

    def __init__(self, port: int, token: str) -> None:
        self._hosts = frozenset(
            {*(f"{name}:{port}" for name in _LOOPBACK), *(_LOOPBACK if port == _DEFAULT_PORT else ())}
        )
        self._token = token.encode()
        # A browser keeps this in place of the token, and sends it to other ports of this machine too.
        self._ticket = secrets.token_urlsafe(32).encode()
        self._cookie = f"aura-proxy-{port}"

    @property
    def set_cookie(self) -> str:
        """The ``Set-Cookie`` header that a client gets in place of the token in its address."""
        return f"{self._cookie}={self._ticket.decode()}; Path=/; HttpOnly; SameSite=Strict"

    def admit(self, path: str, headers: Mapping[str, str]) -> Admitted:
        """Return how a request may pass.

        Args:
            path: its path and query, as sent.
            headers: case-insensitive names to values.

        Raises:
            Refused: if it may not.
        """
        self.check_place(headers)
        if not self._token:
            return Admitted()
        first, slash, rest = path[1:].partition("/")
        if _matches(first, self._token):
            # One slash: two would lead to another host.
            return Admitted(location="/" + rest.lstrip("/\\") if slash else "/")
        if _matches(_read_password(headers.get("Authorization", "")), self._token):
            return Admitted(uses_authorization=True)
        if _matches(headers.get(TOKEN_HEADER, ""), self._token) or self._has_ticket(headers):
            return Admitted()
        text = f"The token is missing or wrong. Send it as the password of HTTP Basic, or in {TOKEN_HEADER}."
        raise Refused(401, text, {"WWW-Authenticate": 'Basic realm="aura-browser proxy"'})

    def check_place(self, headers: Mapping[str, str]) -> None:
        """Check where a request says that it goes and comes from.

        Raises:
            Refused: with 403.
        """
        host = headers.get("Host", "").lower()
        if host not in self._hosts:
            raise Refused(403, f"This name is not the proxy's own; it is http://{min(self._hosts)}/")
        is_foreign = any(each.lower() in _FOREIGN for each in list_values(headers, "Sec-Fetch-Site"))
        if is_foreign or any(each.lower() != f"http://{host}" for each in list_values(headers, "Origin")):
            raise Refused(403, "Pages of other sites may not use this proxy.")
        if headers.get("Service-Worker", "").lower() == "script":
            # It would stay in the browser, and answer for the next site that is served here.
            raise Refused(403, "A page may not leave a service worker at this address.")

    def _has_ticket(self, headers: Mapping[str, str]) -> bool:
        cookies = (pair.partition("=") for pair in headers.get("Cookie", "").split(";"))
        return any(name.strip() == self._cookie and _matches(value.strip(), self._ticket) for name, _, value in cookies)


def _matches(shown: str, expected: bytes) -> bool:
    return hmac.compare_digest(shown.encode("utf-8", "surrogateescape"), expected)


def _read_password(authorization: str) -> str:
    """Return the password of HTTP Basic (RFC 7617); empty for any other header."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(encoded.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
