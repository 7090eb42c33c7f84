"""Conditions that a page must meet before its session is read."""

from typing import Literal, get_args

import msgspec

from aura_browser.errors import InvalidInput

ConditionKind = Literal["cookie", "selector", "url", "text", "js", "probe"]


class Condition(msgspec.Struct, frozen=True):
    """A condition that a page must meet before its session is read.

    Attributes:
        kind: ``cookie`` (a cookie of that name exists), ``selector`` (an element matches the CSS selector), ``url``
            (the page's URL matches the glob), ``text`` (the page shows the text), ``js`` (the expression is true) or
            ``probe`` (the site's probe takes the session, asked once the page has come to rest).
        argument: the name, selector, glob, text or expression; empty for ``probe``.
    """

    kind: ConditionKind
    argument: str

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Parse ``KIND:ARGUMENT``, such as ``cookie:sid`` or ``selector:textarea``, or ``probe``.

        Raises:
            InvalidInput: if the kind is unknown or the argument is empty.
        """
        kind, _, argument = text.partition(":")
        known = next((k for k in get_args(ConditionKind) if k == kind), None)
        if text == "probe":
            return cls("probe", "")
        if known in {None, "probe"} or not argument:
            forms = "cookie:NAME, selector:CSS, url:GLOB, text:TEXT, js:EXPRESSION or probe"
            raise InvalidInput("until", f"{text!r} is not one of {forms}")
        assert known is not None  # noqa: S101 - for the type checker
        return cls(known, argument)

    def __str__(self) -> str:
        return f"{self.kind}:{self.argument}" if self.argument else self.kind
