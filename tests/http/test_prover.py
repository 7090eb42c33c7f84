"""What the answers to a probe, with the session and without it, prove: each pair of them by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from multidict import CIMultiDict
from yarl import URL

from aura_browser.errors import InvalidInput, RateLimited, SessionRefused, SiteFailed
from aura_browser.http.comparison import ProbeAnswer
from aura_browser.http.proof import prove
from aura_browser.http.prover import Prover
from aura_browser.http.verdict import judge
from aura_browser.session import Session
from aura_browser.site import Probe, Site
from tests.parts.sessions import make_cookie, make_session

NOW = 5000.0
ME, NAMING = Probe("/me"), Probe("/me", identity="json:user")
ASKED = "asked GET /me"
JSON = {"Content-Type": "application/json"}
ANN, BOB = "49915e0d7d4b402e", "81b637d8fcd2c6da"
LOGIN: dict[str, object] = {"proof": "distinguished", "is_login": True}
RESET, ROTATED = {"Set-Cookie": "sid=; Path=/"}, {"Set-Cookie": "sid=new; Path=/"}


def answer(status: int = 200, headers: dict[str, str] | None = None, body: bytes = b"") -> ProbeAnswer:
    url, given = URL("https://a.example/me"), CIMultiDict(headers or {})
    ruling = judge(Site("https://a.example/"), url, status, given, first_bytes=body, now=NOW)
    return ProbeAnswer(url, status, given, body, tuple(given.getall("Set-Cookie", ())), "Why", ruling)


ANNS, BOBS = (answer(200, JSON, b'{"user": "%s"}' % name) for name in (b"ann", b"bob"))


async def test_a_place_that_names_no_account_is_said(caplog: pytest.LogCaptureFixture) -> None:
    for asked, said in ((Probe("/me", identity="json:usr"), 1), (NAMING, 0), (ME, 0)):
        caplog.clear()
        prover = Prover(
            Site("https://a.example/"), make_session("https://a.example"), Asker(ANNS, answer(401)), lambda: NOW
        )
        assert (await prover.prove(asked)).proof == "distinguished"
        assert len(caplog.messages) == said


class Asker:
    """Gives one answer to the session and another to a stranger, after a while; what is an error is raised.

    Attributes:
        asked: the paths that the session was sent to.
        ended: how many strangers were not waited for.
    """

    def __init__(self, to_session: ProbeAnswer | Exception, to_stranger: ProbeAnswer | Exception) -> None:
        self._answers = {False: to_session, True: to_stranger}
        self.good_paths: set[str] = set()
        self.asked: list[str] = []
        self.ended = 0

    async def ask(self, probe: Probe, session: Session | None, *, reads_all: bool = False) -> ProbeAnswer:
        assert not reads_all
        if session is None:
            await self._dawdle()
        else:
            self.asked.append(f"{probe.method} {probe.path}")
            await asyncio.sleep(0)
        given = self._answers[session is None]
        if isinstance(given, Exception):
            raise given
        return answer(200, JSON) if session is not None and probe.path in self.good_paths else given

    async def _dawdle(self) -> None:
        try:
            for _ in range(20):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.ended += 1
            raise


def session_with(**facts: object) -> Session:
    cookies = (make_cookie(domain="a.example"),)
    return make_session("https://a.example", **{"cookies": cookies, "is_login": None, **facts})


async def conclude(
    session: Session, probe: Probe, given: ProbeAnswer, other: ProbeAnswer | Exception, *, knows: bool = False
) -> Session:
    """Return what both answers prove; *knows* says whether the site itself has a probe."""
    site = Site("https://a.example/", probe=probe if knows else None)
    return await Prover(site, session, Asker(given, other), lambda: NOW).prove(probe)


ANY = ("*",)
FAILED = SiteFailed("https://a.example/me", 500, "Why")
GOOD_LOGIN = {**LOGIN, "evidence": (f"200; application/json; {ANN}", "401", ASKED)}


@pytest.mark.parametrize(
    ("facts", "probe", "given", "other", "proven"),
    [
        ({}, NAMING, ANNS, answer(401), ("distinguished", False, (f"200; application/json; {ANN}", "401", ASKED), ANN)),
        ({}, NAMING, ANNS, ANNS, ("open", False, (f"200; application/json; {ANN}",) * 2 + (ASKED,), ANN)),
        ({}, NAMING, ANNS, BOBS, ("distinguished", False, ANY, ANN)),
        ({}, NAMING, ANNS, FAILED, ("unproven", None, (), ANN)),
        ({}, NAMING, ANNS, answer(429), ("unproven", None, (), ANN)),
        (GOOD_LOGIN, NAMING, ANNS, FAILED, ("distinguished", True, GOOD_LOGIN["evidence"], ANN)),
        (GOOD_LOGIN, Probe("/you", identity="json:user"), ANNS, FAILED, ("unproven", True, (), ANN)),
        ({**GOOD_LOGIN, "proof": "open"}, NAMING, ANNS, FAILED, ("unproven", True, (), ANN)),
        (GOOD_LOGIN, ME, answer(), FAILED, ("unproven", True, (), None)),
        ({**LOGIN, "evidence": ()}, ME, answer(), FAILED, ("unproven", True, (), None)),
        ({}, ME, answer(404), answer(401), ("unproven", None, (), None)),
        ({}, ME, answer(499), answer(401), ("unproven", None, (), None)),
        ({}, Probe("/me", good="404"), answer(404), answer(401), ("distinguished", False, ANY, None)),
        ({}, Probe("/me", good="500"), answer(500), answer(401), ("distinguished", False, ANY, None)),
        (
            {},
            Probe("/me", dropped="header X-Gone"),
            answer(),
            answer(200, {"X-Gone": "1"}),
            ("distinguished", False, ANY, None),
        ),
        ({"identity": ANN}, ME, answer(), answer(401), ("distinguished", False, ("200", "401", ASKED), ANN)),
        ({"identity": ANN}, NAMING, ANNS, answer(401), ("distinguished", False, ANY, ANN)),
        (
            {**LOGIN, "evidence": ("200", "401", ASKED)},
            ME,
            answer(),
            answer(),
            ("open", True, ("200", "200", ASKED), None),
        ),
        ({**LOGIN, "evidence": ("200", "401")}, ME, answer(), answer(), ("open", True, ("200", "200", ASKED), None)),
        (LOGIN, ME, answer(), answer(), ("open", True, ("200", "200", ASKED), None)),
        ({"evidence": ("201", "401", ASKED)}, ME, answer(), answer(), ("open", False, ("200", "200", ASKED), None)),
        ({}, ME, answer(200, RESET), answer(), ("open", False, ("200", "200", ASKED), None)),
        ({}, ME, answer(200, RESET), answer(200, RESET), ("open", False, ("200; ends sid",) * 2 + (ASKED,), None)),
    ],
)
async def test_what_two_answers_prove(
    facts: dict[str, object],
    probe: Probe,
    given: ProbeAnswer,
    other: ProbeAnswer | Exception,
    proven: tuple[object, ...],
) -> None:
    found = await conclude(session_with(**facts), probe, given, other)
    evidence = ANY if proven[2] == ANY else found.evidence
    assert (found.proof, found.is_login, evidence, found.identity) == proven
    assert found.verified_at == NOW


@pytest.mark.parametrize(
    ("facts", "probe", "given", "other", "mark"),
    [
        ({"identity": BOB}, NAMING, ANNS, answer(401), "another account"),
        ({**LOGIN, "evidence": ("201", "401", ASKED)}, ME, answer(), answer(), "status 200, as without the session"),
        (
            {**LOGIN, "evidence": ("200; ends sid", "401", ASKED)},
            ME,
            answer(200, RESET),
            answer(200, RESET),
            "status 200, as",
        ),
        ({}, ME, answer(401), answer(), "status 401"),
    ],
)
async def test_what_two_answers_refuse(
    facts: dict[str, object], probe: Probe, given: ProbeAnswer, other: ProbeAnswer, mark: str
) -> None:
    with pytest.raises(SessionRefused) as caught:
        await conclude(session_with(**facts), probe, given, other)
    assert caught.value.mark.startswith(mark)
    assert caught.value.advice.endswith("Log in again." if facts.get("proof") else caught.value.advice)


@pytest.mark.parametrize(
    ("status", "knows", "error"),
    [
        (404, True, SiteFailed),
        (404, False, None),
        (499, False, None),
        (500, False, SiteFailed),
        (503, True, SiteFailed),
        (429, False, RateLimited),
        (428, False, None),
        (430, False, None),
        (429, True, RateLimited),
    ],
)
async def test_a_failure_says_nothing_but_of_a_probe_that_the_site_has(
    status: int, error: type[Exception] | None, *, knows: bool
) -> None:
    if error is None:
        assert (await conclude(session_with(), ME, answer(status), answer(401), knows=knows)).proof == "unproven"
        return
    with pytest.raises(error):
        await conclude(session_with(), ME, answer(status), answer(401), knows=knows)


@pytest.mark.parametrize(
    ("facts", "given", "other", "value"),
    [
        ({}, answer(200, ROTATED), answer(401), "new"),
        ({"is_login": False}, answer(200, ROTATED), answer(), "new"),
        (LOGIN, answer(200, ROTATED), answer(401), "new"),
        ({**LOGIN, "evidence": ("200", "401", ASKED)}, answer(200, ROTATED), answer(), "s3cret+/=="),
        ({}, answer(200, RESET), answer(401), "s3cret+/=="),
        ({}, answer(200, ROTATED), FAILED, "s3cret+/=="),
    ],
)
async def test_new_cookies_are_taken_unless_they_may_end_a_login(
    facts: dict[str, object], given: ProbeAnswer, other: ProbeAnswer | Exception, value: str
) -> None:
    proven = await conclude(session_with(**facts), ME, given, other)
    assert [cookie.value for cookie in proven.cookies] == [value]


async def test_a_stranger_is_not_waited_for_once_the_session_is_refused() -> None:
    asker = Asker(answer(401), answer())
    with pytest.raises(SessionRefused):
        await Prover(Site("https://a.example/"), session_with(), asker, lambda: NOW).prove(ME)
    assert asker.ended == 1


@pytest.mark.parametrize(
    ("given", "probe"),
    [
        (answer(200, JSON), "/learned"),
        (answer(401), None),
        (SiteFailed("https://a.example/me", 500, "Why"), None),
        (InvalidInput("probe", "elsewhere"), None),
    ],
)
async def test_a_request_that_was_learned_proves_a_login_or_nothing(given: Any, probe: str | None) -> None:  # noqa: ANN401 - an answer or an error
    for other in (answer(401), answer(200, JSON)):
        prover = Prover(Site("https://a.example/"), session_with(), Asker(given, other), lambda: NOW)
        proven = await prover.try_learned("/learned")
        assert proven.probe == (probe if other.status == 401 else None)


async def run(session: Session, asker: Asker, probe: Probe | None = None) -> Session:
    """Return what is proven with *asker*."""

    @asynccontextmanager
    async def open_asker(_site: Site, _session: Session) -> AsyncIterator[Asker]:
        yield asker

    site = Site("https://a.example/", probe=probe)
    return await prove(site, session, clock=lambda: NOW, open_asker=open_asker)


PATHS = tuple(f"/{number}" for number in range(1, 8))


@pytest.mark.parametrize(
    ("facts", "good", "asked", "found"),
    [
        ({}, "", ["GET https://a.example/", *(f"GET /{number}" for number in range(1, 6))], None),
        ({}, "/2", ["GET https://a.example/", "GET /1", "GET /2"], "/2"),
        ({"probe": "/known"}, "/known", ["GET /known"], "/known"),
    ],
)
async def test_five_requests_of_the_page_are_tried_until_one_differs(
    facts: dict[str, object], good: str, asked: list[str], found: str | None
) -> None:
    asker = Asker(answer(), answer())
    asker.good_paths = {good}
    proven = await run(session_with(page_requests=PATHS, **facts), asker)
    assert (asker.asked, proven.probe, proven.page_requests) == (asked, found, ())
    assert proven.proof == ("distinguished" if good else "open")


@pytest.mark.parametrize(
    ("probe", "to_stranger", "kept"),
    [
        (ME, answer(401), "/me"),
        (ME, answer(), None),
        (Probe("/me", good="200"), answer(401), None),
        (Probe("/me", "POST"), answer(401), None),
    ],
)
async def test_a_probe_that_a_path_says_is_kept_with_what_it_proved(
    probe: Probe, to_stranger: ProbeAnswer, kept: str | None
) -> None:
    assert (await run(session_with(), Asker(answer(), to_stranger), probe)).probe == kept


async def test_a_page_that_only_looks_like_a_chat_is_asked_as_a_page() -> None:
    class Site404(Asker):
        async def ask(self, probe: Probe, session: Session | None, *, reads_all: bool = False) -> ProbeAnswer:
            given = await super().ask(probe, session, reads_all=reads_all)
            return answer(404) if probe.path != "https://a.example/" else given

    session = session_with(dialect="openchat-ui")
    asker = Site404(answer(), answer(401))
    proven = await run(session, asker)
    assert (proven.proof, proven.dialect) == ("distinguished", "")
    assert asker.asked == ["POST /api/models", "GET https://a.example/"]
    with pytest.raises(SiteFailed):  # once it was verified, it is a chat
        await run(msgspec.structs.replace(session, verified_at=1.0), asker)


async def test_a_page_that_is_a_chat_is_asked_as_that() -> None:
    asker = Asker(answer(), answer(401))
    proven = await run(session_with(dialect="openchat-ui"), asker)
    assert (asker.asked, proven.dialect, proven.verified_at) == (["POST /api/models"], "openchat-ui", NOW)
    known = Asker(answer(), answer(401))
    await run(session_with(dialect="openchat-ui", probe="/learned"), known)
    assert known.asked == ["GET /learned"]
