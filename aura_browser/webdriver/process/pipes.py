"""Two pipes between this process and a program that it starts."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def open_pipes() -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield our ends and a child's ends of two pipes, each to read from and to write to.

    The child's are closed at the end of the context; ours are closed only if it fails.
    """
    with ExitStack() as on_failure, ExitStack() as theirs:
        their_reader, writer = os.pipe()
        theirs.callback(os.close, their_reader)
        on_failure.callback(os.close, writer)
        reader, their_writer = os.pipe()
        theirs.callback(os.close, their_writer)
        on_failure.callback(os.close, reader)
        yield (reader, writer), (their_reader, their_writer)
        on_failure.pop_all()
