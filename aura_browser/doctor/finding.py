"""The result of one check."""

import os
from dataclasses import dataclass
from typing import Literal

from aura_browser.session.state import State

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
        slug: the slug of the session that it is about, or None.
        state: that session's state as last proven (see :mod:`aura_browser.session.state`); None if it can't be read.
    """

    name: str
    verdict: Verdict
    found: str
    command: str | None = None
    stops: bool = False
    slug: str | None = None
    state: State | None = None


def as_root(command: str) -> str:
    """Return *command* so that it works when pasted: with sudo, unless this is root already."""
    return command if getattr(os, "geteuid", lambda: 0)() == 0 else f"sudo {command}"


def build_blocker(name: str, found: str, command: str | None = None) -> Finding:
    """Return the finding of a problem that keeps the main job from running."""
    return Finding(name, "problem", found, command, stops=True)
