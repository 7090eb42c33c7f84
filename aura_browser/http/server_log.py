"""The log of servers on this machine: of a request that can't be read, or a connection that was cut, one line."""

import logging
from typing import Final

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError

_UNREADABLE: Final = (HttpProcessingError, RequestPayloadError)


def make_server_log(name: str) -> logging.Logger:
    """Return the log for ``aiohttp.web.Server(logger=…)``, below the log called *name*.

    aiohttp logs what it can't read as an error, with the line in which its parser stopped: that may hold a token, or a
    prompt. It logs a connection that is cut in the middle of an answer as if that were a bug. Here both are messages
    for ``--debug``, without either. What else goes wrong is logged as aiohttp does.
    """
    log = logging.getLogger(f"{name}.connections")
    log.addFilter(_shorten)
    return log


def _shorten(record: logging.LogRecord) -> bool:
    """Return whether to log *record*; of what is no bug it keeps nothing but the kind of error."""
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, (*_UNREADABLE, ConnectionError)):
        return True
    what = "A connection was cut" if isinstance(error, ConnectionError) else "A request could not be read"
    record.exc_info = record.exc_text = None
    record.msg, record.args = f"{what}: %s", (type(error).__name__,)
    record.levelno, record.levelname = logging.DEBUG, logging.getLevelName(logging.DEBUG)
    return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)
