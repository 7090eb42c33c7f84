"""How a command runs: its progress on a terminal, its signals, and its errors as one line each."""

import functools
import logging
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from aura_browser.cli.exit_codes import find_exit_code
from aura_browser.cli.log import set_up_log
from aura_browser.errors import AuraError
from aura_browser.text import clean_text, make_inert, redact_url

if TYPE_CHECKING:
    from rich.live import Live

    from aura_browser.engine import OnWait
    from aura_browser.keeping.renewal import Harvest
    from aura_browser.session import Session

T = TypeVar("T")

_SIGNALS: Final = f"{__name__}.signals"
_FRAMES_PER_SECOND: Final = 12.5
_shown: "Final[list[Live]]" = []


def report_errors(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``--debug`` to a command, and turn its exceptions into one line on stderr and an exit code."""

    @click.option("--debug", is_flag=True, help="Show log messages, and the traceback of an error.")
    @functools.wraps(function)
    def command(*args: Any, debug: bool, **kwargs: Any) -> None:  # noqa: ANN401 - click's parameters
        set_up_log(debug=debug)
        received = click.get_current_context().meta[_SIGNALS] = _treat_signals_as_ctrl_c()
        try:
            function(*args, **kwargs)
        except KeyboardInterrupt:
            _ignore_further_interrupts()
            _fail(128 + (received[0] if received else signal.SIGINT), "Interrupted.")
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - a person gets one line, not a traceback
            if debug:
                traceback.print_exc()
            _fail(find_exit_code(error), _format_error(error))

    return command


def has_person() -> bool:
    """Return whether a person runs the command on a terminal, and can see and answer what it says."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _treat_signals_as_ctrl_c() -> list[int]:
    """Have SIGTERM and SIGHUP raise KeyboardInterrupt, so that everything is cleaned up.

    Returns:
        The signals received so far; it is filled later.
    """
    received: list[int] = []

    def interrupt(number: int, _frame: object) -> None:
        received.append(number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells set it for "program &" in a script
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.raise_signal(signal.SIGINT)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, interrupt)
    return received


def run_in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Return what *work* returns, run in an event loop of its own; the first Ctrl-C cancels it, later ones do nothing.

    ``asyncio.run`` raises KeyboardInterrupt at the second one, wherever its loop is then: that may lose the wake-up of
    a task, and the loop waits for it for ever.

    Raises:
        KeyboardInterrupt: after a Ctrl-C, once everything is cleaned up.
    """
    import asyncio

    async def run_until_interrupted() -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker

        def interrupt() -> None:
            if not task.cancelling():
                task.cancel()

        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            with suppress(NotImplementedError):  # event loops of Windows take no signal handler
                asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
        return await work

    try:
        return asyncio.run(run_until_interrupted())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _ignore_further_interrupts() -> None:
    """Let what is left of the clean-up finish in peace, however often a person presses Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.unraisablehook = lambda _unraisable: None  # an interrupted clean-up leaves coroutines that can't be closed,
    for name in ("asyncio", "concurrent.futures"):  # and what these warn of
        logging.getLogger(name).setLevel(logging.CRITICAL)


def is_ending() -> bool:
    """Return whether a signal other than Ctrl-C ends this command, so that it must not go on."""
    return bool(click.get_current_context().meta.get(_SIGNALS))


def _fail(code: int, line: str) -> None:
    click.echo(line, err=True)
    click.get_current_context().exit(code)


def _format_error(error: Exception) -> str:
    if isinstance(error, AuraError):
        return f"Error: {make_inert(str(error))}"
    return (
        f"Error: {type(error).__name__}: {clean_text(str(error))} "
        "(a bug in aura-browser; run again with --debug and report it)"
    )


@contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """Show *text* with a spinner on stderr while the context lasts, if stderr is a terminal.

    Yields:
        A function that changes the text; safe to call from any thread.
    """
    if not sys.stderr.isatty():
        yield lambda _text: None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.spinner import Spinner
    from rich.text import Text

    spinner = Spinner("dots", Text(text), style="green")
    # Not Console.status: it draws first from its own thread, and a message that is logged meanwhile tears the line.
    with Live(spinner, console=Console(stderr=True), refresh_per_second=_FRAMES_PER_SECOND, transient=True) as live:
        _shown.append(live)
        try:
            yield lambda changed: spinner.update(text=Text(changed))
        finally:
            _shown.remove(live)


def hide_progress() -> None:
    """Stop showing what is still under way, so that a person can type; the work itself goes on."""
    for live in _shown:
        live.stop()


def print_amid_progress(line: str, *, err: bool = False) -> None:
    """Print *line* while progress is shown: that is taken away for the moment, so that neither tears the other."""
    for live in _shown:
        live.stop()
    click.echo(line, err=err)
    for live in _shown:
        live.start()


def show_progress(harvest: "Callable[[OnWait], Harvest]", url: str, *, interactive: bool = False) -> "Harvest":
    """Return a harvest that shows its progress: the page, the time left, and the conditions that don't hold yet.

    Args:
        harvest: makes the harvest; called with the callback that shows the progress.
        url: the page that the browser opens.
        interactive: whether the harvest waits for a person.
    """
    shown = redact_url(url)
    doing = f"Chrome waits for you at {shown}" if interactive else f"Chrome is at {shown}"

    async def harvest_with_progress() -> "Session":
        with progress(f"{doing} …") as show:

            def show_wait(left_s: float, missing: tuple[str, ...]) -> None:
                left = f"{int(left_s) // 60}:{int(left_s) % 60:02d}"
                show(f"{doing}: {left} left; still missing: {clean_text(', '.join(missing))}")

            return await harvest(show_wait)()

    return harvest_with_progress
