"""The names of the fields of a form that a page sent. What was typed into them is never kept."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

_MAX_FIELDS: Final = 50
_MAX_LENGTH: Final = 2**16
_NAME: Final = re.compile(r"[\w.:\[\]-]{1,100}")
_PART_NAME: Final = re.compile(r'^Content-Disposition: form-data; name="([^"\r\n]{1,100})"', re.MULTILINE)


def list_field_names(headers: Mapping[str, str], body: str) -> tuple[str, ...]:
    """Return the names of a form's fields, at most 50; none if *body* is no form.

    Args:
        headers: the request's headers, for its type.
        body: what was sent.
    """
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "").lower()
    if len(body) > _MAX_LENGTH:
        return ()
    names: list[str] = []
    if kind.startswith("application/x-www-form-urlencoded"):
        names = [name for name, _ in parse_qsl(body, keep_blank_values=True)]
    elif kind.startswith("multipart/form-data"):
        names = _PART_NAME.findall(body)
    return tuple(dict.fromkeys(name for name in names if _NAME.fullmatch(name)))[:_MAX_FIELDS]
