"""Which cookies a program changed in its file."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from yarl import URL

from aura_browser.formats.content import undo_latin1
from aura_browser.session import Cookie, Session
from aura_browser.session.cookie import is_of_site
from aura_browser.session.session import list_login_cookies
from aura_browser.text import clean_text

_Place = tuple[str, str, bool, str]


class Changes(msgspec.Struct, frozen=True):
    """What a program changed.

    Attributes:
        cookies: the cookies with other values or ends than before, and new ones of the same site.
        lost: the names of cookies of the login that are not there any more; then nothing of it may be kept.
        garbled: the names of further cookies whose new values the program took for Latin-1, as programs in Python do.
    """

    cookies: tuple[Cookie, ...] = ()
    lost: tuple[str, ...] = ()
    garbled: tuple[str, ...] = ()


def find_changes(session: Session, before: Iterable[Cookie], after: Iterable[Cookie], now: float) -> Changes:
    """Return what became of *session*'s cookies in a program's file.

    Cookies that are not there any more are left as they are, since many programs write only some: only those of the
    login count, and show that the program has logged out, or could not keep them.

    Args:
        session: the session that the file was written from.
        before: what was in it, as it is read back: a format can't hold everything.
        after: what the program wrote there.
        now: epoch seconds.
    """
    old = {_place_of(cookie): cookie for cookie in before}
    current = {_place_of(cookie): cookie for cookie in after if not cookie.is_over(now)}
    placed = [_find_place(cookie, old, current) for cookie in current.values()]
    new = {_place_of(cookie): _undo(cookie, old.get(_place_of(cookie))) for cookie in placed}
    logins = {_place_of(cookie) for cookie in list_login_cookies(session.cookies)}
    lost = [cookie for place, cookie in old.items() if place in logins and not _has_value(new, place, cookie)]
    origin = URL(session.origin)
    changed = {
        place: cookie
        for place, cookie in new.items()
        if is_of_site(cookie, origin) and not _is_same(cookie, old.get(place))
    }
    garbled = {place: cookie for place, cookie in changed.items() if _is_garbled(cookie, old.get(place))}
    kept = (_complete(changed[place], session.cookies, old.get(place)) for place in changed if place not in garbled)
    return Changes(tuple(kept), _list_names(lost), _list_names(garbled.values()))


def _list_names(cookies: Iterable[Cookie]) -> tuple[str, ...]:
    return tuple(clean_text(cookie.name) or "(no name)" for cookie in cookies)


def _place_of(cookie: Cookie) -> _Place:
    return cookie.name, cookie.domain, cookie.host_only, cookie.path


def _find_place(cookie: Cookie, old: Mapping[_Place, Cookie], new: Mapping[_Place, Cookie]) -> Cookie:
    """Return *cookie* for the hosts that it was for: xh does not write whether subdomains get one."""
    other = msgspec.structs.replace(cookie, host_only=not cookie.host_only)
    is_other = _place_of(cookie) not in old and _place_of(other) in old and _place_of(other) not in new
    return other if is_other else cookie


def _undo(cookie: Cookie, old: Cookie | None) -> Cookie:
    """Return *cookie* with its old value if it has that as Latin-1: the site gave the same one again."""
    text = undo_latin1(cookie.value)
    is_old = old is not None and text == old.value
    return msgspec.structs.replace(cookie, value=text) if is_old else cookie


def _is_garbled(cookie: Cookie, old: Cookie | None) -> bool:
    return undo_latin1(cookie.value) is not None and (old is None or undo_latin1(old.value) is None)


def _has_value(new: Mapping[_Place, Cookie], place: _Place, old: Cookie) -> bool:
    return place in new and (bool(new[place].value) or not old.value)


def _is_same(cookie: Cookie, old: Cookie | None) -> bool:
    return old is not None and (cookie.value, cookie.expires) == (old.value, old.expires)


def _complete(cookie: Cookie, known: Sequence[Cookie], old: Cookie | None) -> Cookie:
    """Return a changed cookie with the attributes that the session knows of it, and the file's format can't hold."""
    place = _place_of(cookie)
    whole = next((each for each in known if _place_of(each) == place and each.partition_key is None), None)
    if whole is None or old is None:
        return cookie
    # Formats round an end, so one that the program did not change is the session's own.
    expires = whole.expires if cookie.expires == old.expires else cookie.expires
    return msgspec.structs.replace(whole, value=cookie.value, expires=expires)
