"""Reads a session from a browser that is ready."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any, Final

from selenium.common.exceptions import WebDriverException
from yarl import URL

from aura_browser.hosts import domain_matches, host_of, is_same_site, registrable_domain
from aura_browser.session import Browser, Session
from aura_browser.session.cookie import Cookie
from aura_browser.webdriver.visit import Driver

_log = logging.getLogger(__name__)

# What belongs to one request and not to the browser; the client makes its own.
_PER_REQUEST: Final = frozenset(
    {
        *(
            "accept",
            "accept-encoding",
            "authorization",
            "cache-control",
            "connection",
            "content-length",
            "content-type",
        ),
        *(
            "cookie",
            "host",
            "if-modified-since",
            "if-none-match",
            "origin",
            "pragma",
            "priority",
            "proxy-authorization",
        ),
        *("purpose", "range", "referer", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user"),
        *("sec-purpose", "upgrade-insecure-requests"),
    }
)
_PAGE: Final = """
const storage = {};
try { for (const key of Object.keys(localStorage)) storage[key] = localStorage.getItem(key); } catch (error) {}
const brands = navigator.userAgentData;
return {
  href: location.href,
  userAgent: navigator.userAgent,
  languages: navigator.languages,
  brands: brands && brands.brands.map((b) => `"${b.brand}";v="${b.version}"`).join(', '),
  mobile: brands && (brands.mobile ? '?1' : '?0'),
  platform: brands && `"${brands.platform}"`,
  storage,
  passing: (() => { try { return Object.keys(sessionStorage) } catch (error) { return [] } })(),
};
"""
_TOKEN_NAME: Final = re.compile(r"token|auth|session|jwt|login", re.IGNORECASE)


def read_session(driver: Driver, *, proxy: str | None, now: float) -> Session:
    """Read the session of the site that *driver* is at.

    Args:
        driver: at a page that is ready.
        proxy: what the browser was started with.
        now: epoch seconds.
    """
    page = driver.execute_script(_PAGE)
    url = URL(page["href"])
    entries = _log_entries(driver)
    headers = _sent_headers(entries, str(url.origin())) or _told_headers(page)
    capabilities = driver.capabilities
    session = Session(
        origin=str(url.origin()),
        url=str(url.with_fragment(None)),
        user_agent=headers.get("User-Agent", page["userAgent"]),
        headers=headers,
        cookies=(),
        local_storage=_texts(page["storage"]),
        proxy=proxy,
        browser=Browser(name=capabilities["browserName"], version=capabilities["browserVersion"]),
        harvested_at=now,
    )
    session = session.with_cookies(read_cookies(driver, url))
    for doubt in _doubts(session, entries, page["passing"]):
        _log.warning("%s: %s", session.origin, doubt)
    return session


def _doubts(session: Session, entries: list[dict[str, Any]], passing: list[str]) -> Iterator[str]:
    """Tell of what a browser has and no other program can be given."""
    if partitioned := sum(cookie.partition_key is not None for cookie in session.cookies):
        yield f"{partitioned} partitioned cookies are kept here, but the formats of most other tools can't hold them."
    if any("-Session-Registration" in entry["message"] for entry in entries):
        yield "the site binds its session to this device; it is likely to end when the browser's key is asked for."
    if any(_TOKEN_NAME.search(name) for name in passing):
        yield "the page keeps what looks like a login in its session storage, which ends with the browser's window."


def read_cookies(driver: Driver, url: URL) -> tuple[Cookie, ...]:
    """Read the cookies of the site that *url* is at: its host's, its parents' and its sub-domains', no others.

    HttpOnly and partitioned ones are there too. Chrome gives them in the order that it sends them in (measured).
    """
    answer: dict[str, Any] = driver.execute_cdp_cmd("Storage.getCookies", {})
    return tuple(cookie for raw in answer["cookies"] if (cookie := _cookie(raw)) and _belongs(cookie, url))


def _texts(storage: dict[str, str]) -> dict[str, str]:
    """Leave out what no file can hold: strings of JavaScript may have half a character."""
    kept = {}
    for name, value in storage.items():
        try:
            f"{name}{value}".encode()
        except UnicodeEncodeError:
            _log.warning("An entry of the local storage is no Unicode text and is left out.")
        else:
            kept[name] = value
    return kept


def _belongs(cookie: Cookie, url: URL) -> bool:
    host = host_of(url)
    if cookie.partition_key and not is_same_site(URL(cookie.partition_key), url):
        return False
    if cookie.domain == host or domain_matches(cookie.domain, host):
        return True
    return domain_matches(host, cookie.domain) and domain_matches(cookie.domain, registrable_domain(host))


def _cookie(raw: dict[str, Any]) -> Cookie | None:
    """Take a cookie from CDP's form; None for one that CDP can't hand over."""
    if raw["size"] and not raw["name"] and not raw["value"]:
        _log.warning("A cookie of %s is not in UTF-8 and can't be read from Chrome; it is left out.", raw["domain"])
        return None
    return Cookie(
        name=raw["name"],
        value=raw["value"],
        domain=raw["domain"].lstrip(".").strip("[]").lower(),
        host_only=not raw["domain"].startswith("."),
        path=raw["path"],
        expires=None if raw["session"] else raw["expires"],
        secure=raw["secure"],
        http_only=raw["httpOnly"],
        same_site=raw.get("sameSite"),
        partition_key=raw.get("partitionKey", {}).get("topLevelSite"),
    )


def _log_entries(driver: Driver) -> list[dict[str, Any]]:
    try:
        entries: list[dict[str, Any]] = driver.get_log("performance")
    except WebDriverException:
        return []  # a caller's own driver may not log
    return entries


def _sent_headers(entries: list[dict[str, Any]], origin: str) -> dict[str, str]:
    """Return what the browser sent with every request to *origin*, from its own log; empty if it keeps none.

    The site may ask for more client hints in its first answer, so all requests count and the latest wins.
    """
    addresses: dict[str, str] = {}
    sent: dict[str, dict[str, str]] = {}
    for method, params in _events(entries):
        if method == "Network.requestWillBeSent":
            addresses[params["requestId"]] = params["request"]["url"]
        elif method == "Network.requestWillBeSentExtraInfo":
            sent[params["requestId"]] = params["headers"]
    headers: dict[str, str] = {}
    for request, values in sent.items():
        if addresses.get(request, "").startswith(f"{origin}/"):
            headers |= {name: value for name, value in values.items() if _is_lasting(name)}
    return headers


def _events(entries: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in entries:
        if "Network.requestWillBeSent" in entry["message"]:
            message = json.loads(entry["message"])["message"]
            yield message["method"], message["params"]


def _is_lasting(name: str) -> bool:
    return name.lower() not in _PER_REQUEST and not name.startswith(":")


def _told_headers(page: dict[str, Any]) -> dict[str, str]:
    """Put together what the browser says of itself, where it keeps no log of what it sent."""
    first, *others = page["languages"]
    weighted = [f"{language};q={max(0.1, 1 - (rank + 1) / 10):.1f}" for rank, language in enumerate(others)]
    headers = {"User-Agent": page["userAgent"], "Accept-Language": ",".join([first, *weighted])}
    hints = {"sec-ch-ua": "brands", "sec-ch-ua-mobile": "mobile", "sec-ch-ua-platform": "platform"}
    return headers | {name: page[key] for name, key in hints.items() if page[key]}
