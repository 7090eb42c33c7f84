"""Reads a session from a browser that is ready."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from aura_browser.hosts import origin_of
from aura_browser.session import Browser, Session
from aura_browser.session.browser import describe_bound
from aura_browser.site import Site
from aura_browser.site.catalogue import DIALECT_MARKS
from aura_browser.site.place import CAPTURED
from aura_browser.urls import read_url
from aura_browser.webdriver.answers import reading_answers
from aura_browser.webdriver.cookies import read_cookies
from aura_browser.webdriver.device_bound import read_device_bound
from aura_browser.webdriver.observing import Observer
from aura_browser.webdriver.storage_reading import READ_DATABASES

_log = logging.getLogger(__name__)

_MAX_ENTRIES: Final = 100_000
_MAX_TEXT: Final = 4096
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
# Pairs, because a key may be __proto__; by number, because one may be length.
_PAGE: Final = (
    READ_DATABASES
    + """
const read = (storage) => {
  const entries = [];
  try {
    for (let number = 0; number < storage().length; number++) {
      const key = storage().key(number);
      entries.push([key, storage().getItem(key)]);
    }
  } catch (error) {}
  return entries;
};
const brands = navigator.userAgentData;
const databases = await readDatabases();
return {
  userAgent: navigator.userAgent,
  languages: [...navigator.languages],
  brands: brands ? brands.brands.map((b) => `"${b.brand}";v="${b.version}"`).join(', ') : '',
  mobile: brands ? (brands.mobile ? '?1' : '?0') : '',
  platform: brands ? `"${brands.platform}"` : '',
  storage: read(() => localStorage),
  sessionStorage: read(() => sessionStorage),
  databases: databases.read,
  unreadDatabases: databases.left,
  dialects: DIALECTS.filter(([, selector]) => find(selector)).map(([dialect]) => dialect),
};
""".replace("DIALECTS", json.dumps(list(DIALECT_MARKS.items())))
)
_TOKEN_NAME: Final = re.compile(r"token|auth|session|jwt|login|msal|firebase", re.IGNORECASE)
_NO_REQUEST: Final = "which no request carries: only a browser that is opened with the session has it."
_HEADER_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


class AddressLeft(Exception):
    """The tab shows another document than the one that was ready, or a page that is not the site's."""


@reading_answers()
def read_session(
    observer: Observer, site: Site, loader: str, *, proxy: str | None, now: float, warns: bool = True
) -> Session:
    """Read the session of the page that is open.

    Args:
        observer: observes the tab, whose page is ready.
        site: the page's site.
        loader: the document that was ready.
        proxy: the proxy that the session is for.
        now: epoch seconds.
        warns: whether to log what the session can't carry.

    Raises:
        AddressLeft: if the tab shows another document by now, or its address is not one of the site's.
    """
    page = _check_page(observer.page.peek(_PAGE))
    frame = observer.page.confirm()
    if page is None or frame is None or frame.loader != loader:
        raise AddressLeft
    url = read_url(frame.url)
    if url.scheme not in {"http", "https"} or not site.owns(url):
        raise AddressLeft
    observer.log.drain()
    origin = str(origin_of(url))
    headers = observer.log.collect_headers(site, origin) or _build_headers(page)
    capabilities = observer.driver.capabilities
    session = Session(
        origin=origin,
        url=str(url.with_user(None).with_fragment(None)),
        user_agent=headers.get("User-Agent", page["userAgent"]),
        headers=headers,
        cookies=(),
        local_storage=_drop_invalid_text(page["storage"]),
        proxy=proxy,
        browser=Browser(name=str(capabilities["browserName"]), version=str(capabilities["browserVersion"])),
        harvested_at=now,
        page_requests=observer.log.list_page_requests(site, origin),
        dialect=site.dialect or next(iter(page["dialects"]), ""),
        extra_storage=_build_extra_storage(page, origin),
        tokens=_capture_token(observer, site, origin),
    )
    bound = read_device_bound(observer.driver, observer.log, url) if warns else ()
    session = msgspec.structs.replace(session, device_bound=bound)
    session = _check_session(session.with_cookies(read_cookies(observer.driver, url)))
    for limit in _find_limits(session, page, binds_session=observer.log.binds_session) if warns else ():
        _log.warning("%s: %s", session.origin, limit)
    return session


