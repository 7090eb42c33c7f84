"""Session stores: in memory, in files that only their owner can read, or in Redis."""

from aura_browser.store.base import Lease, SessionKey, Store
from aura_browser.store.file import FileStore
from aura_browser.store.memory import MemoryStore

__all__ = ["FileStore", "Lease", "MemoryStore", "SessionKey", "Store"]
