"""User and password for HTTP basic authentication, as a person gives them to a command."""

import os
import sys

import click

from aura_browser.errors import InvalidInput
from aura_browser.site.commands import BASIC_VARIABLE


def ask_basic() -> str | None:
    """Return what :func:`read_basic` does; None where it would be wrong usage for want of a terminal."""
    return read_basic() if sys.stdin.isatty() or BASIC_VARIABLE in os.environ else None


def read_basic() -> str:
    """Return ``user:password``: from AURA_BROWSER_BASIC, or asked for on a terminal.

    Raises:
        InvalidInput: if the variable is malformed.
        UsageError: if it is not set and there is no terminal to ask on.
    """
    given = os.environ.get(BASIC_VARIABLE)
    if given is not None:
        if ":" not in given:
            raise InvalidInput(BASIC_VARIABLE, "must be user:password")
        return given
    if not sys.stdin.isatty():
        raise click.UsageError(f"User and password need a terminal to ask on, or {BASIC_VARIABLE}=user:password.")
    user = click.prompt("User", err=True)
    return f"{user}:{click.prompt('Password', hide_input=True, err=True)}"
