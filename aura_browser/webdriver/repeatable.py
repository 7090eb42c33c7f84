"""Which of a page's requests may be sent again."""

import re
from typing import Final

from yarl import URL

_MAX_PATH_LENGTH: Final = 500
# A request that changes something, or that carries a secret in its address, is never sent again.
_UNSAFE_PATH: Final = re.compile(
    r"log[-_]?(out|off)|sign[-_]?(out|off)|delete|remove|destroy|revoke|unsubscribe|cancel", re.IGNORECASE
)
_SECRET_NAME: Final = re.compile(
    r"token|key|secret|sig(nature)?$|auth|code|session|jwt|password|nonce|csrf|xsrf|state|ticket|otp", re.IGNORECASE
)
_SECRET_VALUE: Final = re.compile(r"[A-Za-z0-9_+/=.-]{20,}")


def is_harmless(url: URL) -> bool:
    """Return whether a GET of *url* may be sent again: its words name no change, and its query holds no secret."""
    is_secret = any(_SECRET_NAME.search(name) or _SECRET_VALUE.fullmatch(value) for name, value in url.query.items())
    return not (is_secret or url.user or _UNSAFE_PATH.search(url.path_qs) or len(url.raw_path_qs) > _MAX_PATH_LENGTH)
