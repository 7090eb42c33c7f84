"""Survivors that are no gap in the tests, since the program does the same with them: ``survivors.toml`` says why."""

from pathlib import Path

import msgspec

from tests.mutation.mutants import Mutant


class Explained(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mutant that cannot be killed.

    Args:
        file: the module, relative to the root.
        function: the classes and the function around it, with dots; empty at the module's level.
        before: its line, or lines in one.
        after: the same with the fault.
        reason: why nobody can notice.
    """

    file: str
    function: str
    before: str
    after: str
    reason: str

    def matches(self, mutant: Mutant) -> bool:
        """Return whether this is about a mutant; the number of the line does not count."""
        return all(getattr(self, name) == getattr(mutant, name) for name in ("file", "function", "before", "after"))


class _Page(msgspec.Struct, forbid_unknown_fields=True):
    survivor: list[Explained] = []


def read_explained(path: Path) -> list[Explained]:
    """Return the explained survivors.

    Raises:
        ValueError: if the file has an entry of another form.
    """
    return msgspec.toml.decode(path.read_bytes(), type=_Page).survivor
