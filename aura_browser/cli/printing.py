"""Standard output for text that comes in the event loop, which must not wait for a reader."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import click

from aura_browser.cli.blocking import call_apart, open_writer
from aura_browser.cli.streams import fail_output, find_output


@asynccontextmanager
async def open_output() -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """Yield an async function that prints text as it is, and waits while its reader is behind; leave once all is out.

    A stream that something else has put in the place of standard output is written to in a thread.

    Raises:
        OutputFailed: by that function too, if standard output can't be written.
        BrokenPipeError: likewise, if its reader is gone.
    """
    await call_apart(sys.stdout.flush)
    handle, encoding = find_output(), sys.stdout.encoding
    if handle is None:
        yield _echo
        return
    writer = open_writer(handle)

    async def write(text: str) -> None:
        await _say_failure(writer.write(text.encode(encoding, "replace")))

    try:
        yield write
        await _say_failure(writer.finish())
    finally:
        writer.stop()


async def _echo(text: str) -> None:
    await call_apart(partial(click.echo, text, nl=False))


async def _say_failure(writing: Awaitable[None]) -> None:
    try:
        await writing
    except BrokenPipeError:
        raise
    except OSError as error:
        raise fail_output(error) from error
