"""What a page of the site makes of its session for each request: a token, and what stands against forgery (CSRF)."""

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, unquote_plus, urlencode

import msgspec

from aura_browser.errors import InvalidInput
from aura_browser.site.place import Template, read_cookie

if TYPE_CHECKING:
    from aura_browser.session import Session

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing (RFC 9110 section 9.2.1), so that no token against forgery goes with them."""


class Auth(msgspec.Struct, frozen=True):
    """A request header that is made from the session, such as a bearer token's.

    Attributes:
        header: its name.
        value: its value.
    """

    header: str
    value: Template


class Csrf(msgspec.Struct, frozen=True):
    """A token against forgery, which goes with each request that may change something.

    Attributes:
        header: the header that carries it; or
        field: the form field that does.
        cookie: the cookie that holds it; or
        get: the path at which it is asked for, each time. There it is
        json: at this path of a JSON answer,
        input: the value of the page's input of that name, or
        meta: the content of the page's meta element of that name.

    Raises:
        InvalidInput: if it is not one of header and field, one of cookie and get, and for get one of the last three.
    """

    header: str = ""
    field: str = ""
    cookie: str = ""
    get: str = ""
    json: str = ""
    input: str = ""
    meta: str = ""

    def __post_init__(self) -> None:
        if bool(self.header) == bool(self.field):
            raise InvalidInput("csrf", "needs either header or field")
        if bool(self.cookie) == bool(self.get):
            raise InvalidInput("csrf", "needs either cookie, or get")
        where = sum(map(bool, (self.json, self.input, self.meta)))
        if where != bool(self.get):
            raise InvalidInput("csrf", "needs one of json, input and meta with get, and none of them with cookie")

    def read_cookie(self, session: "Session") -> str | None:
        """Return the token that a cookie holds, as a page's script reads it; None if there is none."""
        value = read_cookie(session, self.cookie) if self.cookie else None
        return unquote(value.strip('"')) or None if value is not None else None


def write_form_field(body: bytes, name: str, value: str) -> bytes:
    """Return a form's *body* (``application/x-www-form-urlencoded``) with one field *name*, whatever it had."""

    def is_other(part: bytes) -> bool:
        return bool(part) and unquote_plus(part.partition(b"=")[0].decode("latin-1")) != name

    return b"&".join([*filter(is_other, body.split(b"&")), urlencode({name: value}).encode()])
