"""What a test does when a real part is missing on this machine."""

import os
from typing import NoReturn

import pytest


def missing(how_to_bring_it: str) -> NoReturn:
    """Skip the test, saying how to bring the part; under CI, where nothing is skipped, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(how_to_bring_it)
    pytest.skip(how_to_bring_it)
