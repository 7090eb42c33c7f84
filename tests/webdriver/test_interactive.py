"""A person logs in: the window, the countdown, the profile that is kept, and machines without a screen."""

import asyncio
import dataclasses
import shlex
import signal
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiohttp import web

from aura_browser import AuraClient, Condition, Probe, Selenium, Session, openchat_site, page_site
from aura_browser.errors import InteractionRequired, InvalidInput, LaunchFailed, NotReady, WindowClosed
from aura_browser.harvests import policy_harvest
from aura_browser.playground import Playground, serve_in_thread
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.harvest import call_in_loop, harvest
from tests.parts.command import PROGRAM, Terminal
from tests.parts.command_lines import parse_command
from tests.parts.hurry import Hurry
from tests.parts.person import Person, screen
from tests.parts.servers import page, serving
from tests.parts.sessions import make_session
from tests.parts.waiting import eventually

pytestmark = pytest.mark.chrome


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with screen() as name:
        yield name


@pytest.fixture
def at_a_screen(display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sit at a machine with a screen."""
    monkeypatch.setenv("DISPLAY", display)


@pytest.fixture
def without_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def person(tmp_path: Path) -> AsyncIterator[Person]:
    async with Person(tmp_path) as someone:
        yield someone


class Waits:
    """What a harvest says that it waits for; it tells that from another thread."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __call__(self, _left_s: float, missing: tuple[str, ...]) -> None:
        self._said.update(missing)

    async def for_(self, part: str) -> None:
        """Wait until it has waited for something that *part* is in."""
        await eventually(lambda: any(part in each for each in list(self._said)), 30)


@pytest.fixture(autouse=True)
def nothing_left_behind(monkeypatch: pytest.MonkeyPatch, display: str) -> Iterator[None]:
    """Fail a test that leaves a process or a folder."""
    folder = Path(tempfile.mkdtemp())
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    before = set(psutil.Process().children())  # what tests share, such as the screen
    yield
    left = [child for child in psutil.Process().children() if child not in before]
    assert [child.name() for child in left if child.status() != "zombie"] == []
    folder.rmdir()


@pytest.mark.usefixtures("at_a_screen")
async def test_a_login_is_noticed_by_itself_and_with_a_profile_the_next_harvest_needs_no_window(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Selenium(chrome_path=person.chrome(), profile=tmp_path / "profile")
    waits = Waits()
    async with Playground("login-redirect") as server:
        site = openchat_site(server.origin)
        async with asyncio.TaskGroup() as group:
            harvesting = group.create_task(harvest(site, engine=engine, interactive=True, on_wait=waits))
            await waits.for_("textarea")
            await person.log_in()
        session = harvesting.result()
        assert "HeadlessChrome" not in session.user_agent
        async with AuraClient(server.origin, session=session, refresh="never") as client:
            assert await client.complete("it is me") == "it is me"
        # Now where there is no screen at all.
        monkeypatch.delenv("DISPLAY")
        again = await harvest(site, engine=engine)
        async with AuraClient(server.origin, session=again, refresh="never") as client:
            assert await client.complete("still me") == "still me"
        # The policy that may open a window tries without one first, and there is none to be had here.
        third = await policy_harvest(site, "interactive", engine=engine)()
        assert third.cookies == again.cookies
    assert ["--headless" in start for start in person.starts] == [False, True, True]
    assert stat.S_IMODE((tmp_path / "profile").stat().st_mode) == 0o700


@pytest.mark.usefixtures("at_a_screen")
async def test_the_policy_opens_a_window_once_the_login_in_the_profile_is_over(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aura_browser.harvests._HEADLESS_TRY_TIMEOUT_S", 120.0)  # it is over long before that
    engine = Selenium(chrome_path=person.chrome(), profile=tmp_path / "profile")
    async with Playground("login-redirect") as server:
        harvest_ = policy_harvest(openchat_site(server.origin), "interactive", engine=engine)

        async def harvested() -> None:
            await harvest_()

        async with asyncio.TaskGroup() as group:
            group.create_task(harvested())
            # Nothing tells when another process starts one.
            await eventually(lambda: any("--headless" not in start for start in person.starts))
            await person.log_in()
    assert ["--headless" in start for start in person.starts] == [True, False]


@pytest.mark.usefixtures("at_a_screen")
async def test_a_closed_window_ends_it_at_once(person: Person) -> None:
    async with Playground("login-redirect") as server:
        site = openchat_site(server.origin)
        harvesting = asyncio.ensure_future(
            harvest(site, engine=Selenium(chrome_path=person.chrome()), interactive=True, timeout_s=120)
        )
        await person.close_the_window()
        with pytest.raises(WindowClosed, match=r"was closed before .*; it closes by itself"):
            async with asyncio.timeout(10):
                await harvesting


@pytest.mark.usefixtures("at_a_screen")
async def test_a_time_out_names_the_condition_that_never_held(person: Person, hurry: Hurry) -> None:
    async with Playground("login-redirect") as server:
        site = page_site(server.origin, (Condition.parse("selector:form"), Condition.parse("cookie:never")))
        engine, waits = Selenium(chrome_path=person.chrome()), hurry("cookie:never (cookies so far: session)")
        with pytest.raises(NotReady) as caught:
            await harvest(site, engine=engine, interactive=True, on_wait=waits)
    assert caught.value.missing == ("cookie:never (cookies so far: session)",)


@pytest.mark.usefixtures("at_a_screen")
async def test_wandering_off_to_another_site_and_back_is_fine(person: Person) -> None:
    async with Playground("login-redirect") as server, Playground("none") as other:
        site = openchat_site(server.origin)
        elsewhere = other.origin.replace("127.0.0.1", "localhost")
        engine, waits = Selenium(chrome_path=person.chrome()), Waits()
        async with asyncio.TaskGroup() as group:
            harvesting = group.create_task(harvest(site, engine=engine, interactive=True, on_wait=waits))
            await person.leave_the_page("/login", elsewhere)
            await waits.for_("a page of the site itself, not of http://localhost")
            await person.leave_the_page(elsewhere, f"{server.origin}/login")
            await person.log_in()
        assert harvesting.result().origin == server.origin


@pytest.mark.usefixtures("at_a_screen")
async def test_a_page_that_fails_in_the_window_is_waited_out(person: Person) -> None:
    async with Playground("login-redirect") as server:
        engine, waits = Selenium(chrome_path=person.chrome()), Waits()
        site = openchat_site(server.origin)
        async with asyncio.TaskGroup() as group:
            harvesting = group.create_task(harvest(site, engine=engine, interactive=True, on_wait=waits))
            await waits.for_("textarea")  # a site that never showed a page has failed
            await person.leave_the_page("/login", "http://127.0.0.1:9/")
            await waits.for_("a page that loads (ERR_UNSAFE_PORT)")
            await person.leave_the_page("127.0.0.1:9/", f"{server.origin}/login")
            await person.log_in()
        assert harvesting.result().origin == server.origin


_COOKIES = "document.cookie = 'PHPSESSID=anonymous; path=/'"
_APP = f"<!doctype html><main id=app>Hello</main><script>if (!document.cookie) {_COOKIES}</script>"


async def _serve_app(request: web.BaseRequest) -> web.StreamResponse:
    """Serve a public page with a cookie of its own; /in gives that cookie another value, as a login does."""
    headers = {"Set-Cookie": "PHPSESSID=ann; Path=/"} if request.path == "/in" else {}
    return web.Response(text=_APP, content_type="text/html", headers=headers)


@pytest.mark.usefixtures("at_a_screen")
@pytest.mark.parametrize("condition", ["cookie:PHPSESSID", pytest.param("selector:#app", marks=pytest.mark.soak)])
async def test_what_was_there_from_the_beginning_has_to_change(person: Person, condition: str) -> None:
    async with serving(_serve_app) as (_server, origin):
        site, waits = page_site(f"{origin}/app", (Condition.parse(condition),)), Waits()
        engine = Selenium(chrome_path=person.chrome())
        async with asyncio.TaskGroup() as group:
            harvesting = group.create_task(harvest(site, engine=engine, interactive=True, on_wait=waits))
            await waits.for_("all of it was there from the beginning")
            await asyncio.sleep(1)
            assert not harvesting.done()
            if condition.startswith("selector"):
                await person.leave_the_page("/app", "http://127.0.0.1:9/")  # where there is no such element
                await waits.for_("a page that loads")
                await person.leave_the_page("127.0.0.1:9", f"{origin}/in")
            else:
                await person.leave_the_page("/app", f"{origin}/in")
    session = harvesting.result()
    assert ([cookie.value for cookie in session.cookies], session.is_login) == (["ann"], True)


async def _give_each_page_a_cookie(request: web.BaseRequest) -> web.StreamResponse:
    """Set the cookie anew with each page, as Laravel does; the last page is the login's."""
    body = "<form><input name=user><input type=password></form>" if request.path == "/login" else _APP
    headers = {} if "icon" in request.path else {"Set-Cookie": f"sid=of-{request.path[1:]}; Path=/"}
    return web.Response(text=body, content_type="text/html", headers=headers)


@pytest.mark.usefixtures("at_a_screen")
async def test_a_cookie_that_changes_with_each_page_closes_no_window_on_the_login_form(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aura_browser.webdriver.ready._REFUSED_AT_REST_S", 0.5)
    asked = asyncio.Event()

    async def prove(session: Session) -> bool:
        asked.set()
        return "of-in" in {cookie.value for cookie in session.cookies}

    async with serving(_give_each_page_a_cookie) as (_server, origin):
        site, waits = page_site(f"{origin}/app", (Condition.parse("cookie:sid"),)), Waits()
        site = dataclasses.replace(site, probe=Probe("/me"))
        engine = Selenium(chrome_path=person.chrome())
        async with asyncio.TaskGroup() as group:
            harvesting = group.create_task(harvest(site, engine=engine, interactive=True, on_wait=waits, prove=prove))
            await asked.wait()  # the first page has come to rest
            await person.leave_the_page("/app", f"{origin}/login")
            await waits.for_("your login: the site does not take the session yet")
            await asyncio.sleep(1)  # longer than a page has on its way to a form
            assert not harvesting.done()
            await person.leave_the_page("/login", f"{origin}/in")
    session = harvesting.result()
    assert ([cookie.value for cookie in session.cookies], session.is_login) == (["of-in"], True)


@pytest.mark.usefixtures("at_a_screen")
async def test_a_login_that_is_there_already_needs_no_person_if_the_proof_says_so() -> None:
    asked: list[str] = []

    async def prove(session: Session) -> bool:
        asked.extend(cookie.value for cookie in session.cookies)
        return True

    async with serving(_serve_app) as (_server, origin):
        site = page_site(origin, (Condition.parse("cookie:PHPSESSID"),))
        session = await harvest(site, interactive=True, prove=prove, timeout_s=60)
    assert asked == ["anonymous"] == [cookie.value for cookie in session.cookies]
    assert session.is_login is False, "nobody did anything"


@pytest.mark.usefixtures("at_a_screen")
async def test_a_proof_that_failed_for_a_moment_is_asked_again() -> None:
    answers = iter((False, True))

    async def prove(_session: Session) -> bool:
        return next(answers)

    async with serving(_serve_app) as (_server, origin):
        site = page_site(origin, (Condition.parse("cookie:PHPSESSID"),))
        await harvest(site, interactive=True, prove=prove, timeout_s=60)
    assert list(answers) == []


@pytest.mark.parametrize(("proves", "said"), [(True, True), (False, False)])
async def test_a_proof_that_ends_just_after_a_wait_for_it_counts(
    monkeypatch: pytest.MonkeyPatch, *, proves: bool, said: bool
) -> None:
    class EndsAfterTheFirstWait(Future[bool]):
        def result(self, timeout: float | None = None) -> bool:
            if self.done():
                return super().result(timeout)
            self.set_result(proves)
            raise TimeoutError

    def run(coroutine: Coroutine[Any, Any, bool], _loop: object) -> Future[bool]:
        coroutine.close()
        return EndsAfterTheFirstWait()

    async def prove(_session: Session) -> bool:
        raise AssertionError

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", run)
    ask = call_in_loop(prove, asyncio.get_running_loop(), Deadline(60))
    assert ask(make_session()) is said


@pytest.mark.usefixtures("at_a_screen")
async def test_without_a_condition_the_person_closes_the_window(person: Person) -> None:
    async with Playground("login-redirect") as server:
        waits, engine = Waits(), Selenium(chrome_path=person.chrome())
        async with asyncio.TaskGroup() as group:
            harvesting = group.create_task(
                harvest(page_site(server.origin), engine=engine, interactive=True, on_wait=waits)
            )
            await person.log_in()
            await waits.for_("then close the window")
            await eventually(lambda: server.page_loads > 0, 30)
            await asyncio.sleep(2)
            await person.close_the_window("/")
        session = harvesting.result()
        async with AuraClient(server.origin, session=session, refresh="never") as client:
            assert await client.complete("it is me") == "it is me"


@pytest.mark.usefixtures("at_a_screen")
async def test_a_dialog_waits_for_the_person(person: Person) -> None:
    body = "<p id=app>x</p><script>if (confirm('Stay?')) document.cookie = 'stay=1'</script>"
    async with serving(page(body)) as (_server, origin):
        site, waits = page_site(origin, (Condition.parse("cookie:stay"),)), Waits()
        harvesting = asyncio.ensure_future(
            harvest(site, engine=Selenium(chrome_path=person.chrome()), interactive=True, on_wait=waits, timeout_s=100)
        )
        await waits.for_("“Stay?”")
        harvesting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await harvesting


@pytest.mark.usefixtures("at_a_screen")
async def test_a_person_sees_what_ends_a_harvest_without_one(person: Person, hurry: Hurry) -> None:
    async with serving(page("<h1>Busy</h1>", status=503)) as (_server, origin):
        engine, waits = Selenium(chrome_path=person.chrome()), hurry("a page status below 400", "cookie:never")
        site = page_site(origin, (Condition.parse("cookie:never"),))
        with pytest.raises(NotReady, match="a page status below 400"):
            await harvest(site, engine=engine, interactive=True, on_wait=waits)


async def test_a_display_that_does_not_answer_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":4711")
    with pytest.raises(InteractionRequired, match="nothing answers there"):
        await harvest(openchat_site("https://chat.example"), interactive=True)


@pytest.mark.usefixtures("without_a_screen")
async def test_without_a_display_it_says_how_to_harvest_elsewhere() -> None:
    with pytest.raises(InteractionRequired) as caught:
        await harvest(openchat_site("https://chat.example"), interactive=True)
    assert "no display here" in str(caught.value)
    assert "aura-browser harvest https://chat.example --interactive" in caught.value.command
    assert "-o session.json" in caught.value.command
    assert "aura-browser sessions import session.json" in str(caught.value)
    parse_command(shlex.split(caught.value.command))


async def test_a_window_on_a_display_that_nobody_sees() -> None:
    async with Playground("check-503", check_delay=0.2) as server:
        session = await harvest(openchat_site(server.origin), engine=Selenium(virtual_display=True))
    assert "HeadlessChrome" not in session.user_agent
    with pytest.raises(InvalidInput, match="hides the window"):
        await harvest(openchat_site(server.origin), engine=Selenium(virtual_display=True), interactive=True)


async def test_what_a_virtual_display_needs_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    engine = Selenium("/usr/bin/chromium", "/usr/bin/chromedriver", virtual_display=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LaunchFailed, match="apt install xvfb"):
        await harvest(page_site("http://127.0.0.1:9"), engine=engine)
    monkeypatch.setitem(sys.modules, "pyvirtualdisplay.xvfb", None)
    with pytest.raises(InvalidInput, match="pip install 'PyVirtualDisplay>="):
        await harvest(page_site("http://127.0.0.1:9"), engine=engine)


async def test_an_xvfb_that_hangs_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hanging = tmp_path / "Xvfb"
    hanging.write_text('#!/bin/sh\n[ "$1" = -help ] && { echo -displayfd; exit; }\nexec sleep 600\n')
    hanging.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(LaunchFailed):
        async with asyncio.timeout(20):
            await harvest(page_site("http://127.0.0.1:9"), engine=Selenium(virtual_display=True), timeout_s=2)


@pytest.mark.usefixtures("at_a_screen")
def test_the_command_counts_down_and_ctrl_c_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "t"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    with (
        serve_in_thread("login-redirect") as server,
        Terminal("harvest", server.origin, "--interactive", "--until", "cookie:never", program=PROGRAM) as terminal,
    ):
        shown = terminal.read_until(r"4:\d\d left; still missing:\s+cookie:never")
        assert f"Chrome waits for you at {server.origin}" in shown
        terminal.process.send_signal(signal.SIGINT)
        terminal.read_until("Interrupted")
        assert terminal.process.wait(20) == 130
    assert list(temporary.iterdir()) == []
