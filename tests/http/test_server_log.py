"""The log of servers on this machine: nothing of a request that can't be read is in it."""

import logging

import pytest
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError
from aiohttp.web import RequestPayloadError

from aura_browser.http.server_log import make_server_log


def log_error(name: str, error: Exception) -> None:
    """Log *error* as aiohttp does."""
    make_server_log(name).error("Error handling request", exc_info=error)


@pytest.mark.parametrize("error", [BadHttpMessage("s3cret"), RequestPayloadError("s3cret"), HttpProcessingError()])
def test_what_can_not_be_read_is_a_message_for_debugging(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "of.a.test"):
        log_error("of.a.test", error)
    (record,) = caplog.records
    assert (record.name, record.levelname, record.levelno) == ("of.a.test.connections", "DEBUG", logging.DEBUG)
    assert record.getMessage() == f"A request could not be read: {type(error).__name__}"
    assert (record.exc_info, record.exc_text) == (None, None)
    with caplog.at_level(logging.INFO, "of.a.test"):
        log_error("of.a.test", error)
    assert len(caplog.records) == 1


def test_what_else_goes_wrong_is_logged_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "of.a.test"):
        log_error("of.a.test", KeyError("mine"))
        make_server_log("of.a.test").warning("slow")
    assert [(record.levelname, bool(record.exc_info)) for record in caplog.records] == [
        ("ERROR", True),
        ("WARNING", False),
    ]
