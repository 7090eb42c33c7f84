"""Chat protocols without I/O, one file each: encode questions as requests, decode bytes to text and models.

A site names its dialect; :func:`find_dialect` loads it.
"""

from importlib import import_module
from typing import Final, cast

from aura_browser.chat.dialects.dialect import Dialect
from aura_browser.errors import InvalidInput

_MODULES: Final = {"openchat-ui": "openchat_ui", "openai": "openai"}


def find_dialect(name: str) -> Dialect:
    """Return the dialect called *name*.

    Raises:
        InvalidInput: if there is no dialect of that name.
    """
    if name not in _MODULES:
        raise InvalidInput("dialect", f"must be one of {', '.join(_MODULES)}; name it in Site(dialect=…)")
    return cast("Dialect", import_module(f"{__name__}.{_MODULES[name]}"))
