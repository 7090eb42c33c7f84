"""Tries a definition: what the site answers to a stranger, and to the sessions that are kept for it."""

from contextlib import aclosing
from dataclasses import dataclass

from yarl import URL

from aura_browser.cli.sessions.catalogue import read_entries
from aura_browser.cli.sessions.checking import Checked, check_entries, keep_proven
from aura_browser.errors import AuraError
from aura_browser.http.proof import ask_as_stranger
from aura_browser.site import Probe, Site
from aura_browser.store import Store


@dataclass(frozen=True)
class Trial:
    """What came of it.

    Attributes:
        stranger: what the site answers without a session, to show.
        fits_anybody: whether that looks like the answer to a good session.
        is_answered: whether the site answered at all.
        sessions: what it says of the sessions that are kept for it.
    """

    stranger: str
    fits_anybody: bool
    is_answered: bool
    sessions: tuple[Checked, ...]


async def try_site(site: Site, store: Store, place: str | None, proxy: str | None) -> Trial:
    """Ask *site* as a stranger, and with each session in *store* that is for it; what that rotated is kept.

    Args:
        site: the site.
        store: where sessions are kept.
        place: the store, for the commands that are shown.
        proxy: the proxy to ask through.
    """
    stranger, fits_anybody, is_answered = await _ask_stranger(site, proxy)
    entries = [e for e in await read_entries(store) if e.session and site.owns(URL(e.session.origin))]
    async with aclosing(check_entries(entries, place, site=site)) as checking:
        checked = [each async for each in checking]
    for each in checked:
        await keep_proven(store, each)
    return Trial(stranger, fits_anybody, is_answered, tuple(checked))


async def _ask_stranger(site: Site, proxy: str | None) -> tuple[str, bool, bool]:
    probe = site.probe or Probe(site.url)
    try:
        answer = await ask_as_stranger(site, probe, proxy=proxy)
    except AuraError as error:
        return str(error), False, False
    refusal = answer.find_refusal(probe)
    if refusal:
        return refusal, False, True
    fits = bool(probe.good_marks)
    what = "which the marks in good fit" if fits else "which shows no login page"
    return f"status {answer.status}, {what}", fits, True
