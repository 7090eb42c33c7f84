"""Puts together a definition of a site from what was seen while a person logged in, and tries it."""

import asyncio
import dataclasses
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from aura_browser.learning.findings import Finding, Sureness
from aura_browser.learning.forgery import find_forgery
from aura_browser.learning.known import find_known
from aura_browser.learning.probes import (
    Asker,
    BudgetSpent,
    Pair,
    describe_probe,
    find_pair,
    list_candidates,
    names_login,
)
from aura_browser.learning.tokens import Carried, find_carried, find_kept, find_origins, find_refresh_token
from aura_browser.session import Cookie, Session
from aura_browser.site import Site
from aura_browser.site.definition import build_site
from aura_browser.site.mark import Mark
from aura_browser.site.place import CAPTURED, Template, read_jwt_end
from aura_browser.site.tables import Definition
from aura_browser.site.tokens import Auth
from aura_browser.text import clean_text, redact_url
from aura_browser.webdriver.watching import Watched

_MAX_COOKIES: Final = 8


@dataclass(frozen=True)
class Proposal:
    """What was learned.

    Attributes:
        definition: the keys of the site's table.
        session: the session, with what the definition takes from the page's requests.
        findings: what was looked for, to show.
        is_proven: whether a request was found that proves the login.
        sent: how many requests were sent.
    """

    definition: Mapping[str, Any]
    session: Session
    findings: tuple[Finding, ...]
    is_proven: bool
    sent: int


async def propose(url: str, watched: Watched) -> Proposal:
    """Return a definition of the site at *url*.

    Args:
        url: the page that the person opened.
        watched: what was seen.

    Raises:
        RateLimited: if the site limits requests.
    """
    return await _Learner(url, watched).run()


class _Learner:
    """Learns one site."""

    def __init__(self, url: str, watched: Watched) -> None:
        self._session = watched.session
        self._requests = watched.requests
        self._facts: dict[str, Any] = {"url": url}
        self._findings: list[Finding] = []
        self._needed: list[Cookie] = []
        self._site = Site(url)
        if self._session.origin != self._site.origin:
            # The browser was led from a bare host to www, or to https: what is learned is learned there.
            self._facts["url"] = self._session.url
            self._site = Site(self._session.url)

    async def run(self) -> Proposal:
        """Return the proposal."""
        self._find_origins()
        carried = self._find_tokens()
        asker = Asker(self._site, self._session)
        try:
            await self._try(asker, carried)
        except BudgetSpent:
            self._note("budget", "not all was tried: enough requests were sent", "not found")
        self._session = asker.session  # with the cookies that the answers changed
        self._find_end()
        await self._find_known()
        is_proven = "probe" in self._facts
        if not is_proven:
            told = "no request of the page was answered differently without the login; log in, and click where you work"
            self._note("probe", told, "not found")
        return Proposal(self._facts, self._session, tuple(self._findings), is_proven, asker.sent)

    async def _try(self, asker: Asker, carried: list[Carried]) -> None:
        found = await find_pair(asker, list_candidates(self._site, self._requests))
        if found is not None:
            pair, good, dropped = found
            self._keep_probe(pair, good, dropped)
            await self._find_forgery(asker, carried)
            await self._find_needed_cookies(asker, pair.path, good)

    def _note(self, what: str, found: str, sureness: Sureness) -> None:
        self._findings.append(Finding(what, clean_text(found), sureness))

    def _find_origins(self) -> None:
        if origins := find_origins(self._session, self._requests):
            self._facts["origins"] = list(origins)
            self._site = dataclasses.replace(self._site, origins=origins)
            self._note("origins", ", ".join(origins), "seen")

    def _find_tokens(self) -> list[Carried]:
        """Find the token that requests carry, and give the session and the site what belongs to it."""
        carried = find_carried(self._session, self._requests, {self._site.origin, *self._site.origins})
        token = next((each for each in carried if not each.is_csrf), None)
        if token is None:
            return carried
        self._facts["auth"] = {"header": token.header, "value": token.place}
        value, where = Template(token.place), token.place
        if value.is_captured:
            self._session = msgspec.structs.replace(self._session, tokens={CAPTURED: token.value})
            where = f"kept in {find_kept(self._session, token.value)}; taken from the page's requests"
        self._site = dataclasses.replace(self._site, auth=Auth(token.header, value))
        self._note("auth", f"{token.header}: {where}", "seen")
        if refresh := find_refresh_token(self._session, token.place):
            told = f"{refresh} may renew it without a browser: if you know where it is sent, add refresh_request"
            self._note("refresh", told, "not found")
        return carried

    def _keep_probe(self, pair: Pair, good: Mark, dropped: Mark | None) -> None:
        if dropped is not None and names_login(dropped):
            self._facts["dropped"] = [str(dropped)]
        facts, finding = describe_probe(pair, good, dropped)
        self._facts |= {"probe": facts, "until": ["probe"]}
        self._note(*dataclasses.astuple(finding))
        self._note("until", "probe: the page is ready once the site takes its session", "tested")
        if "auth" in self._facts:
            self._findings = [
                dataclasses.replace(f, sureness="tested") if f.what == "auth" else f for f in self._findings
            ]

    async def _find_forgery(self, asker: Asker, carried: list[Carried]) -> None:
        if found := await find_forgery(asker, self._requests, carried):
            self._facts |= {"csrf": dict(found.facts)} if found.facts else {}
            self._note(*dataclasses.astuple(found.finding))

    async def _find_needed_cookies(self, asker: Asker, path: str, good: Mark) -> None:
        """Leave out one cookie after another; what is not needed says nothing of the session's end."""
        needed: list[Cookie] = []
        others: list[Cookie] = []
        for cookie in self._session.cookies[:_MAX_COOKIES]:
            left = [each for each in asker.session.cookies if each.identity != cookie.identity]
            answer = await asker.ask(path, asker.session.with_cookies(left))
            if answer is None:
                continue
            if good.matches(answer.as_marked):
                asker.take_cookies(answer)
                others.append(cookie)
            else:
                needed.append(cookie)
        if needed:
            self._note("cookies", ", ".join(sorted(c.name for c in needed)), "tested")
            ignored = sorted({c.name for c in others if c.http_only})
            self._facts |= {"ignore_cookies": ignored} if ignored else {}
        elif self._session.cookies:
            self._note("cookies", "no single one is needed", "tested")
        self._needed = needed

    async def _find_known(self) -> None:
        if known := await asyncio.to_thread(find_known, self._session, self._requests):
            command = f"aura-browser sites add NAME --like {known} --url {shlex.quote(redact_url(self._facts['url']))}"
            self._note("known", f"it looks like {known}, whose definition says more: {command}", "seen")

    def _find_end(self) -> None:
        """Find out how long the session lasts."""
        auth = self._site.auth.value.fill(self._session) if self._site.auth else None
        if auth and read_jwt_end(auth) is not None:
            self._note("end", "the token says it", "seen")
            return
        for cookie in self._needed:
            if read_jwt_end(cookie.value) is not None:
                self._facts["expires"] = f"cookie.{cookie.name} jwt"
                self._note("end", f"the cookie {cookie.name} is a token that says it", "seen")
                return
        ends = [cookie for cookie in self._needed if cookie.expires is not None]
        found = f"the cookie {ends[0].name} expires" if ends else "nothing says it"
        self._note("end", found, "seen" if ends else "not found")


def check_definition(name: str, proposal: Proposal) -> Site:
    """Return the site that a proposal describes. Raises BadValue if it can't work."""
    return build_site(name, msgspec.convert(proposal.definition, Definition))
