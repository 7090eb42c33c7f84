"""What was found out about a site, and how sure it is."""

from dataclasses import dataclass
from typing import Literal

Sureness = Literal["tested", "seen", "not found"]
"""Whether it was tried both ways through the real client, seen in the browser only, or not found."""


@dataclass(frozen=True)
class Finding:
    """One row of what is shown. It never holds a value of the session.

    Attributes:
        what: what was looked for, such as ``probe``.
        found: what was found, or what to do if nothing was.
        sureness: how sure it is.
    """

    what: str
    found: str
    sureness: Sureness
