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
from aura_browser.webdriver.driver import Driver

_log = logging.getLogger(__name__)

# Headers of a single request; the client sends its own.
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
_PAGE_SCRIPT: Final = """
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
  sessionKeys: (() => { try { return Object.keys(sessionStorage) } catch (error) { return [] } })(),
};
"""
_TOKEN_NAME: Final = re.compile(r"token|auth|session|jwt|login", re.IGNORECASE)


def read_session(driver: Driver, *, proxy: str | None, now: float) -> Session:
    """Read the session of the site whose page is open.

    Args:
        driver: the driver of a browser with a page that is ready.
        proxy: the proxy that the session is for.
        now: epoch seconds.
    """
    page = driver.execute_script(_PAGE_SCRIPT)
    url = URL(page["href"])
    entries = _read_log(driver)
    headers = _collect_sent_headers(entries, str(url.origin())) or _build_headers(page)
    capabilities = driver.capabilities
    session = Session(
        origin=str(url.origin()),
        url=str(url.with_fragment(None)),
        user_agent=headers.get("User-Agent", page["userAgent"]),
        headers=headers,
        cookies=(),
        local_storage=_drop_invalid_text(page["storage"]),
        proxy=proxy,
        browser=Browser(name=capabilities["browserName"], version=capabilities["browserVersion"]),
        harvested_at=now,
    )
    session = session.with_cookies(read_cookies(driver, url))
    for limitation in _find_limitations(session, entries, page["sessionKeys"]):
        _log.warning("%s: %s", session.origin, limitation)
    return session


def _find_limitations(session: Session, entries: list[dict[str, Any]], session_keys: list[str]) -> Iterator[str]:
    """Describe what the browser has and the session can't carry to another program."""
    if partitioned := sum(cookie.partition_key is not None for cookie in session.cookies):
        yield f"{partitioned} partitioned cookies are kept, but most other tools' file formats can't hold them."
    if any("-Session-Registration" in entry["message"] for entry in entries):
        yield "the site binds its session to this device; it will probably end when it asks for the browser's key."
    if any(_TOKEN_NAME.search(name) for name in session_keys):
        yield "the page seems to keep a login in its session storage, which is lost when the window closes."


def read_cookies(driver: Driver, url: URL) -> tuple[Cookie, ...]:
    """Read the cookies of the site of *url*: those of its host, its parent domains and its subdomains, no others.

    HttpOnly and partitioned cookies are included. Chrome returns cookies in the order in which it sends them.
    """
    result: dict[str, Any] = driver.execute_cdp_cmd("Storage.getCookies", {})
    return tuple(cookie for raw in result["cookies"] if (cookie := parse_cookie(raw)) and _is_of_site(cookie, url))


def _drop_invalid_text(storage: dict[str, str]) -> dict[str, str]:
    """Leave out what UTF-8 can't encode: a JavaScript string may hold a lone surrogate."""
    kept = {}
    for name, value in storage.items():
        try:
            f"{name}{value}".encode()
        except UnicodeEncodeError:
            _log.warning("A local storage entry is not valid Unicode and is left out.")
        else:
            kept[name] = value
    return kept


def _is_of_site(cookie: Cookie, url: URL) -> bool:
    host = host_of(url)
    if cookie.partition_key and not is_same_site(URL(cookie.partition_key), url):
        return False
    if cookie.domain == host or domain_matches(cookie.domain, host):
        return True
    return domain_matches(host, cookie.domain) and domain_matches(cookie.domain, registrable_domain(host))


def parse_cookie(raw: dict[str, Any]) -> Cookie | None:
    """Build a cookie from CDP's form; None if CDP could not transfer it, or it belongs to no nameable page."""
    if raw.get("partitionKeyOpaque"):
        return None
    # CDP leaves a name or value empty that is not UTF-8.
    if raw["size"] != len(f"{raw['name']}{raw['value']}".encode()):
        _log.warning("A cookie of %s is not UTF-8, can't be read from Chrome and is left out.", raw["domain"])
        return None
    partition = raw.get("partitionKey", {})
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
        partition_key=partition.get("topLevelSite"),
        has_cross_site_ancestor=partition.get("hasCrossSiteAncestor"),
        source_scheme=raw.get("sourceScheme"),
        source_port=raw.get("sourcePort"),
        priority=raw.get("priority"),
    )


def _read_log(driver: Driver) -> list[dict[str, Any]]:
    try:
        entries: list[dict[str, Any]] = driver.get_log("performance")
    except WebDriverException:
        return []  # a caller's own driver may have no such log
    return entries


def _collect_sent_headers(entries: list[dict[str, Any]], origin: str) -> dict[str, str]:
    """Return the lasting headers that the browser sent to *origin*, from its log; empty if it has no log.

    The site may ask for more client hints in its first response, so all requests count and the latest wins.
    """
    addresses: dict[str, str] = {}
    sent: dict[str, dict[str, str]] = {}
    for method, params in _parse_events(entries):
        if method == "Network.requestWillBeSent":
            addresses[params["requestId"]] = params["request"]["url"]
        elif method == "Network.requestWillBeSentExtraInfo":
            sent[params["requestId"]] = params["headers"]
    headers: dict[str, str] = {}
    for request, values in sent.items():
        if addresses.get(request, "").startswith(f"{origin}/"):
            headers |= {name: value for name, value in values.items() if _is_lasting(name)}
    return headers


def _parse_events(entries: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in entries:
        if "Network.requestWillBeSent" in entry["message"]:
            message = json.loads(entry["message"])["message"]
            yield message["method"], message["params"]


def _is_lasting(name: str) -> bool:
    return name.lower() not in _PER_REQUEST and not name.startswith(":")


def _build_headers(page: dict[str, Any]) -> dict[str, str]:
    """Build headers from the page's JavaScript values, for a browser without a log."""
    first, *others = page["languages"]
    weighted = [f"{language};q={max(0.1, 1 - (rank + 1) / 10):.1f}" for rank, language in enumerate(others)]
    headers = {"User-Agent": page["userAgent"], "Accept-Language": ",".join([first, *weighted])}
    hints = {"sec-ch-ua": "brands", "sec-ch-ua-mobile": "mobile", "sec-ch-ua-platform": "platform"}
    return headers | {name: page[key] for name, key in hints.items() if page[key]}
