"""Runs a command: its event loop, its progress on a terminal, and one clear line for what goes wrong."""

import functools
import logging
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from aura_browser.errors import AuraError, InvalidInput
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from aura_browser.engine import OnWait
    from aura_browser.keeping.renewal import Harvest
    from aura_browser.session import Session


def reported(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``--debug`` to a command, and turn what it raises into one line on stderr and an exit code."""

    @click.option("--debug", is_flag=True, help="Show log messages, and the traceback of an error.")
    @functools.wraps(function)
    def command(*args: Any, debug: bool, **kwargs: Any) -> None:  # noqa: ANN401 - click's to fill in
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
        if debug:
            # Of this package alone: Selenium logs every cookie that it carries.
            logging.getLogger("aura_browser").setLevel(logging.DEBUG)
        interrupted = _end_as_ctrl_c_does()
        try:
            function(*args, **kwargs)
        except KeyboardInterrupt:
            _fail(128 + (interrupted[0] if interrupted else signal.SIGINT), "Interrupted.")
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - the last stop before a person: a line, not a traceback
            if debug:
                traceback.print_exc()
            _fail(2 if isinstance(error, InvalidInput) else 1, _line(error))

    return command


def _end_as_ctrl_c_does() -> list[int]:
    """Have the signals that end a program end it in order, with nothing left behind; return what came."""
    came: list[int] = []

    def interrupt(number: int, _frame: object) -> None:
        came.append(number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells have it for "program &" in a script
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.raise_signal(signal.SIGINT)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, interrupt)
    return came


def _fail(code: int, line: str) -> None:
    click.echo(line, err=True)
    click.get_current_context().exit(code)


def _line(error: Exception) -> str:
    if isinstance(error, AuraError):
        return f"Error: {error}"
    return f"Error: {type(error).__name__}: {clean_text(str(error))} (a fault of this program; --debug shows where)"


@contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """Show *text* with a spinner on stderr while the context lasts, if stderr is a terminal.

    Yields:
        what changes the text; it may be called from any thread.
    """
    if not sys.stderr.isatty():
        yield lambda _text: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(text)) as status:
        yield lambda changed: status.update(Text(changed))


def shown(harvest: "Callable[[OnWait], Harvest]", url: str, *, interactive: bool = False) -> "Harvest":
    """Return a harvest with its progress shown: a browser at *url*, the time left, and what is still missing.

    Args:
        harvest: is given what it has to tell of its progress, and returns the harvest.
        url: where the browser is.
        interactive: whether a person is waited for.
    """
    doing = f"Chrome waits for you at {url}" if interactive else f"Chrome is at {url}"

    async def harvest_shown() -> "Session":
        with progress(f"{doing} …") as show:

            def tell(left_s: float, missing: tuple[str, ...]) -> None:
                left = f"{int(left_s) // 60}:{int(left_s) % 60:02d}"
                show(f"{doing}: {left} left; still missing: {clean_text(', '.join(missing))}")

            return await harvest(tell)()

    return harvest_shown
