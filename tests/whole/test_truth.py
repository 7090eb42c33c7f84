"""No answer of a site, whatever it is like, loses a login or opens a browser while the login is good."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from aura_browser.assembly import assemble
from aura_browser.errors import AuraError, HarvestCoolingDown, InteractionRequired, SessionRefused
from aura_browser.http.middleware import SessionMiddleware
from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from aura_browser.store import MemoryStore, SessionKey
from tests.parts.login_sites import ADMINS_ONLY, KINDS, NO_TOKEN, Browser, Kind, LoginSite, serving_logins, sid_of

OPEN = {"public page"}  # nothing tells a login from a guest
UNPROVEN = {"check page", "check page with a probe"}  # who comes without cookies sees the check only
UNTOLD = {"public page", "check page"}
NAMED = [name for name, kind in KINDS.items() if kind.probe and kind.probe.identity]


class Person:
    """A program with a person's login at a site of one kind."""

    def __init__(self, logins: LoginSite, store: MemoryStore, manager: SessionManager, browser: Browser) -> None:
        self.logins = logins
        self.manager = manager
        self.browser = browser
        self.login = ""
        self._store = store
        self.http: aiohttp.ClientSession

    async def ask(self, path: str, method: str = "GET") -> str | type[AuraError]:
        """Return the body that is delivered, or the kind of error."""
        url = f"{self.logins.site.origin}{path}"
        try:
            async with self.http.request(method, url, allow_redirects=False) as response:
                return await response.text()
        except AuraError as error:
            if isinstance(error, InteractionRequired):
                assert error.command == self.logins.site.login_command("-o", "session.json")
            return type(error)

    async def stored(self) -> Session:
        await self.manager._live.write()
        session = await self._store.load(SessionKey(self.logins.site.origin))
        assert session is not None
        return session

    async def keeps_login(self) -> bool:
        """Tell whether the person's own login is the one in use and the stored one."""
        return sid_of(await self.stored()) == self.login == sid_of(self.manager._live.current)


@asynccontextmanager
async def program_at(kind: Kind, *, logs_in: bool = True) -> AsyncIterator[Person]:
    store = MemoryStore()
    async with serving_logins(kind) as logins:
        browser = Browser(logins)
        manager = assemble(logins.site, store=store, harvest=browser)
        person = Person(logins, store, manager, browser)
        if logs_in:
            browser.account, browser.is_person = "ann", True
            person.login = sid_of(await manager.harvest())
            browser.account, browser.is_person, browser.count = "", False, 0
        try:
            async with aiohttp.ClientSession(middlewares=(SessionMiddleware(manager),)) as http:
                person.http = http
                yield person
        finally:
            await manager.aclose()