def _check_session(session: Session) -> Session:
    """Return *session* if it can be written and read again, as values of a driver's answer may keep it from."""
    return msgspec.json.decode(msgspec.json.encode(session), type=Session)


def _capture_token(observer: Observer, site: Site, origin: str) -> dict[str, str]:
    """Return the header that the page was seen to send, if the site's definition asks for it."""
    if site.auth is None or not site.auth.value.is_captured:
        return {}
    value = observer.log.find_sent_header(site, origin, site.auth.header)
    return {} if value is None else {CAPTURED: value}


def _check_page(page: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return *page* if all of it is of the right form; it comes from a page."""
    if page is None:
        return None
    texts = [page.get(name) for name in ("userAgent", "brands", "mobile", "platform")]
    if not all(isinstance(text, str) and len(text) < _MAX_TEXT and _HEADER_VALUE.fullmatch(text) for text in texts):
        return None
    lists = [page.get(name) for name in ("languages", "unreadDatabases", "dialects")]
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in lists):
        return None
    databases = page.get("databases")
    if not isinstance(databases, list) or not all(isinstance(each, dict) and "name" in each for each in databases):
        return None
    if not page["languages"] or not all(_LANGUAGE.fullmatch(language) for language in page["languages"]):
        return None
    return page if _are_entries(page.get("storage")) and _are_entries(page.get("sessionStorage")) else None


def _are_entries(entries: object) -> bool:
    return isinstance(entries, list) and len(entries) <= _MAX_ENTRIES and all(map(_is_pair, entries))


def _is_pair(entry: object) -> bool:
    return isinstance(entry, list) and len(entry) == len(("key", "value")) and all(isinstance(e, str) for e in entry)


def _find_limits(session: Session, page: dict[str, Any], *, binds_session: bool) -> Iterator[str]:
    """Describe what the browser has and the session can't carry to another program."""
    if partitioned := sum(cookie.partition_key is not None for cookie in session.cookies):
        yield f"{partitioned} partitioned cookies are kept, but most other tools' file formats can't hold them."
    if session.device_bound:
        yield f"{describe_bound(session.device_bound)}."
    elif binds_session:
        yield "the site binds its session to this device; it will probably end when it asks for the browser's key."
    if any(_TOKEN_NAME.search(name) for name, _ in page["sessionStorage"]):
        yield f"the page seems to keep a login in its session storage, {_NO_REQUEST}"
    if any(_TOKEN_NAME.search(str(each["name"])) for each in page["databases"]):
        yield f"the page seems to keep a login in IndexedDB, {_NO_REQUEST}"
    if any(_TOKEN_NAME.search(name) for name in page["unreadDatabases"]):
        yield "the page seems to keep a login in an IndexedDB that can't be read as text, so it is left out."


def _build_extra_storage(page: dict[str, Any], origin: str) -> dict[str, Any]:
    """Return the page's session storage and IndexedDB, as in ``Session.extra_storage``."""
    entries = _drop_invalid_text(page["sessionStorage"])
    parts: dict[str, Any] = {"sessionStorage": [{"name": name, "value": value} for name, value in entries.items()]}
    parts["indexedDB"] = [each for each in page["databases"] if _is_text(json.dumps(each, ensure_ascii=False))]
    kept = {name: part for name, part in parts.items() if part}
    return {"origins": [{"origin": origin, **kept}]} if kept else {}


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _drop_invalid_text(entries: list[list[str]]) -> dict[str, str]:
    """Leave out what UTF-8 can't encode: a JavaScript string may hold a lone surrogate."""
    kept = {}
    for name, value in entries:
        if _is_text(f"{name}{value}"):
            kept[name] = value
        else:
            _log.warning("An entry of local or session storage is not valid Unicode and is left out.")
    return kept


def _build_headers(page: dict[str, Any]) -> dict[str, str]:
    """Build headers from the browser's JavaScript values, for a browser without a log."""
    first, *others = page["languages"]
    weighted = [f"{language};q={max(0.1, 1 - (rank + 1) / 10):.1f}" for rank, language in enumerate(others)]
    headers = {"User-Agent": page["userAgent"], "Accept-Language": ",".join([first, *weighted])}
    hints = {"sec-ch-ua": "brands", "sec-ch-ua-mobile": "mobile", "sec-ch-ua-platform": "platform"}
    return headers | {name: page[key] for name, key in hints.items() if page[key]}
