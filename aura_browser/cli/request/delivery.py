"""Writes an answer as it arrives: to a file, to a pipe at the reader's pace, or to a terminal as text."""

import codecs
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

import click

from aura_browser.charsets import find_charset
from aura_browser.cli.blocking import call_apart, open_writer
from aura_browser.cli.output import Output
from aura_browser.errors import AuraError
from aura_browser.request import Response
from aura_browser.text import TerminalFilter, clean_text, redact_url

_STDOUT: Final = 1
_TEXT: Final = re.compile(r"text/|application/(?:[\w.+-]*\+)?(?:json|xml|javascript|x-ndjson|x-www-form-urlencoded)|$")
_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(?:(\d{1,18})|\*)", re.IGNORECASE)
_WHOLE: Final = re.compile(r"bytes \*/(\d{1,18})", re.IGNORECASE)
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True)
class Delivery:
    """How an answer is written.

    Attributes:
        output: the file or pipe to write to; None for standard output.
        head: write the status line and headers first.
        offset: the bytes of the file that are there already; None if it is not continued.
        fail: write nothing of an answer with a status from 400 up, and raise its error.
    """

    output: Output | None
    head: bool
    offset: int | None
    fail: bool


async def deliver(response: Response, delivery: Delivery) -> None:
    """Write *response* as *delivery* says.

    Raises:
        click.ClickException: if the answer can't be written, or does not continue the file.
        BrokenPipeError: if the reader of standard output is gone.
        AuraError: for a status from 400 up with ``fail``, and if the answer is cut short.
    """
    if delivery.fail and response.status >= HTTPStatus.BAD_REQUEST:
        response.raise_for_status()
    if delivery.offset and not _continues(response, delivery.offset):
        return
    head = _format_head(response) if delivery.head else b""
    if delivery.output is None and sys.stdout.isatty():
        await _show(response, head)
        return
    async with _counting(response, delivery) as count:
        async with _open_writer(delivery) as write:
            if head:
                await write(head)
            interruption = await _write_chunks(response, write, count)
        if interruption is not None:
            raise interruption
    if delivery.offset is not None:
        _check_end(response)


async def _write_chunks(
    response: Response, write: Callable[[bytes], Awaitable[None]], count: Callable[[int], None]
) -> AuraError | None:
    """Write an answer as it comes; return what cut it short, to be raised when all that came before is written."""
    try:
        async for chunk in response:
            await write(chunk)
            count(len(chunk))
    except AuraError as error:
        return error
    return None


def _continues(response: Response, offset: int) -> bool:
    """Return whether the answer continues a file of *offset* bytes; False if the file is complete.

    Raises:
        click.ClickException: if it does neither.
    """
    place = response.headers.get("Content-Range", "")
    if response.status == HTTPStatus.PARTIAL_CONTENT and (part := _RANGE.fullmatch(place)) and int(part[1]) == offset:
        return True
    if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and (whole := _WHOLE.fullmatch(place)):
        if int(whole[1]) == offset:
            return False
        raise click.ClickException(
            f"the file has {offset} bytes, but there are only {int(whole[1])}; it is another one."
        )
    if response.status >= HTTPStatus.BAD_REQUEST:
        response.raise_for_status()
    raise click.ClickException("the site can't continue a download. The file is unchanged; run it without -C.")


def _check_end(response: Response) -> None:
    """Check that an answer that continued a file went to its end: a site may give less than was asked for.

    Raises:
        click.ClickException: if it did not.
    """
    part = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if part and part[3] and int(part[2]) + 1 < int(part[3]):
        raise click.ClickException(
            f"the site gave a part only: {int(part[2]) + 1} of {int(part[3])} bytes are here. Run it again."
        )


def _format_head(response: Response) -> bytes:
    getall: Callable[[str], list[str]] | None = getattr(response.headers, "getall", None)
    lines = [f"HTTP/1.1 {response.status} {response.reason}".rstrip()]
    for name in dict.fromkeys(response.headers):
        values = getall(name) if getall else [response.headers[name]]
        lines += [f"{name}: {value}" for value in values]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


