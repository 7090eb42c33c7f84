"""Runs a command: its event loop, its progress on a terminal, and one clear line for what goes wrong."""

import functools
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from aura_browser.errors import AuraError, InvalidInput, clean_text

if TYPE_CHECKING:
    from aura_browser.manager import Harvest
    from aura_browser.session import Session


def reported(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``--debug`` to a command, and turn what it raises into one line on stderr and an exit code."""

    @click.option("--debug", is_flag=True, help="Show log messages, and the traceback of an error.")
    @functools.wraps(function)
    def command(*args: Any, debug: bool, **kwargs: Any) -> None:  # noqa: ANN401 - click's to fill in
        logging.basicConfig(
            level=logging.DEBUG if debug else logging.WARNING,
            format="%(levelname)s: %(message)s",
            stream=sys.stderr,
        )
        try:
            function(*args, **kwargs)
        except KeyboardInterrupt:
            _fail(130, "Interrupted.")
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - the last stop before a person: a line, not a traceback
            if debug:
                traceback.print_exc()
            _fail(2 if isinstance(error, InvalidInput) else 1, _line(error))

    return command


def _fail(code: int, line: str) -> None:
    click.echo(line, err=True)
    click.get_current_context().exit(code)


def _line(error: Exception) -> str:
    if isinstance(error, AuraError):
        return f"Error: {error}"
    return f"Error: {type(error).__name__}: {clean_text(str(error))} (a fault of this program; --debug shows where)"


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Show *text* with a spinner on stderr while the context lasts, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


def shown(harvest: "Harvest", url: str) -> "Harvest":
    """Return *harvest* with its progress shown: a browser at *url*."""

    async def harvest_shown() -> "Session":
        with progress(f"Chrome is at {url} …"):
            return await harvest()

    return harvest_shown
