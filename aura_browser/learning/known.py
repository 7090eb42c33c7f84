"""Recognizes a well-known application, of which a definition comes with the package that holds what can't be seen."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Final

from aura_browser.session import Session
from aura_browser.site import Site
from aura_browser.site.place import read_place
from aura_browser.site.sites_file import parse_sites
from aura_browser.urls import read_url
from aura_browser.webdriver.network_log import SeenRequest

_FILE: Final = "templates.toml"


def find_known(session: Session, requests: Iterable[SeenRequest]) -> str:
    """Return the name of the application that a browser was at, as ``sites add --like`` takes it; empty if unknown.

    It has everything that the application's definition reads from a session, and the page asked for an address of the
    definition's; or it keeps a token where only that application does.

    Args:
        session: the session.
        requests: what the browser asked for.
    """
    own = [each.url for each in requests if each.url.startswith(f"{session.origin}/")]
    asked = {read_url(url).raw_path_qs for url in own}
    sites = parse_sites(files("aura_browser.site").joinpath(_FILE).read_bytes(), Path(_FILE))
    return next((name for name, site in sites.items() if _fits(site, session, asked)), "")


def _fits(site: Site, session: Session, asked: set[str]) -> bool:
    cookies = [site.expires.place] if site.expires else []
    cookies += [f"cookie.{site.csrf.cookie}"] if site.csrf and site.csrf.cookie else []
    if any(read_place(session, place) is None for place in cookies):
        return False
    if site.auth is not None:
        if site.auth.value.fill(session) is None:
            return False
        if "." in site.auth.value.text.partition("local_storage.")[2]:
            return True  # a key of the local storage, and one in the JSON that is there
    page, paths = read_url(site.url).raw_path_qs, {path.partition("?")[0] for path in asked}
    # Addresses of a login that no other application has: the query tells.
    logins = [mark.location for mark in site.dropped_marks if "=" in mark.location]
    is_shown = page != "/" and (page in asked or any(fnmatchcase(path, each) for path in asked for each in logins))
    is_probed = site.probe is not None and site.probe.path.partition("?")[0] in paths
    if cookies or site.auth:
        return is_shown or is_probed
    return is_shown and (is_probed or "?" in page)
