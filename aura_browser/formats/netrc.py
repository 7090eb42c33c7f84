"""A user and a password in a ``.netrc`` file (https://curl.se/docs/manpage.html#-n), which binds them to their host."""

import base64
import binascii
import re

from yarl import URL

from aura_browser.hosts import host_of
from aura_browser.session import Session

_BASIC = "basic "
_PLAIN = re.compile(r"[^\s\"'\\#]+")


def write_netrc(session: Session) -> str | None:
    """Return the login of *session* by HTTP basic authentication; None if it has none that such a file can hold."""
    value = next((value for name, value in session.headers.items() if name.lower() == "authorization"), "")
    if not value.lower().startswith(_BASIC):
        return None
    try:
        user, colon, password = base64.b64decode(value[len(_BASIC) :], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    if not colon or not f"{user}{password}".isprintable():
        return None
    return f"machine {host_of(URL(session.origin)).strip('[]')} login {_quote(user)} password {_quote(password)}\n"


def _quote(text: str) -> str:
    """Return *text* as curl reads it from 7.84 on; what needs no quotes is read by any."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return text if _PLAIN.fullmatch(text) else f'"{escaped}"'
