"""A playground that does not close idle connections.

Its five seconds are those of the real app. Where a thousand questions are asked at once on a busy machine, a connection
may have to wait longer for its turn, in the same event loop as the server.
"""

from typing import Final

import pytest

from aura_browser.playground import server

_LONG_S: Final = 300.0


@pytest.fixture
def lasting_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each playground of the test keep idle connections open."""
    monkeypatch.setattr(server, "_KEEP_ALIVE_TIMEOUT_S", _LONG_S)
