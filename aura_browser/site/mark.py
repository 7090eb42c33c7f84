"""Marks: what an answer of a site looks like, as a short text."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec
from yarl import URL

from aura_browser.charsets import decode_text, find_charset
from aura_browser.errors import InvalidInput
from aura_browser.site.json_path import read_path

_FORMS: Final = (
    "a status, and then nothing, a type (200 application/json), where a redirect leads (302 /login*), header NAME, "
    "header NAME: VALUE, no header NAME, json:PATH, json:PATH=VALUE or body:TEXT"
)
_STATUS: Final = re.compile(r"([1-5]\d\d)(?:\s+|$)")
_HEADER: Final = re.compile(r"(no )?header ([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*:\s*(.+))?")
_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+*-]+")


class Answer(msgspec.Struct, frozen=True):
    """What is looked at in an answer.

    Attributes:
        status: the HTTP status.
        headers: names in any letter case to values.
        location: where a redirect leads, or None.
        body: its beginning, as far as it was read.
    """

    status: int
    headers: Mapping[str, str]
    location: URL | None
    body: bytes

    def __repr__(self) -> str:
        return f"Answer(status={self.status})"  # the rest may be secret

    def __rich_repr__(self) -> list[tuple[str, int]]:
        return [("status", self.status)]


class Mark(msgspec.Struct, frozen=True):
    """What an answer looks like; all that is given has to hold.

    Attributes:
        status: the HTTP status; None for any.
        type: the beginning of its type.
        location: a pattern of the path that a redirect leads to, with or without its query.
        header: the name of a header that is there.
        value: what that header says; empty for anything.
        without_header: the name of a header that is not there.
        json: a path of keys into a JSON body, joined by dots.
        json_value: what is there, as text; None for anything but null.
        text: what the body holds.
    """

    status: int | None = None
    type: str = ""
    location: str = ""
    header: str = ""
    value: str = ""
    without_header: str = ""
    json: str = ""
    json_value: str | None = None
    text: str = ""

    @classmethod
    def parse(cls, text: str) -> "Mark":
        """Read a mark, such as ``200 application/json``, ``302 /login*`` or ``body:Logged in as``.

        Raises:
            InvalidInput: for another form.
        """
        status = _STATUS.match(text)
        number = int(status[1]) if status else None
        rest = text[status.end() :].strip() if status else text.strip()
        facts = _read(rest)
        if facts is None or not (number or facts):
            raise InvalidInput("mark", f"{text!r} has another form than {_FORMS}")
        return cls(status=number, **facts)

    @property
    def needs_body(self) -> bool:
        """Whether the answer's body has to be read for it."""
        return bool(self.text or self.json)

    def matches(self, answer: Answer) -> bool:
        """Return whether *answer* looks so."""
        return (
            self.status in {None, answer.status}
            and answer.headers.get("Content-Type", "").lower().startswith(self.type.lower())
            and self._fits_location(answer.location)
            and self._fits_headers(answer.headers)
            and self._fits_text(answer)
            and self._fits_json(answer.body)
        )

    def _fits_location(self, location: URL | None) -> bool:
        if not self.location:
            return True
        if location is None:
            return False
        decoded = URL(str(location))  # what need not be encoded
        return any(fnmatchcase(place, self.location) for url in (location, decoded) for place in _list_places(url))

    def __str__(self) -> str:
        """Return it as :meth:`parse` reads it."""
        parts = [str(self.status)] if self.status else []
        parts += [self.type] if self.type else []
        parts += [self.location] if self.location else []
        parts += [f"header {self.header}{': ' if self.value else ''}{self.value}"] if self.header else []
        parts += [f"no header {self.without_header}"] if self.without_header else []
        parts += [f"json:{self.json}{'' if self.json_value is None else f'={self.json_value}'}"] if self.json else []
        parts += [f"body:{self.text}"] if self.text else []
        return " ".join(parts)

    def _fits_headers(self, headers: Mapping[str, str]) -> bool:
        if self.without_header and self.without_header in headers:
            return False
        return not self.header or (self.header in headers and self.value in {"", headers[self.header]})

    def _fits_text(self, answer: Answer) -> bool:
        if self.text.encode() in answer.body:
            return True
        charset = find_charset(answer.headers, answer.body)
        return charset not in {"", "utf-8"} and self.text in decode_text(answer.body, charset)

    def _fits_json(self, body: bytes) -> bool:
        if not self.json:
            return True
        found = read_path(body, self.json)
        return found is not None and self.json_value in {None, found}


def _list_places(url: URL) -> tuple[str, ...]:
    return url.path, url.raw_path_qs, str(url), str(url.with_query(None))


def _read(rest: str) -> dict[str, Any] | None:
    """Return the facts behind the status; None for another form."""
    if not rest:
        return {}
    kind, _, argument = rest.partition(":")
    if kind == "body" and argument:
        return {"text": argument}
    if kind == "json":
        path, equals, value = argument.partition("=")
        return {"json": path, "json_value": value if equals else None} if path else None
    if header := _HEADER.fullmatch(rest):
        return {"without_header": header[2]} if header[1] else {"header": header[2], "value": header[3] or ""}
    if rest.startswith(("/", "*", "http://", "https://")):
        return {"location": rest}
    return {"type": rest} if _TYPE.fullmatch(rest) else None
