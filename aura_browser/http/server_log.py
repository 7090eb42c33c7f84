"""The log of servers on this machine: of a request that can't be read it says so, and never the request's bytes."""

import logging
from typing import Final

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError

_UNREADABLE: Final = (HttpProcessingError, RequestPayloadError)


def make_server_log(name: str) -> logging.Logger:
    """Return the log for ``aiohttp.web.Server(logger=…)``, below the log called *name*.

    aiohttp logs what it can't read as an error, with the line in which its parser stopped: that may hold a token, or a
    prompt. Here it is a message for ``--debug``, without it. What else goes wrong is logged as aiohttp does.
    """
    log = logging.getLogger(f"{name}.connections")
    log.addFilter(_hide_bytes)
    return log


def _hide_bytes(record: logging.LogRecord) -> bool:
    """Return whether to log *record*; of a request that can't be read it keeps nothing but the kind of error."""
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, _UNREADABLE):
        return True
    record.exc_info = record.exc_text = None
    record.msg, record.args = "A request could not be read: %s", (type(error).__name__,)
    record.levelno, record.levelname = logging.DEBUG, logging.getLevelName(logging.DEBUG)
    return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)
