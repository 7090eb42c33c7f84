"""What an answer that is not plainly good says of its session, once the probe was asked."""

from typing import Any, cast

import pytest
from multidict import CIMultiDict
from yarl import URL

from aura_browser.http.settling import Exchange, settle, stays
from aura_browser.http.verdict import Ruling, Verdict
from aura_browser.session import Session
from tests.parts.sessions import make_session


class AskedProbe:
    """Stands in for a manager's answers: its probe takes the session, or does not.

    Attributes:
        asked: what was asked of the probe.
        accepted: the cookies that were taken, and by which clock.
    """

    def __init__(self, *, takes: bool, passes: bool | None = None) -> None:
        self._takes = takes
        self._passes = passes
        self.asked: list[str] = []
        self.accepted: list[tuple[str, ...]] = []

    async def belongs_to_caller(self, _session: Session, mark: str, place: str) -> bool:
        self.asked.append(f"{mark}: {place}")
        return self._takes

    async def passes_with(self, _session: Session, _cookies: list[str], _url: URL, _date: str) -> bool | None:
        return self._passes

    async def is_good(self, _session: Session) -> bool:
        self.asked.append("is it good?")
        return self._takes

    async def accept_doubtful(self, _session: Session, set_cookies: list[str], _url: URL, date: str) -> None:
        self.accepted.append((*set_cookies, date))

    def accept(self, _session: Session, set_cookies: list[str], _url: URL, date: str) -> None:
        self.accepted.append(("unasked", *set_cookies, date))


SUSPECT, STALE = Ruling(Verdict.SUSPECT, "status 403"), Ruling(Verdict.STALE, "status 401")
MARKED = Ruling(Verdict.STALE, "status 200", is_marked=True)
PLACE = "status 403: PUT https://a.example/x?key=s3cret "


@pytest.mark.parametrize("takes", [True, False])
@pytest.mark.parametrize(
    ("ruling", "status", "asked", "then"),
    [
        (SUSPECT, 403, [PLACE], None),
        (STALE, 401, ["is it good?"], None),
        (STALE, 419, ["is it good?"], None),
        (MARKED, 200, ["is it good?"], None),
        (STALE, 503, [], Verdict.STALE),
        (Ruling(Verdict.FAILED, "status 500", is_marked=True), 500, [], Verdict.FAILED),
        (Ruling(Verdict.LIMITED, "status 429"), 429, [], Verdict.LIMITED),
    ],
)
async def test_the_probe_is_asked_where_it_tells_more(
    ruling: Ruling, status: int, asked: list[str], then: Verdict | None, *, takes: bool
) -> None:
    probe = AskedProbe(takes=takes)
    headers = CIMultiDict([("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Date", "now")])
    exchange = Exchange("PUT", URL("https://a.example/x?key=s3cret"), status, headers)
    settled = await settle(cast("Any", probe), exchange, make_session(), ruling)
    wanted = then or (Verdict.OK if takes else Verdict.STALE)
    assert (settled.verdict, settled.mark, probe.asked) == (wanted, ruling.mark, asked)
    unasked = ["unasked"] if wanted is Verdict.LIMITED else []
    assert probe.accepted == ([] if wanted is Verdict.STALE else [(*unasked, "a=1", "b=2", "now")])


@pytest.mark.parametrize("passes", [True, False])
@pytest.mark.parametrize(("ruling", "status"), [(SUSPECT, 403), (STALE, 401), (MARKED, 200)])
async def test_a_session_that_the_answer_changed_is_asked_about_as_it_is_now(
    ruling: Ruling, status: int, *, passes: bool
) -> None:
    """The session as it was sent is asked about only if the changed one is refused, and nothing is taken twice."""
    probe, exchange = AskedProbe(takes=False, passes=passes), Exchange("GET", URL("https://a/"), status, CIMultiDict())
    settled = await settle(cast("Any", probe), exchange, make_session(), ruling)
    assert (settled.verdict is Verdict.OK, len(probe.asked)) == (passes, 0 if passes else 1)
    assert probe.accepted == []
    left = await settle(cast("Any", probe), exchange, make_session(), ruling, lambda: True)
    assert left.verdict is Verdict.STALE


@pytest.mark.parametrize(("ruling", "status"), [(SUSPECT, 403), (STALE, 401), (MARKED, 200)])
async def test_where_another_transport_takes_over_the_session_is_refused_here(ruling: Ruling, status: int) -> None:
    """The probe speaks for the other one."""
    probe, exchange = AskedProbe(takes=True), Exchange("GET", URL("https://a.example/x"), status, CIMultiDict())
    left = await settle(cast("Any", probe), exchange, make_session(), ruling, lambda: True)
    stayed = await settle(cast("Any", probe), exchange, make_session(), ruling, stays)
    assert (left.verdict, stayed.verdict, len(probe.asked)) == (Verdict.STALE, Verdict.OK, 2)
    assert probe.accepted == [("",)]
