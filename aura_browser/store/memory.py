"""Sessions that live as long as the process."""

from aura_browser.store.base import Store


class MemoryStore(Store):
    """A store in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def read(self, slug: str) -> bytes | None:
        """Return what is under *slug*, or None."""
        return self._kept.get(slug)

    async def write(self, slug: str, data: bytes) -> None:
        """Put *data* under *slug*."""
        self._kept[slug] = data

    async def set_aside(self, slug: str) -> str:
        """Move what is under *slug* to another slug."""
        aside = f"{slug}.corrupt"
        self._kept[aside] = self._kept.pop(slug)
        return aside
