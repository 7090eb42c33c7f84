"""Asks the probes of one session, with it and without it, and concludes what that proves."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import hdrs

from aura_browser.errors import AuraError, ChatError, InvalidInput, SessionRefused
from aura_browser.http.asking import Asker
from aura_browser.http.comparison import ProbeAnswer, find_resets
from aura_browser.http.verdict import Verdict, raise_for
from aura_browser.session import Session
from aura_browser.session.session import Proof
from aura_browser.site import Probe, Site
from aura_browser.text import redact_url

_log = logging.getLogger(__name__)

_CONTROL_TIMEOUT_S: Final = 5.0  # from the answer with the session on
_BOUND: Final = (
    "The site accepted the browser, but not this client with the same cookies, headers and proxy: it may bind its "
    "session to the browser's TLS or address, or keep it where it can't be read. Have the browser send the requests: "
    "add --transport auto to the command."
)
_CHECK: Final = (
    "The site checks its visitors: pass the check yourself. If that does not help, it binds the check to the browser's "
    "TLS or address."
)
_BOUND_OR_NO_LOGIN: Final = (
    "The site wants a login that this session does not hold; or it binds its sessions to the browser's TLS or address."
)
_NO_LOGIN: Final = "It holds no login that the site takes. Log in again."
_ENDED: Final = "Its login has ended. Log in again."
_EXPIRED: Final = "Its cookies have expired. Log in again."


class Prover:
    """Concludes what the answers to the probes of one session prove.

    Args:
        site: its site.
        session: the session.
        asker: asks.
        clock: returns epoch seconds.
    """

    def __init__(self, site: Site, session: Session, asker: Asker, clock: Callable[[], float]) -> None:
        self._site = site
        self._session = session
        self._asker = asker
        self._clock = clock

    async def prove(self, probe: Probe) -> Session:
        """Return the session with what *probe* proves. Errors as :func:`aura_browser.http.proof.prove`."""
        asking = asyncio.ensure_future(self._ask_without(probe))
        try:
            answer = await self._asker.ask(probe, self._session)
            self._check(probe, answer)
            await asyncio.wait([asking], timeout=_CONTROL_TIMEOUT_S)
            control = asking.result() if asking.done() else None
        finally:
            asking.cancel()
            await asyncio.wait([asking])
        return self._conclude(probe, answer, control)

    async def try_learned(self, path: str) -> Session:
        """Return the session as proven by a request that its page made; else as it was, with the cookies changed."""
        before = self._session
        try:
            proven = await self.prove(Probe(path))
        except (ChatError, SessionRefused, InvalidInput):
            return before
        if proven.proof == "distinguished":
            return msgspec.structs.replace(proven, probe=path)
        known = {name: getattr(before, name) for name in ("proof", "evidence", "identity", "is_login", "verified_at")}
        return msgspec.structs.replace(proven, **known)

    def _check(self, probe: Probe, answer: ProbeAnswer) -> None:
        """Raise what an answer stands for that the site gave to the session."""
        mark = answer.find_refusal(probe)
        if mark and answer.ruling.verdict is not Verdict.LIMITED:
            raise self._refuse(answer, mark)
        is_error = answer.ruling.verdict is Verdict.LIMITED or (
            answer.ruling.verdict is Verdict.FAILED and not answer.fits_good(probe)
        )
        if is_error and (self._site.probe is not None or answer.status >= 500 or answer.status == 429):  # noqa: PLR2004 - statuses
            raise_for(answer.ruling, answer.url, answer.status, answer.reason)

    def _refuse(self, answer: ProbeAnswer, mark: str) -> SessionRefused:
        error = SessionRefused(redact_url(answer.url), answer.status, mark, "")
        if self._session.is_over(self._clock()):
            error.advice = _EXPIRED
        elif self._session.proof == "distinguished":
            error.advice = _ENDED
        elif error.asks_for_login:
            error.advice = _CHECK if "a check page" in mark else _NO_LOGIN
        else:
            error.advice = _BOUND_OR_NO_LOGIN if answer.status == HTTPStatus.UNAUTHORIZED else _BOUND
        return error

    def _conclude(self, probe: Probe, answer: ProbeAnswer, control: ProbeAnswer | None) -> Session:
        now = self._clock()
        named = answer.read_identity(probe)
        identity = self._check_identity(named, answer)
        fact, other = self._compare(probe, answer, control, now)
        asked = probe.describe()
        known = self._session.evidence if self._session.evidence[2:] in {(), (asked,)} else ()
        was_proven = self._session.proof == "distinguished" and bool(known)
        if control is None and was_proven and known[0] == fact:
            other, differs = known[1], True  # the answer that was proven to be a login's
        elif control is None or (answer.ruling.verdict is Verdict.FAILED and not probe.good_marks):
            return msgspec.structs.replace(self._build("unproven", (), now), identity=identity)
        else:
            differs = fact != other or bool(control.find_refusal(probe))
        if not differs and self._is_over(fact, known, answer, now):
            raise self._refuse(answer, f"status {answer.status}, as without the session")
        names_nobody = bool(probe.identity) and named is None
        if differs and names_nobody:
            _log.warning("%s: no account is named at %s, so another one would not be noticed.", asked, probe.identity)
        proven = self._build("distinguished" if differs else "open", (fact, other, asked), now)
        return self._fold(msgspec.structs.replace(proven, identity=identity), answer, now)

    def _is_over(self, fact: str, known: tuple[str, ...], answer: ProbeAnswer, now: float) -> bool:
        """Return whether a login that was proven is answered as a stranger: not as before, or its cookies are ended."""
        if self._session.proof != "distinguished":
            return False
        is_otherwise = bool(known) and known[0] != fact
        return is_otherwise or bool(find_resets(self._session, answer.set_cookies, answer.url, now))

    def _compare(self, probe: Probe, answer: ProbeAnswer, control: ProbeAnswer | None, now: float) -> tuple[str, str]:
        """Return what the answers with the session and without it look like; an empty text for one that is missing."""
        resets = find_resets(self._session, answer.set_cookies, answer.url, now)
        if control is None:
            return answer.describe(self._session, now, answer.read_identity(probe)), ""
        # A site deletes cookies that it does not take, and only from those who send them: no sign of a login.
        own = resets - find_resets(self._session, control.set_cookies, control.url, now)
        return (
            answer.describe(self._session, now, answer.read_identity(probe), own),
            control.describe(self._session, now, control.read_identity(probe)),
        )

    def _check_identity(self, identity: str | None, answer: ProbeAnswer) -> str | None:
        """Return the account of the answer, or the one known if it names none.

        Raises:
            SessionRefused: if it names another one.
        """
        known = self._session.identity
        if known is not None and identity is not None and identity != known:
            raise self._refuse(answer, "another account")
        return identity or known

    def _build(self, proof: Proof, evidence: tuple[str, ...], now: float) -> Session:
        is_login = self._session.is_login
        if self._session.proof == "distinguished" != proof:
            is_login = True  # what was a login once stays protected as one, whatever the site answers later
        elif proof != "unproven":
            is_login = bool(is_login)
        return msgspec.structs.replace(
            self._session, verified_at=now, is_login=is_login, proof=proof, evidence=evidence
        )

    def _fold(self, session: Session, answer: ProbeAnswer, now: float) -> Session:
        """Apply the answer's cookies, unless they may be those of a stranger in place of a login's; end none."""
        if self._session.is_protected and session.proof != "distinguished":
            return session
        kept = [each for each in answer.set_cookies if not find_resets(session, [each], answer.url, now)]
        return session.fold(kept, answer.url, now, answer.headers.get(hdrs.DATE, ""))

    async def _ask_without(self, probe: Probe) -> ProbeAnswer | None:
        """Return the answer without the session; None if it says nothing of a login."""
        try:
            answer = await self._asker.ask(probe, None)
        except AuraError:
            return None
        return answer if answer.says_something(probe) else None
