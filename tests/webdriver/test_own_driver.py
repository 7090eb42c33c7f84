"""A driver of the caller's own, which waits for pages and reports dialogs: harvests and watching with it."""

import asyncio
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from selenium.common.exceptions import (
    NoSuchWindowException,
    TimeoutException,
    UnexpectedAlertPresentException,
    WebDriverException,
)
from selenium.webdriver.chrome.webdriver import WebDriver

from aura_browser import Condition, OwnDriver, page_site
from aura_browser.engine import Chrome
from aura_browser.errors import BrowserDied, NotReady, PageFailed, WindowClosed
from aura_browser.webdriver.devtools import call_devtools
from aura_browser.webdriver.harvest import harvest
from aura_browser.webdriver.page import Page
from aura_browser.webdriver.watching import watch
from tests.parts.drivers import own_driver
from tests.parts.own_browsers import list_browsers
from tests.parts.ports import free_port
from tests.parts.servers import page, serving
from tests.parts.waiting import until

_SOON_S = 30.0
_BUSY_MS = 900
_ALIVE = "<p>Hello</p><script>document.cookie = 'sid=1'</script>"


@pytest.fixture(scope="module")
def opened() -> Iterator[WebDriver]:
    with own_driver() as driver:
        yield driver


@pytest.fixture
def driver(opened: WebDriver) -> WebDriver:
    """Return the driver in a new tab, the only one."""
    before = opened.window_handles
    opened.switch_to.new_window("tab")
    for handle in before:
        opened.execute_cdp_cmd("Target.closeTarget", {"targetId": handle})
    # Chrome answers before a tab is gone, and the next test would close it again.
    until(lambda: opened.window_handles == [opened.current_window_handle], "the new tab is the only one")
    opened.execute_cdp_cmd("Network.clearBrowserCookies", {})
    return opened


def answer(body: str) -> web.Response:
    return web.Response(text=f"<!doctype html><body>{body}</body>", content_type="text/html")


@pytest.mark.chrome
async def test_a_site_that_can_not_be_reached_is_said_with_chromes_code(driver: WebDriver) -> None:
    with pytest.raises(PageFailed, match="ERR_CONNECTION_REFUSED") as caught:
        await harvest(page_site(f"http://127.0.0.1:{free_port()}/?key=s3cret"), engine=OwnDriver(driver))
    assert "s3cret" not in str(caught.value)


