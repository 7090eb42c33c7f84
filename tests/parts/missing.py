"""What a test does when a real part is missing on this machine."""

import os
import shutil
from typing import NoReturn

import pytest


def missing(how_to_bring_it: str) -> NoReturn:
    """Skip the test, saying how to bring the part; under CI, where nothing is skipped, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(how_to_bring_it)
    pytest.skip(how_to_bring_it)


def need_program(name: str) -> None:
    """Skip the test where the program *name* is missing."""
    if shutil.which(name) is None:
        missing(f"{name} is missing; bring it with: make test-parts")
