"""Learns a site that asks for a user and a password by HTTP basic authentication (RFC 7617), without a browser."""

from http import HTTPStatus
from typing import Any

from aiohttp import hdrs

from aura_browser.errors import AuraError
from aura_browser.harvests import basic_harvest
from aura_browser.http.proof import ask_as_stranger
from aura_browser.learning.findings import Finding
from aura_browser.learning.probes import Asker, describe_probe, find_pair
from aura_browser.learning.proposal import Proposal
from aura_browser.site import Probe, Site
from aura_browser.urls import read_url


async def asks_basic(url: str) -> bool:
    """Return whether the page at *url* asks a stranger for a user and a password by HTTP basic authentication."""
    try:
        answer = await ask_as_stranger(Site(url), Probe(url))
    except AuraError:
        return False  # whatever it is, the browser shows it
    challenge = answer.headers.get(hdrs.WWW_AUTHENTICATE, "").lower()
    return answer.status == HTTPStatus.UNAUTHORIZED and "basic" in challenge


async def propose_basic(url: str, given: str) -> Proposal:
    """Return a definition of the site at *url*.

    Args:
        url: a page behind the login.
        given: ``user:password``.

    Raises:
        RateLimited: if the site limits requests.
    """
    site = Site(url)
    session = await basic_harvest(site, ask=lambda: given)()
    asker = Asker(site, session)
    found = await find_pair(asker, [read_url(url).raw_path_qs])
    facts: dict[str, Any] = {"url": url, "login": "basic"}
    findings = [Finding("login", "basic: the site asks for a user and a password itself", "seen")]
    if found is None:
        told = "that address is not answered with data; check user and password, or name a page behind the login"
        findings.append(Finding("probe", told, "not found"))
    else:
        facts["probe"], finding = describe_probe(*found)
        findings.append(finding)
    return Proposal(facts, asker.session, tuple(findings), found is not None, asker.sent)
