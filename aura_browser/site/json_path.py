"""Paths into JSON: keys and indexes, joined by dots, such as ``data.users.0.name``."""

import json
from typing import Any


def follow_path(text: str | bytes, path: str) -> Any:  # noqa: ANN401 - JSON
    """Return what is at *path* in a JSON text; None if there is nothing, or the text is not JSON."""
    try:
        value = json.loads(text)
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


def read_path(text: str | bytes, path: str) -> str | None:
    """Return what is at *path* in a JSON text, as text; None for nothing or null."""
    value = follow_path(text, path)
    if value is None:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
