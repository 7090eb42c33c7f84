"""What every store does: sessions to bytes and back. A backend only moves the bytes."""

import logging
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from hashlib import sha256

from yarl import URL

from aura_browser.errors import SessionFormatError
from aura_browser.session import Session

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionKey:
    """What a session is kept under.

    Attributes:
        origin: of the site.
        name: tells a person's accounts at one site apart.
        proxy: the proxy's URL or None: sites bind sessions to addresses.
    """

    origin: str
    name: str = "default"
    proxy: str | None = None

    def __repr__(self) -> str:
        return f"SessionKey({self.slug})"

    @property
    def slug(self) -> str:
        """A file name for it, readable and without secrets: the proxy's password takes no part."""
        proxy = str(URL(self.proxy).with_password(None)) if self.proxy else ""
        digest = sha256(f"{self.origin}\n{self.name}\n{proxy}".encode()).hexdigest()[:12]
        readable = re.sub(r"[^a-z0-9.]+", "-", f"{URL(self.origin).host}-{self.name}".lower())
        return f"{readable[:60].strip('-.')}-{digest}"


class Store(ABC):
    """A cache of sessions.

    Its abstract methods move bytes under a slug; each raises ``StoreError`` if the place can't be used.
    """

    async def load(self, key: SessionKey) -> Session | None:
        """Return the session under *key*, or None. One that can't be read is set aside, reported and gone.

        Raises:
            StoreError: if the place can't be used.
        """
        data = await self.read(key.slug)
        if data is None:
            return None
        try:
            return Session.from_json(data)
        except SessionFormatError as error:
            place = await self.set_aside(key.slug)
            _log.warning(
                "The cached session for %s can't be used and was set aside as %s: %s",
                key.origin,
                place,
                error,
            )
            return None

    async def save(self, key: SessionKey, session: Session) -> None:
        """Keep *session* under *key* in place of what is there.

        Raises:
            StoreError: if the place can't be used; what was there is then still there.
        """
        await self.write(key.slug, session.to_json().encode())

    @abstractmethod
    async def read(self, slug: str) -> bytes | None:
        """Return what is under *slug*, or None."""

    @abstractmethod
    async def write(self, slug: str, data: bytes) -> None:
        """Put *data* under *slug*, wholly or not at all."""

    @abstractmethod
    async def set_aside(self, slug: str) -> str:
        """Take what is under *slug* away without destroying it; return where it went, for people."""
