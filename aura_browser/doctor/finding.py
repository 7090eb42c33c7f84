"""What the doctor says of one thing."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "note", "problem"]
"""All is well; something to know, which may be meant so; or something to mend."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing. It holds no secrets.

    Attributes:
        name: of the thing, such as ``chrome``.
        verdict: how it is.
        found: what was found, in one line.
        command: the one command that mends it, or that brings what is missing; None if there is nothing to mend.
        stops: whether the main job can't run because of it.
    """

    name: str
    verdict: Verdict
    found: str
    command: str | None = None
    stops: bool = False


def stopping(name: str, found: str, command: str | None = None) -> Finding:
    """Return the finding of a problem because of which the main job can't run."""
    return Finding(name, "problem", found, command, stops=True)
