"""A request that was copied from developer tools, as it is sent with a session: without what the session brings."""

import sys
from pathlib import Path
from typing import Final

import click

from aura_browser.errors import InvalidInput
from aura_browser.formats.copied_request import CopiedRequest
from aura_browser.session.headers import is_lasting
from aura_browser.text import clean_text, count

# They belong to the connection that the browser had, or aiohttp writes them itself.
_NOT_SENT: Final = frozenset({"host", "connection", "content-length", "accept-encoding", "transfer-encoding", "cookie"})


def read_copied(place: str) -> CopiedRequest:
    """Return the request in the file *place*, without the headers that the session or the connection brings.

    Args:
        place: a file with the copied text, or ``-`` for standard input.

    Raises:
        click.UsageError: if the file can't be read.
        InvalidInput: if it does not hold one request.
    """
    from aura_browser.formats.copied import parse_copied

    try:
        data = sys.stdin.buffer.read() if place == "-" else Path(place).read_bytes()
        requests = parse_copied(data.decode("utf-8-sig"))
    except OSError as error:
        raise click.UsageError(f"--from-curl: {clean_text(place)} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput("--from-curl", "the text is not UTF-8; copy the request again") from None
    if len(requests) != 1:
        raise InvalidInput("--from-curl", f"the text holds {len(requests)} requests; copy one")
    return requests[0]


def keep_headers(request: CopiedRequest) -> dict[str, str]:
    """Return the headers to send: all but those of the session and of the connection."""
    kept: dict[str, str] = {}
    for name, value in request.headers:
        if name.lower() not in _NOT_SENT and not name.startswith(":") and not is_lasting(name):
            kept[name] = f"{kept[name]}, {value}" if name in kept else value
    return kept


def describe_copied(request: CopiedRequest) -> str:
    """Return what of the copied text is not used, to show; empty if all of it is."""
    parts = [f"its {count(request.cookies, 'cookie')}"] if request.cookies else []
    parts += [clean_text(option, 40) for option in request.left_out]
    return f"Not used: {', '.join(parts)}; the session's own cookies are sent." if parts else ""
