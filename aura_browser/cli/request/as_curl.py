"""A curl command for a request. What is secret in it goes to a private file that curl reads, never to its arguments."""

import os
import re
import tempfile
import time
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Final

from yarl import URL

from aura_browser.errors import InvalidInput
from aura_browser.formats.curl_config import write_proxy
from aura_browser.session.headers import is_lasting
from aura_browser.store.file import default_folder
from aura_browser.text import hide_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aura_browser.request import Request

_MAX_AGE_S: Final = 86_400.0
# curl keeps the first two from other hosts; the others say nothing of a session.
_KEPT_OR_PLAIN: Final = frozenset({"authorization", "cookie", "accept", "content-type", "origin", "referer"})


def find_folder() -> Path:
    """Return the folder of the private files, beside that of the sessions. Raises as :func:`default_folder`."""
    return default_folder().parent / "curl"


def write_curl_command(proxy: str | None, request: "Request", options: "Sequence[str]", *, compressed: bool) -> str:
    """Write what is secret to a file of mode 0600, and return the command that uses it.

    Args:
        proxy: the URL of the proxy to use, or None.
        request: what is asked, with its whole address and all headers; its body is bytes or None.
        options: further words of the command.
        compressed: whether the answer may be compressed.

    Raises:
        InvalidInput: if a header can't be written in curl's configuration, or the folder can't be used.
    """
    folder, url = find_folder(), request.url
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        host = re.sub(r"[^a-z0-9.]+", "-", str(URL(url).host))[:60]
        body = _write(folder, host, ".body", request.body) if isinstance(request.body, bytes) else None
        is_shown = hide_tokens(url) == url
        lines = list(_list_lines(proxy, request, body))
        lines += ["compressed"] * compressed
        lines += [] if is_shown else [_quote("url", url)]
        config = _write(folder, host, ".curl", "".join(f"{line}\n" for line in lines).encode())
    except OSError as error:
        raise InvalidInput("--as-curl", f"{folder} can't be used: {error.strerror}") from None
    return join(["curl", "-K", str(config), *options, *([url] if is_shown else [])])


def list_carried(request: "Request", given: "Mapping[str, str]") -> list[str]:
    """Return the names of headers that a site made or states, and that curl sends on where it follows a redirect.

    Args:
        request: what is asked, with all headers.
        given: the caller's own.
    """
    left_out = _KEPT_OR_PLAIN | {name.lower() for name in given}
    return [name for name in request.headers if name.lower() not in left_out and not is_lasting(name)]


def find_old_files(now: float | None = None) -> list[Path]:
    """Return the private files that are over a day old (*now* in epoch seconds)."""
    limit = (time.time() if now is None else now) - _MAX_AGE_S
    try:
        found = [path for path in find_folder().iterdir() if path.suffix in {".curl", ".body"}]
    except OSError:
        return []
    return sorted(path for path in found if path.lstat().st_mtime < limit)


def _write(folder: Path, host: str, suffix: str, data: bytes) -> Path:
    # mkstemp creates files with mode 0600, whatever the umask.
    handle, name = tempfile.mkstemp(prefix=f"{host}-", suffix=suffix, dir=folder)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    return Path(name)


def _list_lines(proxy: str | None, request: "Request", body: Path | None) -> "Iterator[str]":
    """Yield the lines of curl's configuration.

    The cookies are a header as the others are: curl keeps that one from other hosts when it follows a redirect.
    """
    yield "globoff"
    if request.method == "HEAD":
        yield "head"
    elif request.method != ("GET" if body is None else "POST"):  # a method that is named is sent after a redirect too
        yield _quote("request", request.method)
    for name, value in request.headers.items():
        yield _quote("header", f"{name}: {value}" if value else f"{name};")
    if body is not None:
        yield _quote("data-binary", f"@{body}")
    if proxy:
        yield _quote("proxy", write_proxy(proxy))


def _quote(option: str, value: str) -> str:
    if any(char in value for char in "\r\n\0"):
        raise InvalidInput("--as-curl", f"{option} has a line end in its value, which curl's configuration can't hold")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{option} = "{escaped}"'
