"""Large libraries that a test file names: each worker imports every test file, and few run these tests."""

from importlib import import_module
from typing import Any


class _Lazily:
    """A module that is imported when something of it is first used.

    importlib's own way imports it as soon as pytest asks each name of a test file what it is.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the module has
        if name.startswith(("_", "pytest")):  # what pytest and inspect ask of each name of a file
            raise AttributeError(name)
        return getattr(import_module(self._name), name)


def load_lazily(name: str) -> Any:  # noqa: ANN401 - in place of a module
    """Return what stands for the module *name*, which is imported when something of it is first used.

    A type hint with a name of it has to be in quotes.
    """
    return _Lazily(name)
