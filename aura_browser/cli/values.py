"""Values of options: texts that the package's own functions parse, and the parsers that only commands need."""

import math
import re
from collections.abc import Callable
from typing import Any, Final

import click

from aura_browser.cli.exit_codes import BadFile
from aura_browser.errors import InvalidConfiguration, InvalidInput
from aura_browser.text import clean_text

_MAX_DURATION_S: Final = 86_400.0
_MAX_SPAN_S: Final = 365 * 86_400.0
_UNITS_S: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


class ParsedText(click.ParamType[object]):
    """A value that one of the package's own functions parses; an invalid one is a usage error.

    Args:
        parse: takes the text; raises InvalidInput.
    """

    name = "text"

    def __init__(self, parse: Callable[[str], object]) -> None:
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """Parse *value*; an invalid one ends the command with exit code 2, a sites.toml that can't work with 78."""
        try:
            return self._parse(value) if isinstance(value, str) else value
        except InvalidInput as error:
            self.fail(error.problem, param, ctx)
        except InvalidConfiguration as error:
            raise BadFile(str(error)) from None


def parse_probe(text: str) -> str:
    """Return *text*, a path of a site with its query.

    Raises:
        InvalidInput: if it is not one.
    """
    if not text.startswith("/") or text.startswith("//") or not text.isprintable() or " " in text:
        raise InvalidInput("probe", f"{text!r} is not a path of the site, such as /api/me")
    return text


def parse_seconds(text: str) -> float:
    """Parse a number of seconds, more than 0 and at most a day.

    Raises:
        InvalidInput: if it is not one.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= _MAX_DURATION_S:
        raise InvalidInput(
            "seconds", f"{clean_text(text, 40)!r} is not a number of seconds above 0 and up to {_MAX_DURATION_S:.0f}"
        )
    return number


def parse_duration(text: str) -> float:
    """Parse a time such as ``90s``, ``30min``, ``2h`` or ``1d``, and return its seconds; a bare number is seconds.

    Raises:
        InvalidInput: if it is not one, is not above 0, or is over a year.
    """
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?) ?(s|m|min|h|d)?", text.strip())
    seconds = float(match[1]) * _UNITS_S[match[2] or "s"] if match else 0.0
    if not 0 < seconds <= _MAX_SPAN_S:
        raise InvalidInput("time", f"{clean_text(text, 40)!r} is not a time such as 90s, 30min, 2h or 1d")
    return seconds
