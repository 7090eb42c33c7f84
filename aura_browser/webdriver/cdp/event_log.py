"""Events as ChromeDriver's performance log has them, which the code that reads a page knows."""

import json
from collections import deque
from threading import Lock
from typing import Final

from aura_browser.webdriver.cdp.messages import Message

_MAX_ENTRIES: Final = 20_000


class EventLog:
    """Keeps the latest events. They come in one thread, and are taken in another."""

    def __init__(self) -> None:
        self._entries: deque[str] = deque(maxlen=_MAX_ENTRIES)
        self._lock = Lock()

    def add(self, event: Message, target: str) -> None:
        """Keep an event of the tab with this id; empty for none."""
        params = bytes(event.params).decode("utf-8", "replace")
        method, webview = json.dumps(event.method), json.dumps(target)
        with self._lock:
            self._entries.append(f'{{"message":{{"method":{method},"params":{params}}},"webview":{webview}}}')

    def take(self) -> list[dict[str, str]]:
        """Return the entries since the last call."""
        with self._lock:
            entries = [{"message": text} for text in self._entries]
            self._entries.clear()
        return entries
