"""A driver's answers are foreign values: a Grid, a page and a caller's driver have a part in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from selenium.common.exceptions import WebDriverException

_MISFITS: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


class AnswerNotUnderstood(WebDriverException):
    """An answer of the driver is not of the form that its protocol says."""


@contextmanager
def reading_answers() -> Iterator[None]:
    """Read a driver's answers in the context, or in the function that this decorates.

    Raises:
        AnswerNotUnderstood: for what comes of an answer of another form. It holds nothing of the answer.
    """
    misfit = ""
    try:
        yield
    except _MISFITS as error:
        misfit = type(error).__name__
    if misfit:  # not as a consequence of that error, which quotes the answer
        raise AnswerNotUnderstood(f"an answer of its driver is not understood ({misfit})")
