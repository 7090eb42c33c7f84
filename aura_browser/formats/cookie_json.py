"""Cookies as JSON: what browser extensions, Puppeteer, Playwright, Selenium, CDP and WebDriver BiDi write.

All of them write a list of objects, alone or under ``cookies``; they differ in names and in a few values. One reader
takes them all, since people mix and edit them.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeGuard

from aura_browser.formats.content import Content, CookieFacts, build_cookies
from aura_browser.session.cookie_date import parse_cookie_date

_SAME_SITES: Final = {"strict": "Strict", "lax": "Lax", "none": "None", "no_restriction": "None"}
_EXPIRY_NAMES: Final = ("expires", "expirationDate", "expiry")
_SCHEMES: Final = frozenset({"Secure", "NonSecure", "Unset"})
_PRIORITIES: Final = frozenset({"Low", "Medium", "High"})
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]*)?")
_ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]{5,18}(?:Z|[+-]\d\d:?\d\d)?")
_KINDS: Final[tuple[tuple[str, Callable[[dict[str, Any]], bool]], ...]] = (
    ("WebDriver BiDi", lambda first: isinstance(first.get("value"), dict)),
    ("tough-cookie", lambda first: "key" in first),
    ("browser extension", lambda first: bool({"hostOnly", "storeId", "expirationDate"} & first.keys())),
    ("CDP", lambda first: "sourcePort" in first and "session" in first),
    ("Puppeteer", lambda first: bool({"size", "sourceScheme", "priority", "partitionKeyOpaque"} & first.keys())),
    ("Selenium", lambda first: "expiry" in first),
)


def name_writer(items: list[dict[str, Any]]) -> str:
    """Return what most probably wrote a list of cookies."""
    keys: dict[str, Any] = {}
    for item in items:
        keys |= item
    return next((name for name, fits in _KINDS if fits(keys)), "Playwright or Selenium")


def load(items: list[dict[str, Any]]) -> Content:
    """Return the cookies in *items*."""
    cookies, left_out = build_cookies(map(read_cookie, items))
    return Content(cookies=cookies, unknown=("user_agent", "local_storage"), left_out=left_out)


def read_cookie(item: Mapping[str, Any]) -> CookieFacts:
    """Return the facts of a cookie that any of the programs wrote. What is not of the right type is no cookie."""
    domain = item.get("domain", item.get("host"))
    is_dotted = isinstance(domain, str) and domain.startswith(".")
    host_only = item.get("hostOnly")
    facts: CookieFacts = {
        "name": item.get("key", item.get("name")),
        "value": _read_value(item.get("value")),
        "domain": domain,
        "host_only": host_only if isinstance(host_only, bool) else not is_dotted,
        "path": item.get("path") or "/",
        "expires": None if item.get("session") is True else _read_expiry(item),
        "secure": item.get("secure") is True,
        "http_only": item.get("httpOnly", item.get("httponly")) is True,
        "same_site": _read_same_site(item),
    }
    return facts | _read_partition(item) | _read_source(item)


def _read_value(value: Any) -> Any:  # noqa: ANN401 - what the file holds; checked later
    # WebDriver BiDi's network.BytesValue; base64 stands for what is not UTF-8.
    is_text = isinstance(value, dict) and value.get("type") == "string"
    return value["value"] if is_text and "value" in value else value


def _read_same_site(item: Mapping[str, Any]) -> str | None:
    word = item.get("sameSite")
    same_site = _SAME_SITES.get(word.lower()) if isinstance(word, str) else None
    # ChromeDriver's BiDi and Firefox say so where the site set nothing; browsers take None with Secure only.
    return None if same_site == "None" and item.get("secure") is not True else same_site


def _read_expiry(item: Mapping[str, Any]) -> float | None:
    value = next((item[name] for name in _EXPIRY_NAMES if item.get(name) is not None), None)
    since, age = _read_date(item.get("creation")), item.get("maxAge")
    if since is not None and _is_number(age):  # of tough-cookie, which counts from the creation
        return since + age
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if _is_number(value):
        return min(value, 1e18)
    then = _read_date(value)
    # 0 and less mean no end; a date that long ago is one that a program keeps with a cookie that is gone.
    return then if then is None else max(then, 1.0)


def _is_number(value: Any) -> TypeGuard[float]:  # noqa: ANN401 - what the file holds
    return isinstance(value, int | float) and not isinstance(value, bool)


def _read_date(text: object) -> float | None:
    if not isinstance(text, str):
        return None
    if not _ISO_DATE.fullmatch(text):
        return parse_cookie_date(text)
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _read_partition(item: Mapping[str, Any]) -> CookieFacts:
    if item.get("partitionKeyOpaque") is True:
        return {"name": None}  # it belongs to no page that could be named
    key = item.get("partitionKey") or item.get("goog:partitionKey")
    ancestor = item.get("_crHasCrossSiteAncestor")
    if isinstance(key, dict):
        ancestor = key.get("hasCrossSiteAncestor")
        key = key.get("topLevelSite", key.get("sourceOrigin"))
    if not key:
        return {}
    return {"partition_key": key, "has_cross_site_ancestor": ancestor if isinstance(ancestor, bool) else None}


def _read_source(item: Mapping[str, Any]) -> CookieFacts:
    names = ("sourceScheme", "sourcePort", "priority")
    # ChromeDriver's BiDi marks what the standard does not know.
    scheme, port, priority = (item.get(name, item.get(f"goog:{name}")) for name in names)
    return {
        "source_scheme": scheme if isinstance(scheme, str) and scheme in _SCHEMES else None,
        "source_port": port if type(port) is int and -1 <= port <= 65535 else None,  # noqa: PLR2004 - a port
        "priority": priority if isinstance(priority, str) and priority in _PRIORITIES else None,
    }
