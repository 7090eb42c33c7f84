"""A session cookie whose value is read and written byte for byte, as the real gates do."""

import math
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True)
class SessionCookie:
    """How one gate names and sets its cookie.

    Attributes:
        name: the cookie's name.
        http_only: whether scripts can't read it.
        life: ``Max-Age`` in seconds; None for a cookie that ends with the browser.
    """

    name: str
    http_only: bool
    life: float | None

    def read(self, request: web.Request) -> str | None:
        """Return the raw value from the request's Cookie header, quotes and all, or None."""
        pairs = (pair.partition("=") for pair in request.headers.get("Cookie", "").split("; "))
        return next((value for name, _, value in pairs if name == self.name), None)

    def format(self, value: str) -> str:
        """Return the cookie with *value*, for a Set-Cookie header or ``document.cookie``."""
        # Max-Age is in whole seconds; only the server knows the fraction.
        age = "" if self.life is None else f"; Max-Age={math.ceil(self.life)}"
        return f"{self.name}={value}; Path=/; SameSite=Lax{age}{'; HttpOnly' if self.http_only else ''}"
