"""Options that several commands share."""

from collections.abc import Callable
from typing import Any

import click

from aura_browser.errors import InvalidInput

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
