"""Makes a session of what another program's file holds."""

import re
from collections import Counter
from dataclasses import replace
from typing import Final

import msgspec
from yarl import URL

from aura_browser.errors import ImportFailed, SessionFormatError, raise_alone
from aura_browser.formats.content import Content, find_user_agent, read_address, undo_latin1
from aura_browser.formats.storage_state import split_origins
from aura_browser.hosts import host_in_url, host_of, is_address, is_same_site, origin_of, registrable_domain
from aura_browser.session import Browser, Cookie, Session
from aura_browser.session.cookie import is_of_site
from aura_browser.session.session import guess_expiry
from aura_browser.text import clean_text, count, list_names

_MAX_SITES: Final = 5
_CHROME: Final = re.compile(r"\bChrome/(\d+(?:\.\d+)*)")
_OTHER: Final = re.compile(r"\b(Firefox|Version)/(\d+(?:\.\d+)*)")


def build_session(
    content: Content, kind: str, *, url: str | None, user_agent: str | None, now: float
) -> tuple[Session, tuple[str, ...]]:
    """Return the session of one site in *content*, and sentences on what is not in it.

    Args:
        content: what the file holds.
        kind: what the file is, for errors.
        url: a page of the site; None for what the file says, or for its only site.
        user_agent: what the browser sends, where the file does not say it.
        now: epoch seconds.

    Raises:
        ImportFailed: if the file is of several sites, or of another one, or holds nothing.
    """
    if content.session is not None:
        return _take_whole(content.session, kind, url), content.left_out
    page = _check_page(url or content.url or _choose_page(content, kind), kind)
    kept, told = _choose_cookies(content.cookies, page, now)
    origins = [each for each in content.origins if _is_of_page(each, page)]
    if others := len(content.origins) - len(origins):
        told.append(f"the storage of {count(range(others), 'other origin')}")
    if not (kept or origins):
        problem = f"it holds nothing for {clean_text(str(page.origin()))}"
        raise ImportFailed(kind, "", problem, f"It holds: {_show(_list_sites(content)) or 'nothing'}.")
    agent = content.user_agent or user_agent
    of_site = replace(content, cookies=kept, origins=tuple(origins), user_agent=agent)
    return _check(_assemble(of_site, page, now), kind), (*content.left_out, *told)


def _assemble(content: Content, page: URL, now: float) -> Session:
    """Return the session at *page* of what a file holds for that site alone."""
    agent = content.user_agent or ""
    headers = dict(content.headers)
    if agent and find_user_agent(headers) is None:
        headers = {"User-Agent": agent, **headers}
    local, extra = split_origins(content.origins, str(origin_of(page)))
    return Session(
        origin=str(origin_of(page)),
        url=str(page.with_user(None).with_fragment(None)),
        user_agent=agent,
        headers=headers,
        cookies=content.cookies,
        local_storage=local,
        proxy=None,
        browser=_read_browser(agent),
        harvested_at=now,
        expires_at=guess_expiry(content.cookies, page),
        is_login=None,
        extra_storage=extra,
        unknown=tuple(each for each in content.unknown if not (each == "user_agent" and agent)),
    )


def _take_whole(session: Session, kind: str, url: str | None) -> Session:
    if url is not None and origin_of(_check_page(url, kind)) != URL(session.origin):
        raise ImportFailed(
            kind, "", f"it is a session of {session.origin}, not of the address given", "Leave out --url."
        )
    return session


def _check_page(url: str, kind: str) -> URL:
    try:
        return read_address(url)
    except ValueError:
        raise_alone(ImportFailed(kind, "", "the address in it is not a web page's", "Give it with --url."))


