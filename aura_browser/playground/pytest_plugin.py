"""The pytest fixture ``aura_playground``: local openchat sites for tests of programs that use aura_browser."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Unpack

    from aura_browser.playground import Playground, PlaygroundOptions


@pytest.fixture
def aura_playground() -> "Iterator[Callable[..., Playground]]":
    """Start sites: ``aura_playground(gate="none", **options)`` returns one that runs until the test ends.

    The options are those of ``Playground``. Each site runs in a thread, so the fixture serves synchronous and
    asynchronous tests alike.
    """
    # Every pytest run loads this plugin; only tests that use a site need the server.
    from aura_browser.playground import serve_in_thread

    with ExitStack() as running:

        def start(gate: str = "none", **options: "Unpack[PlaygroundOptions]") -> "Playground":
            return running.enter_context(serve_in_thread(gate, **options))

        yield start
