"""Finds a request that is answered differently with the login and without it, by asking both ways."""

import json
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from yarl import URL

from aura_browser.errors import AuraError, RateLimited
from aura_browser.hosts import origin_of
from aura_browser.http.comparison import ProbeAnswer
from aura_browser.http.proof import ask_with
from aura_browser.http.verdict import Verdict, is_html
from aura_browser.learning.findings import Finding
from aura_browser.session import Session
from aura_browser.site import Probe, Site
from aura_browser.site.mark import Mark
from aura_browser.urls import join_url, read_url
from aura_browser.webdriver.network_log import SeenRequest
from aura_browser.webdriver.repeatable import is_harmless

MAX_REQUESTS: Final = 30
"""How many requests a site is learned with."""

_MAX_CANDIDATES: Final = 10
_OK: Final = 200
_KINDS: Final = frozenset({"Document", "XHR", "Fetch"})
# Words in addresses that say whose login it is. The most telling first.
_TELLING: Final = (
    re.compile(r"/me\b|whoami|user|account|session|identity"),
    re.compile(r"profile|settings|preferences"),
)
_LOGIN: Final = re.compile(r"log[_-]?[io]n|sign[_-]?in|auth|sso\b|saml", re.IGNORECASE)
_NOTABLE_HEADER: Final = re.compile(r"x-.*(error|user|auth|login)|.*-api-error", re.IGNORECASE)
# What pages show to members only. The most particular first.
_MEMBER_TEXTS: Final = (
    *("Logged in as", "Signed in as", "do=logout", "action=logout", "/logout", "/signout", "/sign_out", "/log_out"),
    *("logout", "signout", "Log out", "Sign out", "Abmelden", "Déconnexion", "Cerrar sesión"),
)
_RANDOM: Final = re.compile(r"[0-9a-f-]{20,}", re.IGNORECASE)
_NOBODY: Final = re.compile(r"^(anonymous|guest|visitor)\b", re.IGNORECASE)
_NAMES: Final = frozenset({"username", "user", "login"})
_ACCOUNT_KEYS: Final = ("username", "user", "login", "email", "name", "identifier", "id", "identity", "account", "data")
_MAX_DEPTH: Final = 3


class BudgetSpent(Exception):
    """No more requests may be sent."""


class Asker:
    """Asks a site with a session and without it; counts, and refuses what may change something or leads elsewhere.

    Args:
        site: the site, whose origins may be asked.
        session: the session.
        budget: how many requests may be sent.

    Attributes:
        sent: how many were sent.
        session: as the answers have changed it: a site may give a cookie another value with each.
    """

    def __init__(self, site: Site, session: Session, budget: int = MAX_REQUESTS) -> None:
        self.sent = 0
        self.site = site
        self.session = session
        self._budget = budget

    async def ask(self, path: str, session: Session | None) -> ProbeAnswer | None:
        """Return the answer to a GET of *path*; None if there is no answer.

        Raises:
            BudgetSpent: if no more requests may be sent.
            RateLimited: if the site limits requests.
        """
        url = join_url(URL(self.site.origin), path)
        if not self.site.owns(url) or not is_harmless(url):
            return None
        if self.sent >= self._budget:
            raise BudgetSpent
        self.sent += 1
        probe = Probe(path, good=Mark(text=" "))  # a mark that looks at the body, so that more of it is read
        try:
            answer = await ask_with(self.site, probe, session or self.session, as_stranger=session is None)
        except AuraError:
            return None
        if answer.ruling.verdict is Verdict.LIMITED:
            raise RateLimited(str(url), answer.ruling.retry_after_s)
        if session is self.session and answer.status == _OK:
            self.take_cookies(answer)
        return answer

    def take_cookies(self, answer: ProbeAnswer) -> None:
        """Use the cookies of an answer to the login from now on. One to less than all of it may be a stranger's."""
        date = answer.headers.get("Date", "")
        self.session = self.session.fold(answer.set_cookies, answer.url, time.time(), date)


@dataclass(frozen=True)
class Pair:
    """The answers to one request.

    Attributes:
        path: what was asked.
        good: the answer with the session.
        stranger: the one without.
        again: another answer with the session; None if it was not asked for.
    """

    path: str
    good: ProbeAnswer
    stranger: ProbeAnswer
    again: ProbeAnswer | None = None


def list_candidates(site: Site, requests: Iterable[SeenRequest]) -> list[str]:
    """Return what a probe may be: GETs of the page's own that were answered with data, JSON first, the last first."""
    found: dict[str, tuple[bool, int]] = {}
    for request in list(requests)[::-1]:
        if (request.method, request.status) != ("GET", _OK):
            continue
        if request.kind not in _KINDS or not request.url.startswith("http"):
            continue
        try:
            url = read_url(request.url)
            if not site.owns(url) or not is_harmless(url):
                continue
        except ValueError:
            continue
        path = url.raw_path_qs if str(origin_of(url)) == site.origin else str(url.with_fragment(None))
        found.setdefault(path, _rank(url, request.mime_type))
    return sorted(found, key=lambda path: found[path])[:_MAX_CANDIDATES]


