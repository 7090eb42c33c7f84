"""The standard streams of a command: closed, full, of another encoding, or with nobody who reads them."""

import io
import os
import sys
from typing import Final

import click

_NUMBERS: Final = {"stdin": 0, "stdout": 1, "stderr": 2}


class OutputFailed(click.ClickException):
    """Standard output can't be written."""


def prepare_streams() -> None:
    """Make sure that all three streams exist, that a failure to write the output is an error, and one of stderr not.

    Streams that something else has replaced, as tests do, stay as they are.
    """
    closed = [name for name in _NUMBERS if getattr(sys, f"__{name}__") is None]
    for name in closed:
        # Otherwise the next file or socket would take the number, and be written to as if it were the stream. An output
        # that was closed stays one that can't be written.
        _occupy(_NUMBERS[name], os.O_WRONLY if name == "stderr" else os.O_RDONLY)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor, for good
    if sys.stdout is sys.__stdout__:
        sys.stdout = _Output(_open_buffer(1), _get_encoding(sys.stdout), "replace", line_buffering=_is_terminal(1))
    if sys.stderr is sys.__stderr__:
        sys.stderr = _Errors(_open_buffer(2), _get_encoding(sys.stderr), "backslashreplace", line_buffering=True)


def flush_output() -> None:
    """Write what is still buffered of the output.

    Raises:
        OutputFailed: if it can't be written.
        BrokenPipeError: if its reader is gone.
    """
    sys.stdout.flush()


def discard_output() -> None:
    """Send what is still to be written to standard output nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, _NUMBERS["stdout"])
    os.close(null)


def find_output() -> int | None:
    """Return the descriptor of standard output, or None if something else has taken the stream's place."""
    return _NUMBERS["stdout"] if isinstance(sys.stdout, _Output) else None


def fail_output(error: OSError) -> OutputFailed:
    """Send what is still to be printed nowhere, and return what to raise for *error*."""
    discard_output()  # Python would try again at its exit
    return OutputFailed(f"standard output can't be written: {error.strerror}. Nothing more was printed.")


def escape_json(text: str) -> str:
    """Return JSON that means the same and holds what standard output can encode."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "".join(char if char.isascii() else _escape(char) for char in text)
    return text


def _escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


class _Output(io.TextIOWrapper):
    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise fail_output(error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise fail_output(error) from error


class _Errors(io.TextIOWrapper):
    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            return len(text)  # nobody reads messages, which is no reason to stop

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            return


def _occupy(number: int, flags: int) -> None:
    null = os.open(os.devnull, flags)
    if null != number:
        os.dup2(null, number)
        os.close(null)


def _open_buffer(number: int) -> io.BufferedWriter:
    return io.BufferedWriter(io.FileIO(number, "w", closefd=False))


def _get_encoding(stream: io.TextIOBase | None) -> str:
    return getattr(stream, "encoding", None) or "utf-8"


def _is_terminal(number: int) -> bool:
    return os.isatty(number)
