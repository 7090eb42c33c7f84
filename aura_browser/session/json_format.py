"""The JSON form of a session: versions, and errors that name the field but never a value."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from aura_browser.errors import SessionFormatError, raise_alone
from aura_browser.text import clean_text

T = TypeVar("T")

VERSION: Final = 2
"""The version that is written; version 1 is read too."""


class _Versioned(msgspec.Struct):
    version: int


def decode_session(text: str | bytes, kind: type[T], upgrade: Callable[[dict[str, Any]], None]) -> T:
    """Return the session in *text*.

    Args:
        text: what ``Session.to_json`` wrote.
        kind: the session's type.
        upgrade: is called with the fields of a version 1 session, and changes them to those of today.

    Raises:
        SessionFormatError: naming the field, if *text* is not a session or was written by a newer aura-browser.
    """
    try:
        # Version first, because the fields of another version can't be checked.
        version = msgspec.json.decode(text, type=_Versioned).version
        if version > VERSION or version < 1:
            problem = f"{version} is not supported; this aura-browser reads versions 1 and {VERSION}"
            raise SessionFormatError("version", problem, is_newer=version > VERSION)
        if version == VERSION:
            return msgspec.json.decode(text, type=kind)
        fields = msgspec.json.decode(text)
        upgrade(fields)
        return msgspec.convert(fields, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        # Alone, because a decoder's error may hold the whole text.
        raise_alone(_convert_error(error))


def _convert_error(error: Exception) -> SessionFormatError:
    """Convert a decoder's error: name the field, and leave out any value from the text."""
    if not isinstance(error, msgspec.ValidationError):
        return SessionFormatError("", "malformed JSON")
    problem, _, place = str(error).partition(" - at `")
    named = re.search(r"(required|unknown) field `(.*)`", problem)
    parts = [re.sub(r"^(?:key` in `)?\$\.?", "", place).rstrip("`"), named[2] if named else ""]
    field = clean_text(".".join(filter(None, parts)), 80)
    # Fields that this version does not know come from a newer one.
    return SessionFormatError(field, _describe_problem(problem), is_newer=bool(named and named[1] == "unknown"))


def _describe_problem(message: str) -> str:
    if "matching regex" in message:
        return "text of the wrong form"
    if message.startswith("Invalid enum value"):
        return "not an allowed value"
    if "field `" in message:
        return "the field is missing" if "required" in message else "an unknown field"
    return message