def _rank(url: URL, mime_type: str) -> tuple[bool, int]:
    """Return how well an answer may tell a login, the best first: data, and an address that names the account."""
    return "json" not in mime_type, _tell(url.path)


def _tell(path: str) -> int:
    """Return how well a path tells whose login it is, from 0; the number of ``_TELLING`` if it does not."""
    telling = (number for number, words in enumerate(_TELLING) if words.search(path.lower()))
    return next(telling, len(_TELLING))


Found = tuple["Pair", Mark, Mark | None]
"""Two answers to one request, a mark that fits the good one only, and one that fits the stranger's only, if any."""


async def find_pair(asker: Asker, candidates: Iterable[str]) -> Found | None:
    """Return the first request that is answered differently with the session and without it; None if there is none.

    One that names the account is better. So of further ones those whose addresses tell of an account are tried.
    """
    first: Found | None = None
    for path in candidates:
        if first is not None and _tell(path) == len(_TELLING):
            continue
        found = await _try_pair(asker, path)
        if found is not None and find_identity(found[0]):
            return found
        first = first or found
    return first


async def _try_pair(asker: Asker, path: str) -> Found | None:
    good = await asker.ask(path, asker.session)
    if good is None or good.status != _OK:
        return None
    stranger = await asker.ask(path, None)
    if stranger is None:
        return None
    pair = Pair(path, good, stranger)
    marks = _find_marks(pair)
    if marks and find_identity(pair):
        pair = replace(pair, again=await asker.ask(path, asker.session))
    return (pair, *marks) if marks else None


def _find_marks(pair: Pair) -> tuple[Mark, Mark | None] | None:
    """Return a mark that fits the good answer only, and one that fits the stranger's only, if there is one."""
    good, stranger = pair.good.as_marked, pair.stranger.as_marked
    marks = [mark for mark in _list_marks(pair) if mark.matches(good) and not mark.matches(stranger)]
    if not marks:
        return None
    dropped = [mark for mark in _list_dropped(pair) if mark.matches(stranger) and not mark.matches(good)]
    return marks[0], dropped[0] if dropped else None


def _list_marks(pair: Pair) -> Iterator[Mark]:
    yield Mark(pair.good.status, type=_type_of(pair.good))
    for name in pair.stranger.headers:
        if name not in pair.good.headers and _NOTABLE_HEADER.fullmatch(name):
            yield Mark(without_header=name)
    yield from (Mark(json=path) for path, _ in list_accounts(_parse(pair.good.body)))
    if is_html(pair.good.headers):
        yield from (Mark(text=text) for text in _MEMBER_TEXTS)


def _list_dropped(pair: Pair) -> Iterator[Mark]:
    answer = pair.stranger
    if target := answer.as_marked.location:
        by_path = Mark(answer.status, location=f"{target.path}*")
        by_query = [Mark(answer.status, location=f"*{name}={value}*") for name, value in target.query.items()]
        marks = by_query if target.path == answer.url.path else [by_path, *by_query]
        yield from sorted(marks, key=lambda mark: not names_login(mark))
    for name, value in answer.headers.items():
        if name not in pair.good.headers and _NOTABLE_HEADER.fullmatch(name):
            yield Mark(header=name, value=value)
    if answer.status != pair.good.status:
        yield Mark(answer.status)


def names_login(mark: Mark) -> bool:
    """Return whether *mark* is a redirect to an address that names a login, so that no other answer looks like it."""
    return _LOGIN.search(mark.location) is not None


def list_accounts(value: Any, before: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    """Yield the paths in a JSON object that may name an account, with what is there; the likeliest first."""
    if not isinstance(value, dict) or depth >= _MAX_DEPTH:
        return
    for key in _ACCOUNT_KEYS:
        found = value.get(key)
        if isinstance(found, str | int) and not isinstance(found, bool) and str(found):
            yield f"{before}{key}", str(found)
        else:
            yield from list_accounts(found, f"{before}{key}.", depth + 1)


def find_identity(pair: Pair) -> str:
    """Return where the good answer names the account, as a probe takes it; empty if it does not seem to."""
    strangers = dict(list_accounts(_parse(pair.stranger.body)))
    again = dict(list_accounts(_parse((pair.again or pair.good).body)))
    made_up: str | None = None
    for path, account in list_accounts(_parse(pair.good.body)):
        parent, _, key = path.rpartition(".")
        if _RANDOM.fullmatch(account) or _NOBODY.search(account):
            # It may be made anew for each login; then so are the names beside it.
            made_up = parent if key in _NAMES else made_up
        elif account == again.get(path) and account != strangers.get(path) and parent != made_up:
            return f"json:{path}"
    return ""


def describe_probe(pair: Pair, good: Mark, dropped: Mark | None) -> tuple[dict[str, str], Finding]:
    """Return a definition's table ``probe`` for what :func:`find_pair` found, and what to show of it."""
    facts = {"get": pair.path, "good": str(good)}
    if dropped is not None:
        facts["dropped"] = str(dropped)
    if identity := find_identity(pair):
        facts["identity"] = identity
    without = f"; without the login: {dropped}" if dropped else "; without the login it is not"
    return facts, Finding("probe", f"GET {pair.path}: {good}{without}", "tested")


def _type_of(answer: ProbeAnswer) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _parse(body: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
