"""Who may ask: checks of a request's headers before anything else is looked at.

A page of any site can send requests to this machine. It is refused by the ``Host`` that it asks for (DNS rebinding), by
its ``Origin``, and since every POST has to be JSON, which a page can't send elsewhere without asking first.
"""

import hmac
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from aura_browser.gateway.wires.problem import Problem
from aura_browser.request import list_values

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_FOREIGN: Final = frozenset({"cross-site", "same-site"})
_OPEN_PATHS: Final = frozenset({"/", "/healthz"})
_HOST_END: Final = re.compile(r"[/?#]")
_PREFLIGHT: Final = {"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Max-Age": "600"}
_HEADERS: Final = "authorization, content-type, x-api-key"
_NAME: Final = r"[\w!#$%&'*+.^`|~-]+"  # RFC 9110, section 5.6.2
_HEADER_NAMES: Final = re.compile(rf"{_NAME}(?:[ \t]*,[ \t]*{_NAME})*", re.ASCII)


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the gateway answers.

    Attributes:
        port: its own.
        token: what a client has to show; empty for no token. Never part of ``repr``.
        hosts: further names, each with or without a port, under which it may be asked.
        origins: origins whose pages may ask.
    """

    port: int
    token: str = ""
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"Guard(port={self.port}, hosts={sorted(self.hosts)}, origins={sorted(self.origins)})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("port", self.port), ("hosts", sorted(self.hosts)), ("origins", sorted(self.origins))]

    def check_place(self, headers: Mapping[str, str], target: str = "/") -> None:
        """Check where a request says that it is going and where it comes from.

        Args:
            headers: its headers; of those that come twice, each counts.
            target: what its first line asks for; a proxy's client names a host there (RFC 9112, section 3.2.2).

        Raises:
            Problem: 403.
        """
        hosts = list_values(headers, "Host")
        if "://" in target and not target.startswith("/"):
            hosts.append(_HOST_END.split(target.partition("://")[2])[0])
        if not hosts or not all(map(self._is_own_host, hosts)):
            raise _refuse("host_not_allowed", "This name is not the gateway's own; allow it with: --allow-host NAME")
        origins = list_values(headers, "Origin")
        if len(origins) == 1 and origins[0] in self.origins:
            return
        is_foreign = any(each.lower() in _FOREIGN for each in list_values(headers, "Sec-Fetch-Site"))
        if is_foreign or not all(map(self._is_own_origin, origins)):
            advice = "Pages of other sites may not ask; allow one with: --allow-origin ORIGIN"
            raise _refuse("origin_not_allowed", advice)

    def check_token(self, path: str, headers: Mapping[str, str]) -> None:
        """Check the token, where one is set, of any path but the page's and ``/healthz``.

        Raises:
            Problem: 401.
        """
        if not self.token or path in _OPEN_PATHS:
            return
        scheme, _, bearer = headers.get("Authorization", "").partition(" ")
        shown = [bearer.strip()] if scheme.lower() == "bearer" else []
        shown.append(headers.get("x-api-key", ""))
        expected = self.token.encode()
        matches = [hmac.compare_digest(each.encode("utf-8", "surrogateescape"), expected) for each in shown]
        if not any(matches):  # all are compared, so that the time says nothing
            message = "The token is missing or wrong; send it as the API key (Authorization: Bearer TOKEN)."
            challenge = {"WWW-Authenticate": "Bearer"}
            raise Problem(401, "invalid_api_key", message, retry=False, headers=challenge)

    def cross_origin_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers that let a page of an allowed origin read the response."""
        origin = headers.get("Origin", "")
        if origin not in self.origins:
            return {}
        return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "*", "Vary": "Origin"}

    def preflight_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers that answer a preflight of an allowed origin; empty for any other.

        Any header may be sent: the official libraries send a dozen of their own, and none means more than another here.
        """
        allowed = self.cross_origin_headers(headers)
        wanted = headers.get("Access-Control-Request-Headers", "")
        taken = wanted if _HEADER_NAMES.fullmatch(wanted) else _HEADERS
        return {**allowed, **_PREFLIGHT, "Access-Control-Allow-Headers": taken} if allowed else {}

    def _is_own_host(self, host: str) -> bool:
        name, port = _split_port(host.lower())
        if port not in {"", str(self.port)}:
            return host.lower() in self.hosts
        return name in _LOOPBACK or name in self.hosts or host.lower() in self.hosts

    def _is_own_origin(self, origin: str) -> bool:
        scheme, separator, host = origin.partition("://")
        if scheme != "http" or not separator or "/" in host or not self._is_own_host(host):
            return False
        # A page of another port is another program's; a browser leaves out 80 alone.
        name, port = _split_port(host.lower())
        return name not in _LOOPBACK or (port or "80") == str(self.port)


def check_content(headers: Mapping[str, str]) -> None:
    """Check that a body is plain JSON, which no page can send to another site without asking first.

    Raises:
        Problem: 415.
    """
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        message = "The body must be sent as JSON: Content-Type: application/json"
        raise Problem(415, "unsupported_media_type", message, retry=False)
    if any(each.strip().lower() != "identity" for each in list_values(headers, "Content-Encoding")):
        message = "A compressed body is not taken; send it plain, without Content-Encoding."
        raise Problem(415, "unsupported_media_type", message, retry=False)


def _refuse(code: str, message: str) -> Problem:
    return Problem(403, code, message, retry=False)


def _split_port(host: str) -> tuple[str, str]:
    """Return name and port; the port is empty if there is none."""
    name, colon, port = host.rpartition(":")
    if not colon or "]" in port:
        return host, ""
    return name, port
