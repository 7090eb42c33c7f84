"""Harvests with a real Chrome: gates, cookies, headers, conditions, and nothing left behind."""

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import psutil
import pytest
from aiohttp import web
from yarl import URL

from aura_browser import AuraClient, Condition, OwnDriver, Selenium, Session, Site, openchat_site, page_site
from aura_browser.errors import InvalidInput, LaunchFailed, LoginNeeded, NotReady, PageFailed, SiteFailed
from aura_browser.playground import Playground
from aura_browser.webdriver.harvest import harvest
from tests.parts.drivers import own_driver
from tests.parts.hurry import Hurry
from tests.parts.programs import program
from tests.parts.servers import page, serving
from tests.parts.stream_server import stream_server
from tests.parts.waiting import eventually

pytestmark = pytest.mark.chrome
about_the_page = pytest.mark.usefixtures("shared_chrome")


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that leaves a process or a folder; look at what is below this process and in its folder only."""
    if "shared_chrome" in request.fixturenames:
        request.getfixturevalue("chrome_of_this_process").start()
    folder = Path(tempfile.mkdtemp())  # its path is short, as Chrome needs it
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    before = set(psutil.Process().children())  # what tests share, such as a Grid
    yield
    left = [child for child in psutil.Process().children() if child not in before]
    assert [child.name() for child in left if child.status() != "zombie"] == []
    folder.rmdir()


@about_the_page
@pytest.mark.parametrize("gate", ["none", "check-503", "check-403"])
async def test_a_harvest_passes_each_gate_that_needs_no_person(gate: str) -> None:
    async with Playground(gate, check_delay=0.3) as site, AuraClient(site.origin, store="memory") as client:
        assert await client.complete("Привет") == "Привет"
        assert await client.complete("again") == "again"
        assert site.page_loads == 1
        site.revoke_all()
        assert await client.complete("after") == "after"
        assert site.page_loads == (1 if gate == "none" else 2)
        session = await client.session()
        assert [cookie.name for cookie in session.cookies] == ([site.cookie_name] if site.cookie_name else [])
        assert (
            session.browser.version in session.user_agent or session.browser.version.split(".")[0] in session.user_agent
        )


@pytest.mark.soak
@about_the_page
@pytest.mark.usefixtures("lasting_connections")
async def test_a_thousand_streams_on_a_revoked_session_open_one_browser() -> None:
    async with Playground("check-503", check_delay=0.2) as site, AuraClient(site.origin, store="memory") as client:
        await client.complete("first")
        site.revoke_all()
        answers = await asyncio.gather(*(client.complete(f"question {n}") for n in range(1000)))
        assert answers == [f"question {n}" for n in range(1000)]
        assert site.page_loads == 2


@about_the_page
@pytest.mark.parametrize("gate", ["login-401", "login-redirect"])
async def test_a_login_page_is_never_taken_for_the_site(gate: str) -> None:
    async with Playground(gate) as site:
        with pytest.raises(LoginNeeded) as caught:
            await harvest(openchat_site(site.origin), timeout_s=50)
    assert caught.value.mark == "a password field"
    assert caught.value.command == openchat_site(site.origin).login_command()


async def test_running_as_root_without_the_sandbox_is_said(caplog: pytest.LogCaptureFixture) -> None:
    import os

    async with serving(page()) as (_server, origin):
        with caplog.at_level(logging.WARNING):
            await harvest(page_site(origin))
    assert ("without it" in caplog.text) is (os.geteuid() == 0)


ODD_COOKIES = [
    "plain=1; Path=/",
    "base64=a+b/c==; Path=/",
    'quoted="a b"; Path=/',
    "spaces=a b  c; Path=/",
    "equals==a=b=; Path=/",
    "utf8=\u00e9\u20ac\u4f60; Path=/",
    "comma=a,b; Path=/",
    "empty=; Path=/",
    "nameless; Path=/",
    "backslash=a\\b; Path=/",
    'json={"x":[1]}; Path=/',
    "percent=%20%3B; Path=/",
    "{odd}(name)=1; Path=/",
    "long=" + "x" * 3000 + "; Path=/",
    "secure=1; Path=/; Secure",
    "hidden=1; Path=/; HttpOnly; SameSite=Strict; Max-Age=600",
    "partitioned=1; Path=/; Secure; SameSite=None; Partitioned",
    "deep=root; Path=/",
    "deep=api; Path=/api",
    "elsewhere=1; Path=/other",
    "changed=1; Path=/",
    "last=1; Path=/",
    "changed=2; Path=/",
]


@about_the_page
async def test_the_client_sends_what_chrome_sends_byte_for_byte() -> None:
    """Chrome's own fetch from the page against the client's request to the same address."""
    fetched = asyncio.Event()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/":
            response = web.Response(
                text="<!doctype html><body><script>fetch('/api/chat', {method: 'POST', body: 'x', "
                "headers: {'Content-Type': 'application/json'}})</script></body>",
                content_type="text/html",
            )
            response.headers["Accept-CH"] = "Sec-CH-UA-Full-Version-List, Sec-CH-UA-Arch, Sec-CH-UA-Model"
            for cookie in ODD_COOKIES:
                response.headers.add("Set-Cookie", cookie)
            return response
        if request.path == "/api/chat":
            fetched.set()
        return web.Response(text="ok")

    async with serving(handle) as (server, origin):
        session = await harvest(openchat_like(origin))
        async with asyncio.timeout(10):
            await fetched.wait()
        async with AuraClient(origin, store="memory", session=session) as client:
            assert await client.complete("x") == "ok"
    chrome, ours = [request for request in server.seen if request.path == "/api/chat"]
    sent = {name: dict(request.raw_headers)[name] for request in [chrome] for name in [b"Cookie"]}
    assert dict(ours.raw_headers)[b"Cookie"] == sent[b"Cookie"]
    assert sent[b"Cookie"].startswith(b"deep=api; plain=1; base64=a+b/c==; ")
    for name in ("User-Agent", "Accept-Language", "Accept", "Origin", "Referer", "Content-Type"):
        assert ours.headers[name] == chrome.headers[name], name
    hints = {name.lower() for name in chrome.headers if name.lower().startswith("sec-")}
    assert {"sec-ch-ua", "sec-ch-ua-full-version-list", "sec-ch-ua-arch", "sec-fetch-mode"} <= hints
    # aiohttp leaves out the "Connection: keep-alive" that HTTP/1.1 means anyway.
    assert {name.lower() for name in ours.headers} == {name.lower() for name in chrome.headers} - {"connection"}
    assert {name: ours.headers.get(name) for name in hints} == {name: chrome.headers[name] for name in hints}


def openchat_like(origin: str) -> Site:
    return page_site(origin, (Condition("js", "performance.getEntriesByType('resource').length > 0"),))


@about_the_page
async def test_whole_cookies_and_local_storage_are_read() -> None:
    script = "<script>localStorage.setItem('theme', 'dark'); sessionStorage.setItem('x', 'y')</script>"
    cookies = web.Response().headers
    for cookie in ("sid=1; HttpOnly; SameSite=Lax; Max-Age=600; Path=/", "own=1; Domain=127.0.0.1; Path=/x"):
        cookies.add("Set-Cookie", cookie)
    async with serving(page(script, headers=cookies)) as (_server, origin):
        session = await harvest(page_site(f"{origin}/start?q=1#top"))
    sid, own = sorted(session.cookies, key=lambda cookie: cookie.name, reverse=True)
    assert (sid.http_only, sid.same_site, sid.host_only, sid.path, sid.domain) == (True, "Lax", True, "/", "127.0.0.1")
    assert sid.expires is not None
    assert session.expires_at == sid.expires
    assert abs(sid.expires - session.harvested_at - 600) < 30
    assert own.path == "/x"
    assert session.local_storage == {"theme": "dark"}
    assert session.url == f"{origin}/start?q=1"
    assert session.origin == origin
    assert Session.from_json(session.to_json()) == session


@about_the_page
async def test_what_cannot_be_taken_along_is_said(caplog: pytest.LogCaptureFixture) -> None:
    script = "<script>sessionStorage.setItem('access_token', 's3cret')</script>"
    headers = {
        "Set-Cookie": "p=s3cret; Secure; SameSite=None; Partitioned; Path=/",
        "Secure-Session-Registration": '(ES256);path="/dbsc"',
    }
    async with serving(page(script, headers=headers)) as (_server, origin), serving(page()) as (_plain, other):
        with caplog.at_level(logging.WARNING):
            await harvest(page_site(origin))
        for word in ("1 partitioned cookies", "binds its session to this device", "session storage"):
            assert word in caplog.text
        assert "s3cret" not in caplog.text
        caplog.clear()
        await harvest(page_site(other))
        assert other not in caplog.text


async def test_only_the_sites_own_cookies_are_taken_from_a_profile() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        response = web.Response(text="hi", content_type="text/html")
        response.headers.add("Set-Cookie", f"host={request.host.partition(':')[0]}; Path=/")
        if "site.localhost" in request.host:
            response.headers.add("Set-Cookie", "domain=site; Domain=site.localhost; Path=/")
        return response

    async with serving(handle) as (_server, origin):
        port = URL(origin).port
        with own_driver() as driver:
            for host in ("other.localhost", "below.app.site.localhost", "beside.site.localhost", "site.localhost"):
                await asyncio.to_thread(driver.get, f"http://{host}:{port}/")
            session = await harvest(page_site(f"http://app.site.localhost:{port}/"), engine=OwnDriver(driver))
            assert driver.title is not None  # it is still open
    taken = {(cookie.name, cookie.domain, cookie.host_only) for cookie in session.cookies}
    assert taken == {
        ("host", "app.site.localhost", True),
        ("host", "below.app.site.localhost", True),
        ("host", "site.localhost", True),
        ("domain", "site.localhost", False),
    }
    # Without a log of what it sent, a driver still tells who it is.
    assert session.headers["User-Agent"] == session.user_agent
    assert session.headers["Accept-Language"].startswith("en-US")
    assert "Chrom" in session.headers["sec-ch-ua"]
    assert (session.headers["sec-ch-ua-mobile"], session.headers["sec-ch-ua-platform"]) == ("?0", '"Linux"')


@about_the_page
@pytest.mark.parametrize(
    "condition",
    [
        "cookie:late",
        "selector:#late",
        "text:Late arrival",
        "js:window.late === 1",
        "url:*/?late",
        "url:http://127.0.0.1:*",
    ],
)
async def test_conditions_are_waited_for(condition: str) -> None:
    script = """<script>setTimeout(() => {
        document.cookie = 'late=1'; window.late = 1; history.replaceState(null, '', '/?late');
        document.body.insertAdjacentHTML('beforeend', '<p id=late>Late arrival</p>') }, 300)</script>"""
    async with serving(page(script)) as (_server, origin):
        session = await harvest(page_site(origin, (Condition.parse(condition),)), timeout_s=20)
    assert session.origin == origin


@about_the_page
async def test_a_time_out_names_what_never_held(hurry: Hurry) -> None:
    conditions = (Condition.parse("selector:#never"), Condition.parse("cookie:never"), Condition.parse("text:Hello"))
    async with serving(page()) as (_server, origin):
        with pytest.raises(NotReady) as caught:
            await harvest(page_site(origin, conditions), on_wait=hurry("selector:#never", "cookie:never"))
    assert caught.value.missing == ("selector:#never", "cookie:never")


@about_the_page
@pytest.mark.parametrize("condition", ["selector:[", "js:)("])
async def test_a_condition_that_cannot_be_checked_ends_the_search(condition: str) -> None:
    async with serving(page()) as (_server, origin):
        with pytest.raises(InvalidInput, match=r"^until: ") as caught:
            await harvest(page_site(origin, (Condition.parse(condition),)), timeout_s=20)
    assert condition in caught.value.problem


@about_the_page
async def test_a_page_with_an_error_status_is_not_ready(hurry: Hurry) -> None:
    async with serving(page(status=403)) as (_server, origin):
        with pytest.raises(NotReady, match="a page status below 400") as caught:
            await harvest(page_site(origin), on_wait=hurry("a page status below 400"))
    assert caught.value.status == 403
    assert caught.value.command == f"aura-browser harvest {origin} --interactive"


@about_the_page
async def test_a_redirect_to_another_site_is_not_ready(hurry: Hurry) -> None:
    async def away(request: web.BaseRequest) -> web.StreamResponse:
        if request.host.startswith("localhost"):
            return web.Response(text="another site")
        return web.Response(status=302, headers={"Location": f"http://localhost:{request.url.port}/"})

    async with serving(away) as (_server, origin):
        with pytest.raises(NotReady, match=r"a page of the site itself, not of http://localhost:"):
            await harvest(page_site(origin), on_wait=hurry("a page of the site itself"))


@about_the_page
async def test_a_page_that_cannot_be_loaded_gives_chromes_code() -> None:
    async with serving(page()) as (_server, origin):
        pass
    with pytest.raises(PageFailed, match="ERR_CONNECTION_REFUSED"):
        await harvest(page_site(origin), timeout_s=20)


@about_the_page
async def test_a_page_that_never_answers_ends_at_the_time_out(hurry: Hurry) -> None:
    async def never(_request: web.BaseRequest) -> web.StreamResponse:
        hurry.end()
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(never) as (_server, origin):
        with pytest.raises(NotReady, match=r"not met: the page loaded\. Nothing has answered") as caught:
            await harvest(page_site(origin))
    assert not caught.value.is_answered


@pytest.mark.parametrize("moment", ["launch", "navigation", "waiting"])
async def test_cancelling_leaves_nothing(moment: str) -> None:
    arrived = asyncio.Event()

    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        arrived.set()
        if moment == "navigation":
            await asyncio.Event().wait()
        return web.Response(text="hi", content_type="text/html")

    async with serving(handle) as (_server, origin):
        job = asyncio.create_task(harvest(page_site(origin, (Condition.parse("cookie:never"),))))
        if moment == "launch":
            await eventually(psutil.Process().children)
        else:
            await arrived.wait()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(10):
                await job


async def test_the_environments_proxies_and_driver_are_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://me:s3cret@127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SE_CHROMEDRIVER", "/bin/false")
    async with serving(page()) as (_server, origin):
        assert (await harvest(page_site(origin))).origin == origin


@about_the_page
@pytest.mark.parametrize("call", ["alert('hi')", "confirm('sure?')", "setTimeout(() => alert('late'), 0)"])
async def test_a_dialog_in_the_page_stops_nothing(call: str) -> None:
    async with serving(page(f"<p>x</p><script>{call}</script>")) as (_server, origin):
        assert (await harvest(page_site(origin), timeout_s=20)).origin == origin


@about_the_page
@pytest.mark.parametrize(
    ("status", "headers"), [(200, {"Content-Disposition": "attachment"}), (204, {})], ids=["download", "nothing"]
)
async def test_an_answer_without_a_page_is_named(status: int, headers: dict[str, str]) -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    async with serving(handle) as (_server, origin):
        with pytest.raises(NotReady, match="a download, or a response without a page") as caught:
            await harvest(page_site(f"{origin}/here"), timeout_s=8)
    assert f"{origin}/here" in str(caught.value)
    assert caught.value.is_answered


@about_the_page
@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [(401, {"WWW-Authenticate": 'Basic realm="x"'}, LoginNeeded), (503, {"Retry-After": "1"}, SiteFailed)],
)
async def test_an_error_without_a_page_is_named_too(status: int, headers: dict[str, str], error: type) -> None:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    async with serving(handle) as (_server, origin):
        with pytest.raises(error, match=f"{origin}/here"):
            await harvest(page_site(f"{origin}/here"), timeout_s=50)


@about_the_page
async def test_no_cookie_is_logged_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(page(headers={"Set-Cookie": "sid=s3cretvalue; Path=/"})) as (_server, origin):
        with caplog.at_level(logging.DEBUG):
            session = await harvest(page_site(origin, (Condition.parse("cookie:sid"),)))
    assert session.cookies[0].value == "s3cretvalue"
    assert "s3cretvalue" not in caplog.text


async def test_through_a_proxy_browser_and_client_alike() -> None:
    async with Playground() as site:

        async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """Pass plain HTTP on, one connection a request."""
            head = await reader.readuntil(b"\r\n\r\n")
            asked.append(head.split()[1].decode())
            there_reader, there = await asyncio.open_connection("127.0.0.1", URL(site.origin).port)
            with closing(there):
                there.write(head.replace(site.origin.encode(), b"", 1).replace(b"keep-alive", b"close"))
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                there.write(await reader.readexactly(length))
                while data := await there_reader.read(65536):
                    writer.write(data)
                await writer.drain()

        asked: list[str] = []
        async with stream_server(proxy) as port:
            address = f"http://127.0.0.1:{port}"
            async with AuraClient(site.origin, store="memory", proxy=address) as client:
                assert await client.complete("hello") == "hello"
                assert (await client.session()).proxy == address
        assert f"{site.origin}/" in asked
        assert f"{site.origin}/api/chat" in asked


@asynccontextmanager
async def fake_chrome(tmp_path: Path, script: str) -> AsyncIterator[Path]:
    path = tmp_path / "chrome"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    yield path


async def test_a_chrome_that_exits_at_start_is_noticed_at_once_with_its_last_words(tmp_path: Path) -> None:
    async with fake_chrome(tmp_path, "echo 'No usable sandbox!' >&2; exit 1") as path:
        with pytest.raises(LaunchFailed, match="No usable sandbox!") as caught:
            async with asyncio.timeout(20):
                await harvest(page_site("http://127.0.0.1:9"), engine=Selenium(chrome_path=path))
    assert caught.value.chrome_path == str(path)
    assert caught.value.stderr_tail[-1] == "No usable sandbox!"
    assert "install the package chromium-sandbox" in str(caught.value)


async def test_a_harvest_takes_none_of_the_threads_that_all_share() -> None:
    import threading
    from concurrent.futures import ThreadPoolExecutor

    busy = threading.Event()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    async with serving(page()) as (_server, origin):
        engine = Selenium()
        waiting = page_site(origin, (Condition.parse("cookie:never"),))
        harvesting = asyncio.ensure_future(harvest(waiting, engine=engine, on_wait=lambda _left, _missing: busy.set()))
        await eventually(busy.is_set)
        async with asyncio.timeout(20):
            assert await asyncio.to_thread(lambda: "free") == "free"
        for _ in range(3):
            harvesting.cancel()  # a second time must not make it leave the browser behind
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await harvesting


def test_the_lifeline_takes_nothing_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aura_browser.webdriver.process.lifeline import Lifeline

    precious = tmp_path / "precious"
    precious.mkdir()
    monkeypatch.setenv("folder", str(precious))
    monkeypatch.setenv("code", f"open({str(tmp_path / 'made')!r}, 'w')")
    with Lifeline() as lifeline:
        lifeline.run_cleanup()
    assert precious.is_dir()
    assert not (tmp_path / "made").exists()


def test_what_the_lifeline_runs_imports_nothing_planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aura_browser.webdriver.process.lifeline import Lifeline

    (tmp_path / "planted.py").write_text(f"open({str(tmp_path / 'made')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Lifeline() as lifeline:
        lifeline.add_code(f"open({str(tmp_path / 'ran')!r}, 'w'); import planted")
        lifeline.run_cleanup()
    assert (tmp_path / "ran").exists()
    assert not (tmp_path / "made").exists()


async def test_a_driver_that_can_not_be_run_is_a_launch_that_failed(tmp_path: Path) -> None:
    driver = tmp_path / "chromedriver"
    driver.write_bytes(b"\x7fELF no program")
    driver.chmod(0o755)
    with pytest.raises(LaunchFailed, match=r"exited with code (126|127|2)"):
        await harvest(page_site("http://127.0.0.1:9"), engine=Selenium(driver_path=driver))


def port_taken(folder: Path, starts: int) -> Path:
    """Return a ChromeDriver that finds its port in use at its first *starts*, in the real one's words."""
    script = f"""#!/bin/sh
echo >> "$0.starts"
[ $(wc -l < "$0.starts") -gt {starts} ] && exec chromedriver "$@"
echo "[1.2][SEVERE]: bind() failed: Address already in use (98)" >&2
echo "IPv4 port not available. Exiting..."
exit 1
"""
    return program(folder, "chromedriver", script)


