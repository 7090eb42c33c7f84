"""The result of one check."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "note", "problem"]
"""Good; worth knowing, but maybe intended; or to be fixed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. It holds no secrets.

    Attributes:
        name: what was checked, such as ``chrome``.
        verdict: the result.
        found: the details, in one line.
        command: the command that fixes it or installs what is missing; None if there is nothing to fix.
        stops: whether it keeps the main job from running.
    """

    name: str
    verdict: Verdict
    found: str
    command: str | None = None
    stops: bool = False


def build_blocker(name: str, found: str, command: str | None = None) -> Finding:
    """Return the finding of a problem that keeps the main job from running."""
    return Finding(name, "problem", found, command, stops=True)
