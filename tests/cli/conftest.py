"""What several tests of commands start from: the person's store, and a site that knows its sessions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aura_browser.store import FileStore
from tests.parts.stub_site import StubSite, serving_stub


@pytest.fixture
def store(state_home: Path) -> FileStore:
    """Return the store that the commands use."""
    return FileStore(state_home / "aura-browser" / "sessions")


@pytest.fixture
def stub() -> Iterator[StubSite]:
    """Serve the stub site."""
    with serving_stub() as site:
        yield site