async def test_a_driver_whose_port_is_in_use_is_started_again(tmp_path: Path) -> None:
    async with serving(page()) as (_server, origin):
        session = await harvest(page_site(origin), engine=Selenium(driver_path=port_taken(tmp_path, 2)))
    assert session.user_agent
    assert (tmp_path / "chromedriver.starts").read_text() == "\n" * 3


async def test_a_driver_that_never_finds_a_free_port_says_so(tmp_path: Path) -> None:
    with pytest.raises(LaunchFailed, match=r"tried 5 ports, and other programs use each\. Close some") as caught:
        await harvest(page_site("http://127.0.0.1:9"), engine=Selenium(driver_path=port_taken(tmp_path, 9)))
    assert "Address already in use" in "".join(caught.value.stderr_tail)


@about_the_page
async def test_a_page_that_is_not_there_is_said_soon() -> None:
    async with serving(page(status=404)) as (_server, origin):
        with pytest.raises(PageFailed, match=r"answers 404\. Check the address"):
            async with asyncio.timeout(20):
                await harvest(page_site(origin))


@pytest.mark.parametrize("wrong", ["selenium", 7])
async def test_what_is_no_engine_or_no_site_is_said(wrong: object) -> None:
    with pytest.raises(InvalidInput, match=r"engine: .*Selenium\(\)"):
        await harvest(page_site("http://127.0.0.1:9"), engine=wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"site: .*page_site"):
        await harvest(wrong)  # type: ignore[arg-type]