async def _show(response: Response, head: bytes) -> None:
    """Print the answer on the terminal, if it is text; nothing in it can steer the terminal."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    charset = _choose_codec(response.headers)
    screen, decoder = TerminalFilter(), codecs.getincrementaldecoder(charset)("replace")
    await _print(screen.feed(head.decode("utf-8", "replace")))
    if not _TEXT.match(kind):
        raise click.ClickException(f"the answer is {clean_text(kind)}, not text; write it to a file with -o FILE.")
    try:
        async for chunk in response:
            await _print(screen.feed(decoder.decode(chunk)))
        await _print(screen.feed(decoder.decode(b"", final=True)) + screen.flush())
    except UnicodeError:  # of few encodings, such as UTF-16 without the mark that tells its order
        raise click.ClickException(f"the answer is not text in {charset}; write it to a file with -o FILE.") from None


async def _print(text: str, *, err: bool = False) -> None:
    """Print *text* as it is; a terminal may be stopped, which must not stop the event loop."""
    await call_apart(partial(click.echo, text, nl=False, err=err))


def _choose_codec(headers: Mapping[str, str]) -> str:
    """Return the charset that the answer states, if Python reads text in it; else UTF-8."""
    name = find_charset(headers)
    try:
        is_text = codecs.lookup(name)._is_text_encoding  # noqa: SLF001 - Python's own test for text
    except (LookupError, ValueError):
        return "utf-8"
    return name if is_text else "utf-8"


@asynccontextmanager
async def _open_writer(delivery: Delivery) -> "AsyncIterator[Callable[[bytes], Awaitable[None]]]":
    """Yield an async function that writes; leave when all is written.

    Raises:
        click.FileError: if that fails.
        BrokenPipeError: if the reader of standard output is gone.
    """
    shown = delivery.output.shown if delivery.output else "standard output"
    try:
        handle = await call_apart(partial(_open_handle, delivery))
        writer = open_writer(handle)
        try:
            yield writer.write
            await writer.finish()
        except BaseException:
            writer.stop()
            raise
        if delivery.output:
            await call_apart(partial(os.close, handle))
    except OSError as error:
        if delivery.output is None and isinstance(error, BrokenPipeError):
            raise
        raise click.FileError(shown, f"{error.strerror}. The answer was not written whole.") from None


def _open_handle(delivery: Delivery) -> int:
    if delivery.output is None:
        sys.stdout.flush()
        return _STDOUT
    if delivery.output.path is None:
        assert delivery.output.handle is not None  # noqa: S101 - for the type checker
        return delivery.output.handle
    # What a login opens is private: readable by this user only, if the file is new.
    handle = os.open(delivery.output.path, os.O_WRONLY | os.O_CREAT | _NO_FOLLOW, 0o600)
    os.ftruncate(handle, delivery.offset or 0)
    os.lseek(handle, delivery.offset or 0, os.SEEK_SET)
    return handle


@asynccontextmanager
async def _counting(response: Response, delivery: Delivery) -> "AsyncIterator[Callable[[int], None]]":
    """Yield a function that counts bytes: it shows progress, and after an interruption says their sum."""
    written = delivery.offset or 0
    output = delivery.output
    with _show_progress(response, delivery) as advance:

        def count(length: int) -> None:
            nonlocal written
            written += length
            advance(length)

        try:
            yield count
        except AuraError:
            if output and output.path and written and not delivery.head:
                await _print(f"{output.shown} holds the first {written} bytes. To get the rest, add: -C -\n", err=True)
            raise


@contextmanager
def _show_progress(response: Response, delivery: Delivery) -> Iterator[Callable[[int], object]]:
    """Yield a function that shows on a terminal how much of a file has come."""
    if delivery.output is None or not sys.stderr.isatty():
        yield lambda _length: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        offset = delivery.offset or 0
        task = bar.add_task(
            Path(delivery.output.shown).name, total=_find_total(response.headers, offset), completed=offset
        )
        yield lambda length: bar.advance(task, length)


def _find_total(headers: Mapping[str, str], offset: int) -> int | None:
    length = headers.get("Content-Length", "")
    is_known = length.isdecimal() and not headers.get("Content-Encoding")
    return int(length) + offset if is_known else None


async def note_answer(response: Response, *, follows: bool) -> None:
    """Say on stderr what of an answer a person may miss: a redirect that was not followed, or an error's status."""
    location = response.headers.get("Location", "")
    if response.status in range(300, 400) and location and follows:
        target = redact_url(location)
        await _print(f"It redirects to {target}, which is not the site's own; nothing was sent there.\n", err=True)
    elif response.status >= HTTPStatus.BAD_REQUEST and sys.stderr.isatty():
        reason = clean_text(response.reason)
        line = f"{redact_url(response.url)} answered {response.status} {reason}".rstrip()
        await _print(f"{line}.\n", err=True)
