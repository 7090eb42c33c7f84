"""Reads a site's cookies from a browser."""

import logging
from typing import Any, Final

import msgspec
from yarl import URL

from aura_browser.session.cookie import Cookie, is_of_site
from aura_browser.webdriver.answers import reading_answers
from aura_browser.webdriver.devtools import call_devtools
from aura_browser.webdriver.driver import Driver

_log = logging.getLogger(__name__)

# Chrome calls these deprecated, in favour of Storage.getCookies and Storage.setCookies. In a tab those are about the
# profile that was used last, whichever the tab is in (Chrome 156).
GET_COOKIES: Final = "Network.getAllCookies"
"""The command for all cookies of the profile that a tab is in."""
SET_COOKIES: Final = "Network.setCookies"
"""The command that sets cookies in the profile that a tab is in."""


@reading_answers()
def read_cookies(driver: Driver, url: URL) -> tuple[Cookie, ...]:
    """Read the cookies of the site of *url*: those of its host, its parent domains and its subdomains, no others.

    HttpOnly and partitioned cookies are included. Chrome returns cookies in the order in which it sends them.
    """
    result = call_devtools(driver, GET_COOKIES)
    return tuple(cookie for raw in result["cookies"] if (cookie := parse_cookie(raw)) and is_of_site(cookie, url))


def parse_cookie(raw: dict[str, Any]) -> Cookie | None:
    """Build a cookie from CDP's form; None if CDP could not transfer it, or it belongs to no nameable page."""
    if raw.get("partitionKeyOpaque"):
        return None
    # CDP leaves a name or value empty that is not UTF-8.
    if raw["size"] != len(f"{raw['name']}{raw['value']}".encode()):
        _log.warning(
            "A cookie of %s is not UTF-8, can't be read from Chrome and is left out. Only requests that the browser "
            "sends have it (--transport page).",
            raw["domain"],
        )
        return None
    partition = raw.get("partitionKey", {})
    facts = {
        "name": raw["name"],
        "value": raw["value"],
        "domain": raw["domain"].lstrip(".").strip("[]").lower(),
        "host_only": not raw["domain"].startswith("."),
        "path": raw["path"],
        "expires": None if raw["session"] else raw["expires"],
        "secure": raw["secure"],
        "http_only": raw["httpOnly"],
        "same_site": raw.get("sameSite"),
        "partition_key": partition.get("topLevelSite"),
        "has_cross_site_ancestor": partition.get("hasCrossSiteAncestor"),
        "source_scheme": raw.get("sourceScheme"),
        "source_port": raw.get("sourcePort"),
        "priority": raw.get("priority"),
    }
    return msgspec.convert(facts, Cookie)
