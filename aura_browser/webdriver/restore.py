"""Puts a session into a browser: its cookies, and the storage of every origin. The inverse of reading one."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from selenium.common.exceptions import WebDriverException

from aura_browser.hosts import host_in_url
from aura_browser.session import Cookie, Session
from aura_browser.text import clean_text
from aura_browser.webdriver.blank import BlankPages
from aura_browser.webdriver.cookies import GET_COOKIES, SET_COOKIES, parse_cookie
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.devtools import call_devtools
from aura_browser.webdriver.driver import Driver
from aura_browser.webdriver.storage_script import WRITE_STORAGE

_MAX_COOKIE_LENGTH: Final = 4096
_EXPIRED: Final = "it has expired"
_EVICTED: Final = "Chrome dropped it, as it does if a site has more than 180"
_TOO_LONG: Final = f"name and value are longer than {_MAX_COOKIE_LENGTH} bytes"
_HOST_PREFIX: Final = "a name that begins with __Host- needs Secure, the path / and no subdomains"
_SECURE_PREFIX: Final = "a name that begins with __Secure- needs Secure"


@dataclass(frozen=True)
class Refusal:
    """A part of a session that the browser does not take.

    Attributes:
        what: the part, such as ``cookie sid of example.com``, without its value.
        reason: why.
    """

    what: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"


@dataclass(frozen=True)
class Restored:
    """What a browser took of a session.

    Attributes:
        cookies: how many cookies it has of it.
        entries: how many entries of local storage, session storage and IndexedDB.
        origins: how many origins those are of.
        refused: what it did not take, one by one.
    """

    cookies: int
    entries: int
    origins: int
    refused: tuple[Refusal, ...]


def restore_session(driver: Driver, session: Session, deadline: Deadline) -> Restored:
    """Put *session* into a new profile: all cookies, and local storage, session storage and IndexedDB of each origin.

    No request is sent: each origin's storage is written on an empty page that the browser is given in place of the
    site's. The tab shows ``about:blank`` afterwards, and can't go back.

    Args:
        driver: the driver of a browser that has just been opened, in the tab that will show the site.
        session: the session.
        deadline: when to stop.

    Raises:
        WebDriverException: if the browser is gone.
    """
    refused = list(set_cookies(driver, session.cookies))
    cookies = len(session.cookies) - len(refused)
    entries, storage, pages = 0, _list_storage(session), BlankPages(driver, deadline)
    for origin, parts in storage.items():
        written, problems = _write_storage(driver, pages, origin, parts)
        entries += written
        refused += problems
    if storage:
        pages.leave()
    return Restored(cookies, entries, len(storage), tuple(refused))


def build_raw_cookie(cookie: Cookie) -> dict[str, Any]:
    """Return *cookie* as ``Network.setCookies`` takes it, so that Chrome keeps every attribute as it is.

    Never with ``url``: that would make a cookie Secure and change its port
    (https://chromedevtools.github.io/devtools-protocol/tot/Network/#type-CookieParam).
    """
    host = host_in_url(cookie.domain)
    raw: dict[str, Any] = {
        "name": cookie.name,
        "value": cookie.value,
        "domain": host if cookie.host_only else f".{host}",
        "path": cookie.path,
        "secure": cookie.secure,
        "httpOnly": cookie.http_only,
        "expires": cookie.expires,
        "sameSite": cookie.same_site,
        "priority": cookie.priority,
        "sourceScheme": cookie.source_scheme,
        "sourcePort": cookie.source_port,
    }
    if cookie.partition_key is not None:
        ancestor = bool(cookie.has_cross_site_ancestor)
        raw["partitionKey"] = {"topLevelSite": cookie.partition_key, "hasCrossSiteAncestor": ancestor}
    return {name: value for name, value in raw.items() if value is not None}


def set_cookies(driver: Driver, cookies: Sequence[Cookie]) -> Iterator[Refusal]:
    """Set *cookies*, and yield those that the browser does not have afterwards.

    Raises:
        WebDriverException: if the browser is gone.
    """
    bad = []
    if not _try_to_set(driver, cookies):
        # One bad cookie fails the whole call, and is not named.
        bad = [cookie for cookie in cookies if not _try_to_set(driver, [cookie])]
    found = map(parse_cookie, call_devtools(driver, GET_COOKIES)["cookies"])
    there = {cookie.identity for cookie in found if cookie}
    now = time.time()
    for cookie in cookies:
        if cookie in bad:
            yield _refuse(cookie, _explain(cookie))
        elif cookie.is_over(now):
            yield _refuse(cookie, _EXPIRED)
        elif cookie.identity not in there:
            yield _refuse(cookie, _EVICTED)


def _try_to_set(driver: Driver, cookies: Sequence[Cookie]) -> bool:
    try:
        call_devtools(driver, SET_COOKIES, cookies=list(map(build_raw_cookie, cookies)))
    except WebDriverException as error:
        if "Invalid cookie fields" not in (error.msg or ""):
            raise
        return False
    return True


def _refuse(cookie: Cookie, reason: str) -> Refusal:
    path = "" if cookie.path == "/" else f", path {clean_text(cookie.path)}"
    name = clean_text(cookie.name) or "(no name)"
    return Refusal(f"cookie {name} of {clean_text(cookie.domain)}{path}", reason)


def _explain(cookie: Cookie) -> str:
    """Return why Chrome refuses *cookie*, as far as its own rules tell."""
    if cookie.name.lower().startswith("__host-"):
        return _HOST_PREFIX
    if cookie.name.lower().startswith("__secure-"):
        return _SECURE_PREFIX
    if len(f"{cookie.name}{cookie.value}".encode()) > _MAX_COOKIE_LENGTH:
        return _TOO_LONG
    return "Chrome does not take its name, value or attributes"


def _list_storage(session: Session) -> dict[str, dict[str, Any]]:
    """Return what is to be written, by origin: the session's own last, so that the tab is there when it opens."""
    kept: dict[str, dict[str, Any]] = {}
    origins = session.extra_storage.get("origins")
    for each in origins if isinstance(origins, list | tuple) else ():
        if isinstance(each, Mapping) and isinstance(each.get("origin"), str):
            kept[each["origin"]] = {name: part for name, part in each.items() if name != "origin"}
    own = kept.pop(session.origin, {})
    if session.local_storage:
        own["localStorage"] = [{"name": name, "value": value} for name, value in session.local_storage.items()]
    return {**kept, **({session.origin: own} if own else {})}


def _write_storage(
    driver: Driver, pages: BlankPages, origin: str, parts: Mapping[str, Any]
) -> tuple[int, list[Refusal]]:
    """Write the storage of one origin; return the number of entries, and what could not be written."""
    what = f"storage of {clean_text(origin)}"
    if not pages.open(origin):
        return 0, [Refusal(what, "no page of that origin could be opened")]
    # As a string, because in an object literal __proto__ is no name.
    text = json.dumps(json.dumps(parts))
    script = f"({WRITE_STORAGE})(JSON.parse({text}))"
    result = call_devtools(driver, "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
    value = result.get("result", {}).get("value")
    if not isinstance(value, dict):
        return 0, [Refusal(what, "the browser does not let a page of that origin store anything")]
    return value["entries"], [Refusal(f"{name} of {clean_text(origin)}", reason) for name, reason in value["problems"]]
