"""The formats that a session can be written in, by name."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Final

import msgspec

from aura_browser.errors import InvalidInput
from aura_browser.formats import (
    cookie_editor,
    cookie_header,
    curl_config,
    flaresolverr,
    httpie,
    netscape,
    storage_state,
    tough_cookie,
)
from aura_browser.formats.dumped import Dumped, DumpOptions
from aura_browser.session import Cookie, Session
from aura_browser.session.browser import is_bound
from aura_browser.text import clean_text, count, list_names

Dump = Callable[[Session, DumpOptions], Dumped]


def _dump_own(session: Session, options: DumpOptions) -> Dumped:  # noqa: ARG001 - all dumps have it
    return Dumped(f"{session.to_json()}\n")


DUMPS: Final[Mapping[str, Dump]] = {
    "session": _dump_own,
    "storage-state": storage_state.dump,
    "netscape": netscape.dump,
    "httpie": httpie.dump,
    "curl": curl_config.dump,
    "header": cookie_header.dump,
    "cookie-editor": cookie_editor.dump,
    "tough-cookie": tough_cookie.dump,
    "flaresolverr": flaresolverr.dump,
}
"""What writes each format."""


def dump(session: Session, name: str, options: DumpOptions | None = None) -> Dumped:
    """Return *session* in the format *name*, a key of :data:`DUMPS`.

    Args:
        session: the session.
        name: the format's name.
        options: what some formats need besides the session.

    Raises:
        InvalidInput: if there is no such format.
    """
    if name not in DUMPS:
        near = get_close_matches(name, DUMPS)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(DUMPS)}"
        raise InvalidInput("format", f"there is no format {clean_text(name, 40)!r}{hint}")
    write, options = DUMPS[name], options or DumpOptions()
    bound = tuple(cookie for cookie in session.cookies if is_bound(cookie, session.device_bound))
    return write(session, options) if name == "session" or not bound else _dump_bound(session, bound, write, options)


def _dump_bound(session: Session, bound: tuple[Cookie, ...], write: Dump, options: DumpOptions) -> Dumped:
    """Write *session* without its *bound* cookies, or with them if they are wanted, and say so."""
    names = list_names(cookie.name for cookie in bound)
    if options.keeps_bound:
        dumped = write(session, options)
        note = f"only the browser can renew {names}, which the file has as they are now"
        return msgspec.structs.replace(dumped, notes=(*dumped.notes, note))
    dumped = write(session.with_cookies(tuple(each for each in session.cookies if each not in bound)), options)
    gone = f"{count(bound, 'cookie')} that only the browser can renew: {names}"
    return msgspec.structs.replace(dumped, left_out=(*dumped.left_out, gone))
