"""A session cookie whose value goes in and out byte for byte, as the real gates take it."""

import math
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True)
class SessionCookie:
    """How one gate names and sets its cookie.

    Attributes:
        name: the cookie's name.
        http_only: whether scripts are kept from it.
        life: seconds for ``Max-Age``; None makes a cookie that ends with the browser.
    """

    name: str
    http_only: bool
    life: float | None

    def read(self, request: web.Request) -> str | None:
        """Return the raw value from the request's Cookie header, quotes and all, or None."""
        pairs = (pair.partition("=") for pair in request.headers.get("Cookie", "").split("; "))
        return next((value for name, _, value in pairs if name == self.name), None)

    def text(self, value: str) -> str:
        """Return what sets the cookie to *value*: for a Set-Cookie header or for ``document.cookie``."""
        # Max-Age takes whole seconds; the server alone knows the fraction.
        age = "" if self.life is None else f"; Max-Age={math.ceil(self.life)}"
        return f"{self.name}={value}; Path=/; SameSite=Lax{age}{'; HttpOnly' if self.http_only else ''}"
