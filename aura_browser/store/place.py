"""What names a store: a folder, or the address of a Redis."""

import re
from typing import Final

from aura_browser.errors import InvalidInput

_REDIS: Final = ("redis://", "rediss://", "unix://")
_ADDRESS: Final = re.compile(r"""[\s"']*(?:[a-z][a-z0-9+.-]+://|rediss?(?::|//))""", re.IGNORECASE)


def check_place(place: str) -> None:
    """Check what names a store. Raises InvalidInput as :func:`is_redis`, and if a Redis's address is malformed."""
    if is_redis(place):
        from aura_browser.store.redis_connection import check_address

        check_address(place)


def is_redis(place: str) -> bool:
    """Return whether *place* is the address of a Redis; else it is a folder's path.

    Raises:
        InvalidInput: if it is an address of another kind, or a misspelt one, which would be a folder with a password in
            its name; it is never quoted.
    """
    if place.startswith(_REDIS):
        return True
    if _ADDRESS.match(place):
        form = "redis://host:6379/0, in lower case, without quotes or spaces before it"
        raise InvalidInput("store", f"is neither a folder nor a Redis's address: {form}; a folder may begin with ./")
    return False