@pytest.fixture(params=list(KINDS))
def name(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


async def test_a_good_login_is_proven_and_used(name: str) -> None:
    async with program_at(KINDS[name]) as person:
        for _ in range(3):
            assert await person.ask(KINDS[name].data) == "ann's data"
        proof = "open" if name in OPEN else "unproven" if name in UNPROVEN else "distinguished"
        session = await person.stored()
        assert (session.proof, session.is_login, person.browser.count) == (proof, True, 0)
        assert person.manager.counters.proofs == {proof: 1}  # that of the harvest: a good answer costs no probe
        assert await person.keeps_login()


async def test_a_dropped_login_is_never_replaced_by_a_guests_session(name: str) -> None:
    async with program_at(KINDS[name]) as person:
        person.logins.drop_all()
        outcomes = [await person.ask(KINDS[name].data) for _ in range(3)]
        if name in UNTOLD:
            # Nothing proves that the login is over, so the answer is the caller's.
            assert (outcomes, person.browser.count) == (["Who are you?"] * 3, 0)
        else:
            assert outcomes[0] in {InteractionRequired, SessionRefused}
            assert set(outcomes[1:]) <= {InteractionRequired, HarvestCoolingDown}
            assert person.browser.count == 1
        assert await person.keeps_login()


async def test_a_dropped_login_is_renewed_where_a_kept_profile_logs_in_again(name: str) -> None:
    async with program_at(KINDS[name]) as person:
        person.logins.drop_all()
        person.browser.account = "ann"
        outcome = await person.ask(KINDS[name].data)
        if name in UNTOLD:
            assert (outcome, person.browser.count) == ("Who are you?", 0)
            assert await person.keeps_login()
        else:
            assert (outcome, person.browser.count) == ("ann's data", 1)
            assert person.logins.accounts[sid_of(await person.stored())] == "ann"


async def test_a_guests_session_is_used_only_where_guests_are_served(name: str) -> None:
    async with program_at(KINDS[name], logs_in=False) as person:
        outcome = await person.ask("/")
        if KINDS[name].page == "/" and KINDS[name].to_guests != "401":
            proof = "unproven" if name in UNPROVEN else "open"
            assert (outcome, person.browser.count) == ("<!doctype html><main>Welcome</main>", 1)
            assert (await person.stored()).proof == proof
            assert not (await person.stored()).is_protected
        else:
            assert (outcome, person.browser.count) == (SessionRefused, 1)
            assert await person.manager._live.load() is None


@pytest.mark.parametrize("name", NAMED)
async def test_another_accounts_session_never_replaces_a_login(name: str) -> None:
    async with program_at(KINDS[name]) as person:
        person.logins.drop_all()
        person.browser.account = "bob"
        assert [await person.ask(KINDS[name].data) for _ in range(3)] == [InteractionRequired] * 3
        assert person.browser.count == 1
        assert await person.keeps_login()


async def test_what_an_account_may_not_do_is_the_callers(name: str) -> None:
    async with program_at(KINDS[name]) as person:
        assert await person.ask("/admin") == ADMINS_ONLY
        assert await person.ask(KINDS[name].data) == "ann's data"
        assert (person.browser.count, person.manager.counters.suspects) == (0, 1)
        assert await person.keeps_login()


async def test_a_missing_csrf_token_is_the_callers(name: str) -> None:
    async with program_at(KINDS[name]) as person:
        assert await person.ask(KINDS[name].data, "POST") == NO_TOKEN
        assert await person.ask(KINDS[name].data) == "ann's data"
        assert person.browser.count == 0
        assert await person.keeps_login()


async def test_an_expired_csrf_token_is_the_callers_where_the_probe_passes(name: str) -> None:
    """419 stands for the session's end otherwise."""
    async with program_at(KINDS[name]) as person:
        person.logins.csrf_status = 419
        is_told = name not in OPEN | UNPROVEN
        assert await person.ask(KINDS[name].data, "POST") == (NO_TOKEN if is_told else InteractionRequired)
        assert await person.ask(KINDS[name].data) == "ann's data"
        assert person.browser.count == (0 if is_told else 1)
        assert await person.keeps_login()


async def test_a_login_page_beside_a_good_login_changes_nothing(name: str) -> None:
    """It answers 200, and sets an anonymous session."""
    async with program_at(KINDS[name]) as person:
        assert "type=password" in str(await person.ask("/login"))
        assert await person.ask(KINDS[name].data) == "ann's data"
        assert person.browser.count == 0
        assert await person.keeps_login()


async def test_a_thousand_answers_that_forbid_ask_one_probe_at_a_time_and_all_arrive() -> None:
    kind = KINDS["API"]
    async with program_at(kind) as person:
        under_way, most = 0, 0
        answer = person.logins.handle

        async def handle(request: aiohttp.web.BaseRequest) -> aiohttp.web.StreamResponse:
            nonlocal under_way, most
            is_probe = request.path == "/api/me" and "Cookie" in request.headers
            under_way += is_probe
            most = max(most, under_way)
            try:
                await asyncio.sleep(0.005 * is_probe)
                return await answer(request)
            finally:
                under_way -= is_probe

        assert person.logins.server is not None
        person.logins.server._handler = handle
        bodies = await asyncio.gather(*(person.ask("/admin") for _ in range(1000)))
        assert bodies == [ADMINS_ONLY] * 1000
        assert (most, person.browser.count) == (1, 0)
        assert await person.keeps_login()
