"""What a harvest ends with on a terminal: what was kept, where, how it was proven, and what to do next."""

import os
import sys
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Final

from aura_browser.cli.log import store_has_failed
from aura_browser.cli.screen import Screen
from aura_browser.cli.sessions.view import describe_proof
from aura_browser.proxy.address import has_password
from aura_browser.site.commands import DEFAULT_SESSION, list_options
from aura_browser.store import SessionKey
from aura_browser.store.file import default_folder
from aura_browser.text import clean_text, count, format_duration, has_secret, redact_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aura_browser.assembly import SessionOptions
    from aura_browser.session import Session
    from aura_browser.site import Site

_MAX_NAMES: Final = 8
_NAME_WIDTH: Final = 9


def report_kept(
    site: "Site", session: "Session", options: "SessionOptions", *, now: float, output: Path | None
) -> None:
    """Print on stderr what is kept of *session*: names and counts, no values.

    Args:
        site: the site that was opened.
        session: what it gave.
        options: the command's options, which say where it is kept.
        now: epoch seconds.
        output: the file that it was also written to, or None.
    """
    screen = Screen(sys.stderr)
    screen.print_wrapped(text=f"The session of {clean_text(session.origin)}: {_count(session)}.")
    for name, text in _describe(site, session, options, now, output):
        screen.print_wrapped((f"  {name:<{_NAME_WIDTH}}", "name"), text=text)
    for name, command in _list_next(site, session, options):
        screen.print((f"  {name:<{_NAME_WIDTH}}", "name"), (command, "command"))


def _count(session: "Session") -> str:
    cookies = [clean_text(cookie.name) or "(no name)" for cookie in session.cookies]
    more = f", … {len(cookies) - _MAX_NAMES} more" if len(cookies) > _MAX_NAMES else ""
    names = f" ({', '.join(cookies[:_MAX_NAMES])}{more})" if cookies else ""
    return f"{count(cookies, 'cookie')}{names}, {count(session.local_storage, 'stored value')}"


def _describe(
    site: "Site", session: "Session", options: "SessionOptions", now: float, output: Path | None
) -> "Iterator[tuple[str, str]]":
    yield "kept in", _describe_place(site, session, options)
    if output:
        yield "and in", _shorten(output.absolute())
    yield "proof", describe_proof(session.proof)
    if session.expires_at is not None:
        yield "expires", f"in {format_duration(session.expires_at - now)}, as far as its cookies say"


def _list_next(site: "Site", session: "Session", options: "SessionOptions") -> "Iterator[tuple[str, str]]":
    name, store = str(options["session"]), options.get("store")
    client = "AuraClient" if session.dialect else "SiteClient"
    yield "use it", f"{client}({', '.join([repr(site.url), *_list_arguments(session, options)])})"
    place = store if isinstance(store, str) else None
    if session.dialect:
        named = list_options(proxy=session.proxy, session=name, store=place)
        yield "", join(["aura-browser", "chat", "--url", site.url, *named])
    slug = SessionKey(site.origin, name, session.proxy).slug
    yield "see it", join(["aura-browser", "sessions", "show", slug, *list_options(store=place)])


def _list_arguments(session: "Session", options: "SessionOptions") -> "Iterator[str]":
    """Yield a client's arguments that make it use what was kept. What may be secret is left in the environment."""
    name, store, proxy = str(options["session"]), options.get("store"), session.proxy
    if name != DEFAULT_SESSION:
        yield f"session={name!r}"
    if isinstance(store, str):
        yield 'store=os.environ["AURA_BROWSER_STORE"]' if has_secret(store) else f"store={store!r}"
    if proxy:
        yield 'proxy=os.environ["AURA_BROWSER_PROXY"]' if has_password(proxy) else f"proxy={proxy!r}"


def _describe_place(site: "Site", session: "Session", options: "SessionOptions") -> str:
    if store_has_failed():
        return "nowhere else, since the cache can't be written"
    place, name = options.get("store"), str(options["session"])
    if isinstance(place, str) and ("://" in place or place == "memory"):
        return redact_url(place)
    folder = Path(place) if isinstance(place, str) else default_folder()
    return _shorten(folder / f"{SessionKey(site.origin, name, session.proxy).slug}.json")


def _shorten(path: Path) -> str:
    home, text = os.path.expanduser("~"), clean_text(str(path))  # noqa: PTH111 - "~" itself where there is no home
    return f"~{text[len(home) :]}" if text.startswith(f"{home}{os.sep}") else text
