"""Paths into JSON: keys and indexes, joined by dots, such as ``data.users.0.name``."""

import json
import re
from typing import Any, Final

_GUARD: Final = re.compile(r"\s*(?:\)\]\}',?|while ?\(1\);|for ?\(;;\);)")
_GUARD_LENGTH: Final = 32


def follow_path(text: str | bytes, path: str) -> Any:  # noqa: ANN401 - JSON
    """Return what is at *path* in a JSON text; None if there is nothing, or the text is not JSON."""
    try:
        value = json.loads(_strip_guard(text))
    except (ValueError, RecursionError):
        return None
    for key in path.split("."):
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _strip_guard(text: str | bytes) -> str | bytes:
    """Return a JSON text without what keeps other sites' scripts from running it, as Gerrit and Google write it."""
    beginning = text[:_GUARD_LENGTH].decode("utf-8", "replace") if isinstance(text, bytes) else text[:_GUARD_LENGTH]
    found = _GUARD.match(beginning)
    return text[found.end() :] if found else text


def read_path(text: str | bytes, path: str) -> str | None:
    """Return what is at *path* in a JSON text, as text; None for nothing or null."""
    value = follow_path(text, path)
    if value is None:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
