"""What has to hold at a site before its session is read."""

from dataclasses import dataclass
from typing import Literal, get_args

from aura_browser.errors import InvalidInput

ConditionKind = Literal["cookie", "selector", "url", "text", "js"]


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that has to hold before a session is read.

    Attributes:
        kind: ``cookie`` (its name), ``selector`` (CSS, an element is there), ``url`` (glob on the page's address),
            ``text`` (the page shows it) or ``js`` (an expression that is true in the page).
        argument: what the kind asks for.
    """

    kind: ConditionKind
    argument: str

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read ``KIND:ARGUMENT``, such as ``cookie:sid`` or ``selector:textarea``.

        Raises:
            InvalidInput: if the kind is unknown or the argument is empty.
        """
        kind, _, argument = text.partition(":")
        known = next((k for k in get_args(ConditionKind) if k == kind), None)
        if known is None or not argument:
            forms = "cookie:NAME, selector:CSS, url:GLOB, text:TEXT or js:EXPRESSION"
            raise InvalidInput("until", f"{text!r} is not one of {forms}")
        return cls(known, argument)

    def __str__(self) -> str:
        return f"{self.kind}:{self.argument}"
