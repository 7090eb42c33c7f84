"""Options that several commands share."""

import math
from collections.abc import Callable
from typing import Any

import click

from aura_browser.errors import InvalidInput

_LONGEST_S = 86_400.0

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

proxy_option: Decorator = click.option(
    "--proxy", metavar="URL", help="An HTTP proxy for browser and client: http://host:port."
)
session_option: Decorator = click.option(
    "--session",
    "session_name",
    default="default",
    show_default=True,
    metavar="NAME",
    help="The name that the session is cached under; one for each account.",
)
store_option: Decorator = click.option(
    "--store",
    metavar="PLACE",
    help="Where sessions are cached: a folder, or redis://host to share them. [default: your state folder]",
)


def seconds(text: str) -> float:
    """Read a number of seconds, more than 0 and at most a day.

    Raises:
        InvalidInput: if it is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= _LONGEST_S:
        raise InvalidInput("seconds", f"{text!r} is no number of seconds from 0 to {_LONGEST_S:.0f}")
    return number


class Checked(click.ParamType[object]):
    """A value that one of the package's own functions reads, so that the wrong one is a usage error.

    Args:
        name: what ``--help`` calls it.
        read: takes the text; raises InvalidInput.
    """

    def __init__(self, name: str, read: Callable[[str], object]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """Read *value*; a wrong one ends the command with exit code 2."""
        try:
            return self._read(value) if isinstance(value, str) else value
        except InvalidInput as error:
            self.fail(error.problem, param, ctx)