def _choose_cookies(cookies: tuple[Cookie, ...], page: URL, now: float) -> tuple[tuple[Cookie, ...], list[str]]:
    """Return the cookies that the site may see and that are not over, and sentences on the others."""
    own = [cookie for cookie in cookies if _is_of_site(cookie, page)]
    told = []
    if others := [cookie for cookie in cookies if cookie not in own]:
        sites = Counter(registrable_domain(cookie.domain) for cookie in others)
        names = ", ".join(clean_text(site) for site, _ in sites.most_common(_MAX_SITES))
        told.append(
            f"{count(others, 'cookie')} of {count(sites, 'other site')}: {names}{', …' * (len(sites) > _MAX_SITES)}"
        )
    kept = tuple(cookie for cookie in own if not cookie.is_over(now))
    if over := len(own) - len(kept):
        told.append(f"{over} expired {'cookie' if over == 1 else 'cookies'}")
    if garbled := [cookie.name for cookie in kept if undo_latin1(cookie.value) is not None]:
        told.append(
            f"the right value of {count(garbled, 'cookie')}, whose UTF-8 was saved as Latin-1: {list_names(garbled)}"
        )
    return kept, told


def _is_of_site(cookie: Cookie, page: URL) -> bool:
    try:
        return is_of_site(cookie, page)
    except ValueError:  # a partition that is not an address
        return False


def _is_of_page(origin: dict[str, str], page: URL) -> bool:
    try:
        return is_same_site(read_address(origin["origin"]), page)
    except ValueError:
        return False


def _choose_page(content: Content, kind: str) -> str:
    """Return the page of the only site that *content* is of."""
    hosts, sites = _list_hosts(content), _list_sites(content)
    if not sites:
        problem = "; ".join(("it holds no cookies that can be kept", *content.left_out))
        raise ImportFailed(kind, "", problem, "Export it again, logged in at the site.")
    if len(sites) > 1:
        first = clean_text(max(sites, key=sites.__getitem__))
        problem = f"it is of several sites: {_show(sites)}"
        raise ImportFailed(kind, "", problem, f"Name one, such as --url https://{first}/")
    (site,) = sites
    origins = [each["origin"] for each in content.origins]
    if len(origins) == 1:
        return f"{origins[0]}/"
    return _guess_address(content, next(iter(hosts)) if len(hosts) == 1 else site, kind)


def _guess_address(content: Content, host: str, kind: str) -> str:
    """Return the address of *host*: HTTPS, unless the cookies say where they were set."""
    ports = {(cookie.source_scheme, cookie.source_port) for cookie in content.cookies}
    scheme, port = next(iter(ports)) if len(ports) == 1 else (None, None)
    shown = host_in_url(host)
    if port is not None and port > 0 and scheme in {"Secure", "NonSecure"}:
        return f"{'https' if scheme == 'Secure' else 'http'}://{shown}:{port}/"
    if is_address(host) or "." not in host:
        address = f"http://{shown}:8080/"
        raise ImportFailed(kind, "", "it does not say which port its site has", f"Give the address: --url {address}")
    return f"https://{shown}/"


def _list_hosts(content: Content) -> Counter[str]:
    hosts = Counter(cookie.domain for cookie in content.cookies)
    for each in content.origins:
        try:
            hosts[host_of(read_address(each["origin"]))] += 1
        except ValueError:
            continue
    return hosts


def _list_sites(content: Content) -> Counter[str]:
    """Return the sites of the cookies and of the origins with storage, and how many of those each has."""
    sites: Counter[str] = Counter()
    for host, number in _list_hosts(content).items():
        sites[registrable_domain(host)] += number
    return sites


def _show(sites: Counter[str]) -> str:
    told = [f"{clean_text(site)} ({number})" for site, number in sites.most_common(_MAX_SITES)]
    return ", ".join([*told, *(["…"] if len(sites) > _MAX_SITES else [])])


def _read_browser(user_agent: str) -> Browser:
    if match := _CHROME.search(user_agent):
        return Browser(name="chrome", version=match[1])
    if match := _OTHER.search(user_agent):
        return Browser(name="firefox" if match[1] == "Firefox" else "safari", version=match[2])
    return Browser(name="unknown", version="")


def _check(session: Session, kind: str) -> Session:
    """Return *session* if it can be stored and read back."""
    try:
        return Session.from_json(msgspec.json.encode(session))
    except SessionFormatError as error:
        raise_alone(ImportFailed(kind, error.field, error.problem, "Export it again."))
    except ValueError:
        raise_alone(ImportFailed(kind, "", "it holds text that is not valid Unicode", "Export it again."))
