"""Which site a stored session is of, under which name it is kept, and the command that logs in there again."""

from typing import Final

from yarl import URL

from aura_browser.session import Session
from aura_browser.site import Site, site_at
from aura_browser.site.commands import DEFAULT_SESSION, list_options
from aura_browser.site.moves import at_origin, find_origin, list_sources
from aura_browser.store import SessionKey
from aura_browser.text import redact_url
from aura_browser.urls import read_url

_UNKNOWN: Final = "NAME"


def choose_key(session: Session, name: str) -> SessionKey:
    """Return the key to keep *session* under: that of its site as it is defined, if that has moved to its origin."""
    site = find_site_of(session)
    has_moved = find_origin(site.origin, session.origin) == session.origin
    return SessionKey(site.origin if has_moved else session.origin, name, session.proxy)


def find_key(session: Session, slug: str) -> SessionKey:
    """Return the key that *session* is kept under, as far as its slug tells it: its site may have moved.

    A slug does not tell a name with capitals, spaces and the like. The key then has another slug, and ``NAME`` as its
    name, which stands for it in commands that are shown.
    """
    origins = (session.origin, *(str(source) for source in list_sources(URL(session.origin))))
    found = (_read_key(origin, session.proxy, slug) for origin in origins)
    return next((key for key in found if key.slug == slug), SessionKey(session.origin, _UNKNOWN, session.proxy))


def _read_key(origin: str, proxy: str | None, slug: str) -> SessionKey:
    default = SessionKey(origin, DEFAULT_SESSION, proxy)
    shared = len(default.slug) - len(DEFAULT_SESSION) - 13  # a hyphen and twelve digits follow the name
    return SessionKey(origin, slug[shared:-13] or DEFAULT_SESSION, proxy)


def find_address(session: Session, key: SessionKey) -> str:
    """Return the address of the page that *session* is of, where its site was before it moved."""
    return session.url if key.origin == session.origin else str(at_origin(read_url(session.url), key.origin))


def find_site_of(session: Session, key: SessionKey | None = None) -> Site:
    """Return the site of *session*, with the conditions and the probe of the chat dialect that it is known to speak.

    Args:
        session: the session.
        key: the key that it is kept under; None if it is not kept.
    """
    return site_at(find_address(session, key) if key else session.url, dialect=session.dialect)


def build_login_command(session: Session, key: SessionKey, place: str | None = None) -> str:
    """Return the command with which a person logs in again.

    Args:
        session: the session.
        key: the key that it is kept under.
        place: the store.
    """
    probe = ("--probe", session.probe) if session.probe else ()
    site = site_at(redact_url(find_address(session, key)), dialect=session.dialect)
    return site.login_command(*list_key_options(key, place), *probe)


def list_key_options(key: SessionKey, place: str | None) -> tuple[str, ...]:
    """Return the options of commands that use what is kept under *key* in the store *place*."""
    return list_options(proxy=key.proxy, session=key.name, store=place)
