"""The body of a request, as options describe it: text, JSON, a file, standard input, or a form of several parts."""

import json
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

import click

from aura_browser.cli.blocking import call_apart
from aura_browser.text import clean_text

_MAX_KEPT_BYTES: Final = 16 * 2**20  # a longer one is not kept in memory, and can be sent only once
_MAX_WHOLE_BYTES: Final = 2**20  # as aiohttp advises
_CHUNK_BYTES: Final = 2**20
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
# A type may have parameters: ``;type=text/html;charset=utf-8``.
_VALUE: Final = r'"(?:[^"\\]|\\.)*"|[^;]*(?:;(?!type=|filename=)\s*[\w-]+=[^;]*)*'
_OPTION: Final = re.compile(rf";(type|filename)=({_VALUE})", re.DOTALL)
_OPTIONS: Final = re.compile(rf"(?:;(?:type|filename)=(?:{_VALUE}))*\Z", re.DOTALL)
_FORM: Final = "application/x-www-form-urlencoded"

Source = bytes | BinaryIO
"""A piece of a body: bytes, or a file that is read when it is sent."""


@dataclass(frozen=True)
class Upload:
    """A body to send. Its content is never part of ``repr``.

    Attributes:
        sources: its pieces in order.
        content_type: its type; empty if nothing is known of it.
        size: its length in bytes; None if that shows only at its end.
    """

    sources: tuple[Source, ...]
    content_type: str
    size: int | None

    def __repr__(self) -> str:
        return f"Upload({self.content_type!r}, size={self.size})"

    @property
    def is_in_memory(self) -> bool:
        """Whether all of it is in memory."""
        return all(isinstance(source, bytes) for source in self.sources)

    @property
    def is_kept(self) -> bool:
        """Whether it is short and in memory, so that it is sent in one piece, and can be sent again."""
        return self.is_in_memory and self.size is not None and self.size <= _MAX_WHOLE_BYTES

    def join(self) -> bytes:
        """Return a body that is in memory."""
        return b"".join(source for source in self.sources if isinstance(source, bytes))

    def close(self) -> None:
        """Close its files, but for standard input."""
        for source in self.sources:
            if not isinstance(source, bytes) and source is not sys.stdin.buffer:
                source.close()

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield it in chunks. Files are read in a thread."""
        for source in self.sources:
            if isinstance(source, bytes):
                for at in range(0, len(source), _CHUNK_BYTES):
                    yield source[at : at + _CHUNK_BYTES]
                continue
            while chunk := await call_apart(partial(source.read, _CHUNK_BYTES)):
                yield chunk


def build_upload(
    data: Sequence[str], json_text: str | None, data_file: str | None, form: Sequence[str]
) -> Upload | None:
    """Return the body that the options describe; None for no body.

    Args:
        data: values of ``-d``, joined by ``&``.
        json_text: the value of ``--json``.
        data_file: the value of ``--data-file``; ``-`` is standard input.
        form: values of ``-F``.

    Raises:
        click.UsageError: if they exclude each other, or one can't be sent.
    """
    given = {"-d": data, "--json": json_text is not None, "--data-file": data_file is not None, "-F": form}
    names = [name for name, value in given.items() if value]
    if len(names) > 1:
        raise click.UsageError(f"{' and '.join(names)} can't be combined: a request has one body.")
    if data:
        return _build_data(data)
    if json_text is not None:
        return _build_json(json_text)
    if data_file is not None:
        return _build_file(data_file)
    return _build_form(form) if form else None


def _build_data(data: Sequence[str]) -> Upload:
    if named := next((text for text in data if text.startswith("@")), None):
        name = clean_text(named[1:]) or "FILE"
        raise click.UsageError(f"-d takes text. To send a file, give --data-file {name}")
    return _keep("&".join(data).encode("utf-8", "surrogateescape"), _FORM)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's (RFC 8259 section 6)


def _build_json(text: str) -> Upload:
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        place = f" (at character {error.pos + 1})" if isinstance(error, json.JSONDecodeError) else ""
        hint = """write it in single quotes, such as --json '{"name": "Ann"}'"""
        raise click.UsageError(f"--json is not valid JSON{place}; {hint}") from None
    return _keep(text.encode("utf-8", "surrogateescape"), "application/json")


def _build_file(name: str) -> Upload:
    if name == "-":
        return _read_start(sys.stdin.buffer, "application/octet-stream")
    source, size = _open(name, "--data-file")
    kind = _guess_type(name)
    if isinstance(source, bytes) or size is not None:
        return Upload((source,), kind, size)
    upload = _read_start(source, kind)
    if upload.is_in_memory:
        source.close()
    return upload


def _read_start(file: BinaryIO, kind: str) -> Upload:
    """Return an upload of what can be read once only: whole if it is short."""
    start = file.read(_MAX_KEPT_BYTES + 1)
    return _keep(start, kind) if len(start) <= _MAX_KEPT_BYTES else Upload((start, file), kind, None)


def _open(name: str, option: str) -> tuple[Source, int | None]:
    """Return a file's content if it is short, else the open file; and its size, if it has one."""
    path = Path(name)
    try:
        file = path.open("rb")
        if not path.is_file():
            return file, None
        size = path.stat().st_size
        if size > _MAX_KEPT_BYTES:
            return file, size
        with file:
            content = file.read()
    except OSError as error:
        _refuse(option, f"{clean_text(name)} can't be read: {error.strerror}")
    return content, len(content)


