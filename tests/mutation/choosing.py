"""A pytest plugin: of the tests that are collected, those that a file names run, in its order.

pytest refuses to start if it is given the name of a test that is no more, as one whose name holds a line of a page.
"""

import os
from pathlib import Path
from typing import Final

import pytest

CHOSEN: Final = "MUTANTS_CHOSEN"
"""The environment variable with the file that names them, one a line."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the others."""
    order = {name: place for place, name in enumerate(Path(os.environ[CHOSEN]).read_text("utf-8").splitlines())}
    items[:] = sorted((item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid])
