"""Names what a page says by its status, or by asking for a login: the errors of a site that is not ready."""

import time
from http import HTTPStatus
from typing import Final

from yarl import URL

from aura_browser.errors import AuraError, LoginNeeded, PageFailed, RateLimited, SiteFailed
from aura_browser.proxy.address import PROXY_REFUSED
from aura_browser.request import parse_retry_after
from aura_browser.site import Site
from aura_browser.text import redact_url
from aura_browser.urls import read_url
from aura_browser.webdriver.observing import Observation, Observer
from aura_browser.webdriver.options import BrowserOptions

_MISSING: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
# Seconds that a page is given to go on to another one by itself.
_PLAIN_PAGE_S: Final = 0.5
_SCRIPTED_PAGE_S: Final = 3.0
_LOGIN_AT_ASKED_PAGE_S: Final = 1.0


def raise_failure(observer: Observer, seen: Observation, site: Site) -> None:
    """Raise the error for a page that could not be loaded; return if it was loaded.

    Raises:
        PageFailed: with Chrome's error code, or if the proxy refused the password.
    """
    if seen.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        raise PageFailed(redact_url(site.url), PROXY_REFUSED)
    if seen.frame.has_failed and not seen.has_error_status and seen.is_complete:
        raise PageFailed(
            redact_url(site.url), observer.log.failure_of(seen.frame.loader) or "Chrome shows an error page"
        )


def find_refusal(
    observer: Observer, seen: Observation, site: Site, options: BrowserOptions, *, shown_for_s: float
) -> AuraError | None:
    """Return the error that a page without a person means; None while it may still go on to another one.

    Args:
        observer: observes the tab.
        seen: what it shows.
        site: the site.
        options: for the command with which a person logs in.
        shown_for_s: how long this document has been shown without a change, in seconds.
    """
    url = redact_url(seen.frame.url if seen.frame.url.startswith("http") else site.url)
    if basic := seen.headers.get("www-authenticate", "") if seen.status == HTTPStatus.UNAUTHORIZED else "":
        is_basic = basic.lower().startswith("basic")
        if is_basic or not seen.is_complete:
            return _build_basic_refusal(url, site, options) if is_basic else None
    if not seen.is_complete or seen.is_check:
        return None
    is_over = shown_for_s >= (_SCRIPTED_PAGE_S if seen.has_script else _PLAIN_PAGE_S)
    match seen.status:
        case HTTPStatus.TOO_MANY_REQUESTS if is_over:
            return RateLimited(url, _read_retry_after(seen))
        case status if status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR and is_over:
            return SiteFailed(url, status, seen.text, _read_retry_after(seen))
        case status if status in _MISSING and shown_for_s >= _SCRIPTED_PAGE_S:
            return PageFailed(redact_url(site.url), f"the site answers {status}")
    return _find_login(observer, seen, site, options, shown_for_s=shown_for_s)


def build_login_needed(url: str, mark: str, site: Site, options: BrowserOptions) -> LoginNeeded:
    """Return the error for a page that asks for a login, with the command to log in."""
    return LoginNeeded(url, mark, site.login_command(*options.command_options))


def _build_basic_refusal(url: str, site: Site, options: BrowserOptions) -> LoginNeeded:
    command = site.login_command(*options.command_options, how="--basic")
    if options.basic is None:
        return LoginNeeded(url, "HTTP basic authentication", command)
    return LoginNeeded(url, "HTTP basic authentication, and it refused this user and password", command)


def _find_login(
    observer: Observer, seen: Observation, site: Site, options: BrowserOptions, *, shown_for_s: float
) -> LoginNeeded | None:
    url = redact_url(seen.frame.url)
    is_elsewhere = not seen.frame.url.startswith("http") or not _is_same_page(
        read_url(seen.frame.url), read_url(site.url)
    )
    patience_s = _PLAIN_PAGE_S if is_elsewhere or seen.has_error_status else _LOGIN_AT_ASKED_PAGE_S
    if shown_for_s >= patience_s and observer.page.shows_password():
        return build_login_needed(url, "a password field", site, options)
    if seen.status == HTTPStatus.UNAUTHORIZED and shown_for_s >= _LOGIN_AT_ASKED_PAGE_S:
        return build_login_needed(url, "status 401", site, options)
    return None


def _is_same_page(one: URL, other: URL) -> bool:
    return (one.host, one.path, one.query_string) == (other.host, other.path, other.query_string)


def _read_retry_after(seen: Observation) -> float | None:
    return parse_retry_after(seen.headers.get("retry-after", ""), time.time())