def _build_form(fields: Sequence[str]) -> Upload:
    """Return a ``multipart/form-data`` body (RFC 7578), with names written as browsers write them."""
    import secrets

    boundary = f"----aura-{secrets.token_hex(16)}"
    sources: list[Source] = []
    size = 0
    for field in fields:
        head, source, length = _read_field(field)
        start = f"--{boundary}\r\n{head}\r\n\r\n".encode("utf-8", "surrogateescape")
        sources += [start, source, b"\r\n"]
        size += len(start) + length + 2
    end = f"--{boundary}--\r\n".encode()
    return Upload((*sources, end), f"multipart/form-data; boundary={boundary}", size + len(end))


def _read_field(text: str) -> tuple[str, Source, int]:
    """Return headers, content and length of one ``-F``: ``name=text``, ``name=@file`` or ``name=<file``.

    Options may follow each, and a text may stand in quotes, as in curl: ``name="a;b";type=text/x``.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        _refuse("-F", "must be name=text, name=@file or name=<file")
    head = f'Content-Disposition: form-data; name="{_escape(name)}"'
    if not value.startswith(("@", "<")):
        said, options = _split_text(value)
        content = said.encode("utf-8", "surrogateescape")
        return head + _describe_part(options), content, len(content)
    path, options = _split_options(value[1:])
    source, size = _open(path, "-F")
    if size is None:
        assert not isinstance(source, bytes)  # noqa: S101 - for the type checker
        source.close()
        _refuse("-F", f"{clean_text(path)} is not a file; a form needs the length of each part")
    if value.startswith("@"):
        options = {"filename": Path(path).name, "type": _guess_type(path)} | options
    return head + _describe_part(options), source, size


def _describe_part(options: Mapping[str, str]) -> str:
    """Return what follows the name in a part's headers."""
    filename = f'; filename="{_escape(options["filename"])}"' if "filename" in options else ""
    return filename + (f"\r\nContent-Type: {options['type']}" if options.get("type") else "")


def _guess_type(name: str) -> str:
    import mimetypes

    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _split_text(value: str) -> tuple[str, dict[str, str]]:
    """Return the text of a field and the options behind it."""
    if quoted := _QUOTED.match(value):
        rest, options = _split_options(value[quoted.end() :])
        if not rest:
            return _unquote(quoted[0]), options
    return _split_options(value)


def _split_options(text: str) -> tuple[str, dict[str, str]]:
    """Return the path and the options behind it, as curl takes them: ``a.jpg;type=image/jpeg;filename="b.jpg"``."""
    tail = _OPTIONS.search(text)
    assert tail is not None  # noqa: S101 - it fits the end of any text
    options = {key: _unquote(value) for key, value in _OPTION.findall(tail[0])}
    for key, value in options.items():
        if not value.isprintable():
            _refuse("-F", f"{key}= must be printable text")
    return _unquote(text[: tail.start()]) if text[:1] == '"' else text[: tail.start()], options


def _unquote(value: str) -> str:
    """Return what stands in quotes, in which a backslash goes before a quote or another one; other text as it is."""
    return re.sub(r'\\(["\\])', r"\1", value[1:-1]) if _QUOTED.fullmatch(value) else value


def _escape(name: str) -> str:
    """Return a name as in https://html.spec.whatwg.org/#multipart-form-data."""
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _keep(content: bytes, kind: str) -> Upload:
    return Upload((content,), kind, len(content))


def _refuse(option: str, problem: str) -> NoReturn:
    raise click.UsageError(f"{option}: {problem}.")
