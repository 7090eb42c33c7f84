"""Made-up cookies and sessions."""

import msgspec

from aura_browser.session import Browser, Cookie, Session


def make_cookie(name: str = "sid", value: str = "s3cret+/==", **facts: object) -> Cookie:
    """Return a cookie of 127.0.0.1, but for the facts given."""
    return Cookie(**({"name": name, "value": value, "domain": "127.0.0.1", "host_only": True} | facts))  # type: ignore[arg-type]


def make_session(origin: str = "http://127.0.0.1:8080", **facts: object) -> Session:
    """Return a session at *origin*, but for the facts given."""
    defaults: dict[str, object] = {
        "origin": origin,
        "url": f"{origin}/",
        "user_agent": "Chrome/1 test",
        "headers": {"User-Agent": "Chrome/1 test", "Accept-Language": "de,en;q=0.9", "sec-ch-ua": '"Chromium";v="1"'},
        "cookies": (make_cookie(),),
        "local_storage": {"theme": "s3cret-dark"},
        "proxy": None,
        "browser": Browser(name="chrome", version="1.2.3"),
        "harvested_at": 1000.0,
    }
    return Session(**(defaults | facts))  # type: ignore[arg-type]


async def take_as_it_is(session: Session) -> Session:
    """Prove nothing, for managers whose sites are made up."""
    return session


def content(session: Session | None) -> Session | None:
    """Return *session* without the counters that saving and rotating change, to compare what is in it."""
    return session and msgspec.structs.replace(session, generation=0, rotation=0)
