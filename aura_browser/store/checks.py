"""What is checked when a session is written to a store, and when it is read."""

from collections.abc import Callable

from yarl import URL

from aura_browser.errors import SessionFormatError, SessionUnreadable, StoreError
from aura_browser.session import Session
from aura_browser.site.moves import list_moves
from aura_browser.text import redact_url


def check_origin(slug: str, origin: str, session: Session, build_command: Callable[..., str]) -> Session:
    """Return *session*, which is under *slug*, if it is of that site, or of where that moves.

    A store may be shared, and written by others.

    Args:
        slug: where it is.
        origin: the site's.
        session: the session.
        build_command: returns a command of the store, to show.

    Raises:
        SessionUnreadable: if it is another site's.
    """
    if session.origin == origin or URL(session.origin) in list_moves(URL(origin)):
        return session
    problem = f"it is a session of {redact_url(session.origin)}, not of {redact_url(origin)}. Somebody else may"
    raise SessionUnreadable(slug, f"{problem} have put it there. Remove it with: {build_command('rm', slug)}")


def encode_session(slug: str, session: Session) -> bytes:
    """Return what is written under *slug*.

    Raises:
        StoreError: if it could not be read back.
    """
    data = session.to_json().encode()
    try:
        Session.from_json(data)
    except SessionFormatError as error:
        problem = f"it could not be read back ({error.field}: {error.problem}). The stored one stays."
        raise StoreError(slug, problem) from None
    return data