@pytest.mark.chrome
async def test_a_site_that_does_not_answer_is_not_ready_and_the_drivers_times_are_as_before(driver: WebDriver) -> None:
    async def never(_request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    before = driver.timeouts._to_json()
    async with serving(never) as (_server, origin):
        with pytest.raises(NotReady, match="was not ready after 1 s"):
            await harvest(page_site(origin), engine=OwnDriver(driver), timeout_s=1)
    assert driver.timeouts._to_json() == before


@pytest.mark.chrome
async def test_a_password_that_a_site_never_takes_ends_with_the_time(driver: WebDriver) -> None:
    async with serving(page(status=204)) as (_server, origin):
        with pytest.raises(NotReady):
            await harvest(page_site(origin), engine=OwnDriver(driver), timeout_s=1, basic="ann:s3cret")


@pytest.mark.chrome
async def test_a_driver_whose_session_is_over_is_said(driver: WebDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "session_id", "0" * 32)
    with pytest.raises(BrowserDied, match=r"the driver given does not answer \(InvalidSessionIdException\)"):
        await harvest(page_site("http://127.0.0.1:1"), engine=OwnDriver(driver))


@pytest.mark.chrome
async def test_the_tab_that_is_closed_in_a_harvest_hands_over_to_the_other(driver: WebDriver) -> None:
    is_closed = False

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/state" and is_closed:
            return web.Response(headers={"Set-Cookie": "sid=1; Path=/"})
        other = "window.open('/other');" if request.path == "/" else ""
        return answer(f"<script>{other} setInterval(() => fetch('/state'), 100)</script>")

    def close(_left_s: float, _missing: tuple[str, ...]) -> None:
        nonlocal is_closed
        if not is_closed and len(driver.window_handles) > 1:
            driver.execute_cdp_cmd("Target.closeTarget", {"targetId": driver.current_window_handle})
            is_closed = True

    async with serving(handle) as (_server, origin):
        site = page_site(origin, (Condition.parse("cookie:sid"),))
        session = await harvest(site, engine=OwnDriver(driver), on_wait=close, timeout_s=_SOON_S)
    assert is_closed
    assert [cookie.name for cookie in session.cookies] == ["sid"]


@pytest.mark.chrome
async def test_a_page_that_is_busy_just_before_it_would_be_at_rest_is_waited_for(driver: WebDriver) -> None:
    busy = (
        f"setTimeout(() => {{ const end = performance.now() + {_BUSY_MS}; while (performance.now() < end); "
        "document.cookie = 'late=1' }, 350)"
    )
    async with serving(page(f"<script>{busy}</script>")) as (_server, origin):
        session = await harvest(page_site(origin), engine=OwnDriver(driver), timeout_s=_SOON_S)
    assert [cookie.name for cookie in session.cookies] == ["late"]


@pytest.mark.chrome
async def test_a_watched_page_may_ask_something_and_its_tab_may_close(driver: WebDriver) -> None:
    looks = 0

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        more = "window.open('/other'); setTimeout(() => alert('Hello'), 300)" if request.path == "/" else ""
        return answer(f"{_ALIVE}<script>{more}</script>")

    def is_done() -> bool:
        nonlocal looks
        looks += 1
        if looks == 5:
            driver.execute_cdp_cmd("Target.closeTarget", {"targetId": driver.current_window_handle})
        return looks > 10

    async with serving(handle) as (_server, origin):
        engine = OwnDriver(driver)
        site = page_site(origin)
        watched = await watch(site, engine=engine, interactive=True, timeout_s=_SOON_S, is_done=is_done)
    assert [cookie.name for cookie in watched.session.cookies] == ["sid"]
    assert watched.session.url == f"{origin}/other"


@pytest.mark.chrome
async def test_while_a_watched_page_goes_on_loading_the_next_tab_is_looked_at() -> None:
    is_over = asyncio.Event()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/":
            return answer(_ALIVE)
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        await response.write(b"<!doctype html><script>window.open('/other')</script>")
        await is_over.wait()
        return response

    async with serving(handle) as (_server, origin):
        site = page_site(origin)
        watched = await watch(site, engine=Chrome(), interactive=False, timeout_s=_SOON_S, is_done=lambda: False)
        is_over.set()
    assert watched.session.url == f"{origin}/other"


@pytest.mark.chrome
async def test_while_a_tab_shows_another_site_the_next_tab_is_looked_at() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/" or request.host.startswith("localhost"):
            return answer(_ALIVE)
        away = f"http://localhost:{request.url.port}/"
        return answer(f"<script>window.open('/other'); location.replace('{away}')</script>")

    async with serving(handle) as (_server, origin):
        site = page_site(origin)
        watched = await watch(site, engine=Chrome(), interactive=False, timeout_s=_SOON_S, is_done=lambda: False)
    assert watched.session.url == f"{origin}/other"


@pytest.mark.chrome
async def test_who_never_sees_a_page_of_the_site_gets_no_session(driver: WebDriver) -> None:
    async with serving(page()) as (_server, origin):

        async def leave(_request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(status=302, headers={"Location": origin})

        async with serving(leave) as (_away, start):
            site = page_site(start.replace("127.0.0.1", "localhost"))
            with pytest.raises(NotReady, match="a page of the site itself"):
                await watch(site, engine=OwnDriver(driver), interactive=True, timeout_s=1.5, is_done=lambda: True)


@pytest.mark.chrome
async def test_a_browser_that_ends_while_nobody_watches_is_no_window_that_was_closed() -> None:
    before = {each.pid for each in list_browsers()}

    async def end(_request: web.BaseRequest) -> web.StreamResponse:
        [own] = [each.pid for each in list_browsers() if each.pid not in before]
        os.killpg(own, signal.SIGKILL)
        return answer("")

    async with serving(end) as (_server, origin):
        with pytest.raises(BrowserDied, match="the connection to Chrome ended"):
            await watch(page_site(origin), engine=Chrome(), interactive=False, timeout_s=_SOON_S, is_done=lambda: False)


@pytest.mark.chrome
@pytest.mark.parametrize(("interactive", "error"), [(True, WindowClosed), (False, BrowserDied)])
async def test_a_browser_that_ends_before_the_first_page_is_said(
    driver: WebDriver,
    monkeypatch: pytest.MonkeyPatch,
    interactive: bool,  # noqa: FBT001 - from the table above
    error: type[Exception],
) -> None:
    def fail(_url: str) -> None:
        raise WebDriverException("disconnected: not connected to DevTools")

    monkeypatch.setattr(driver, "get", fail)
    with pytest.raises(error):
        await watch(
            page_site("http://127.0.0.1:1"),
            engine=OwnDriver(driver),
            interactive=interactive,
            timeout_s=_SOON_S,
            is_done=lambda: False,
        )


class _Saying:
    """A driver's stand-in: each command is answered with the next of these, which may be an error."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)

    def execute_cdp_cmd(self, _cmd: str, _args: dict[str, object]) -> Any:  # noqa: ANN401 - JSON
        said = self._answers.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


def test_a_command_during_which_a_dialog_was_closed_is_sent_again_a_few_times_only() -> None:
    assert call_devtools(_Saying(None, None, {"is": 1}), "A.first") == {"is": 1}  # type: ignore[arg-type]
    with pytest.raises(TimeoutException, match="one dialog after the other"):
        call_devtools(_Saying(*[None] * 100), "A.first")  # type: ignore[arg-type]
    opened = UnexpectedAlertPresentException("unexpected alert open", alert_text="x")
    assert call_devtools(_Saying(opened, None, {"is": 1}), "A.first") == {"is": 1}  # type: ignore[arg-type]
    with pytest.raises(UnexpectedAlertPresentException):
        call_devtools(_Saying(*[opened] * 100), "A.first")  # type: ignore[arg-type]


@pytest.mark.chrome
async def test_dialogs_that_open_while_the_session_is_read_are_waited_for(
    driver: WebDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, left = driver.execute_cdp_cmd, [UnexpectedAlertPresentException("unexpected alert open", alert_text="x")] * 12

    def interrupt(command: str, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - as a driver's
        if command == "Network.getAllCookies" and left:
            raise left.pop()
        return send(command, arguments)

    monkeypatch.setattr(driver, "execute_cdp_cmd", interrupt)
    async with serving(page(_ALIVE)) as (_server, origin):
        session = await harvest(page_site(origin), engine=OwnDriver(driver), timeout_s=_SOON_S)
    assert [cookie.name for cookie in session.cookies] == ["sid"]
    assert not left


_REPLACED = 'unknown error: {"code":-32000,"message":"Cannot find context with specified id"}'


@pytest.mark.parametrize("look", ["confirm", "run_in_page", "shows_password", "peek"])
def test_a_document_that_is_being_replaced_has_nothing_to_say_and_a_tab_that_is_gone_is_an_error(look: str) -> None:
    def ask(error: Exception) -> object:
        found = Page(_Saying(*[error] * 5))  # type: ignore[arg-type]
        return getattr(found, look)(*(["1"] if look in {"run_in_page", "peek"} else []))

    assert not ask(WebDriverException(_REPLACED))
    assert not ask(TimeoutException())
    for gone in (NoSuchWindowException("no such window"), UnexpectedAlertPresentException("alert", alert_text="x")):
        with pytest.raises(type(gone)):
            ask(gone)
