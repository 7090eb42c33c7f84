"""The options of a command that a person can paste to harvest again as before."""

import os
from typing import Final, NamedTuple

from aura_browser.engine import Attach, AttachChrome, Chrome, DefaultEngine, Engine, Grid, Selenium
from aura_browser.proxy.address import has_password
from aura_browser.text import has_secret

BASIC_VARIABLE: Final = "AURA_BROWSER_BASIC"
"""The environment variable that holds ``user:password`` for HTTP basic authentication."""

DEFAULT_SESSION: Final = "default"
"""The name that a session is cached under if no other is given."""

_KEPT_NOWHERE: Final = "memory"
_OUTPUT: Final = "session.json"


class LoginCommand(NamedTuple):
    """The command with which a person logs in, for errors.

    Attributes:
        text: the command.
        before: what to do before, as sentences that begin with a blank; empty for nothing.
    """

    text: str
    before: str = ""


def list_options(
    *,
    engine: Engine | None = None,
    proxy: str | None = None,
    session: str = DEFAULT_SESSION,
    store: str | None = None,
    output: str | None = None,
    transport: str = "http",
) -> tuple[str, ...]:
    """Return the options of ``aura-browser harvest`` that name what is in force.

    A URL with a password is left out: everybody on a machine can read a command line, so it belongs in the environment;
    :func:`describe_hidden` says so.

    Args:
        engine: which browser a harvest uses.
        proxy: the proxy's URL.
        session: the name that the session is cached under.
        store: the store's folder or URL. What ``memory`` keeps ends with the command, so a file is named instead.
        output: the file that the session is written to.
        transport: what carries requests.
    """
    words = _list_engine_options(engine)
    words += ["--proxy", proxy] if proxy and not has_password(proxy) else []
    words += ["--session", session] if session != DEFAULT_SESSION else []
    words += ["--store", store] if store and store != _KEPT_NOWHERE and not has_secret(store) else []
    words += ["--transport", transport] if transport != "http" else []
    output = output or (_OUTPUT if store == _KEPT_NOWHERE else None)
    words += ["-o", output] if output else []
    return tuple(words)


def replace_output(options: tuple[str, ...]) -> tuple[str, ...]:
    """Return *options* with ``session.json`` as the file that the session is written to."""
    at = options.index("-o") if "-o" in options else len(options)
    return (*options[:at], *options[at + 2 :], "-o", _OUTPUT)


def describe_hidden(*, engine: Engine | None = None, proxy: str | None = None, store: str | None = None) -> str:
    """Return what to put in the environment before a command of :func:`list_options` works; empty for nothing."""
    hidden = {
        "proxy's URL in AURA_BROWSER_PROXY": proxy and has_password(proxy),
        "Grid's URL in AURA_BROWSER_GRID": isinstance(engine, Grid) and has_secret(engine.url),
        "store's URL in AURA_BROWSER_STORE": store and has_secret(store),
    }
    return "".join(f" Put the {what} first." for what, is_hidden in hidden.items() if is_hidden)


def _list_engine_options(engine: Engine | None) -> list[str]:
    match engine:
        case Grid():
            return ["--grid", engine.url] if not has_secret(engine.url) else []
        case Attach():
            return ["--attach", engine.address]
        case AttachChrome():
            return ["--attach", engine.option]
        case Selenium() | Chrome():
            is_usual = isinstance(engine, DefaultEngine) or engine.browser == Selenium.browser
            words = [] if is_usual else ["--engine", engine.browser]
            words += ["--profile", os.fspath(engine.profile)] if engine.profile is not None else []
            return words + {None: [], True: ["--sandbox"], False: ["--no-sandbox"]}[engine.sandbox]
    return []
