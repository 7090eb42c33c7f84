"""The options of a command that a person can paste to harvest again as before."""

import os

from yarl import URL

from aura_browser.engine import Attach, Engine, Grid, Selenium
from aura_browser.proxy.address import has_password
from aura_browser.text import has_secret

DEFAULT_SESSION = "default"
"""The name that a session is cached under if no other is given."""


def list_options(
    *, engine: Engine | None = None, proxy: str | None = None, session: str = DEFAULT_SESSION, store: str | None = None
) -> tuple[str, ...]:
    """Return the options of ``aura-browser harvest`` that name what is in force.

    A URL with a password is left out: everybody on a machine can read a command line, so it belongs in the environment
    (``AURA_BROWSER_PROXY``, ``AURA_BROWSER_GRID``).

    Args:
        engine: which browser a harvest uses.
        proxy: the proxy's URL.
        session: the name that the session is cached under.
        store: the store's folder or URL.
    """
    words = _list_engine_options(engine)
    words += ["--proxy", proxy] if proxy and not has_password(proxy) else []
    words += ["--session", session] if session != DEFAULT_SESSION else []
    words += ["--store", store] if store and not has_secret(store) else []
    return tuple(words)


def _list_engine_options(engine: Engine | None) -> list[str]:
    match engine:
        case Grid():
            return ["--grid", engine.url] if not URL(engine.url).password else []
        case Attach():
            return ["--attach", engine.address]
        case Selenium():
            words = ["--engine", engine.browser] if engine.browser != Selenium.browser else []
            return words + (["--profile", os.fspath(engine.profile)] if engine.profile is not None else [])
    return []
