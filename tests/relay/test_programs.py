"""The command ``aura-browser proxy`` with real programs: git, curl, Chrome; and its memory."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from aura_browser.store import FileStore, SessionKey
from tests.parts.apache import log_in, serving_git
from tests.parts.cached import cache_session
from tests.parts.command import PROGRAM, choose_program, run
from tests.parts.echo_site import EchoSite, read_told, serving_echo
from tests.parts.missing import missing
from tests.parts.open_chrome import FLAGS
from tests.parts.programs import Started
from tests.parts.servers import serving_in_thread
from tests.parts.sessions import make_cookie, make_session

pytestmark = pytest.mark.slow  # it starts servers and programs


@contextmanager
def proxying(site: str, *args: str, program: list[str] | None = None, **environment: str) -> Iterator[tuple[str, int]]:
    """Run the command until the context ends; yield the address that it prints, and the id of *program*'s process."""
    start = program or choose_program(os.environ | environment)
    words = [*start, "proxy", site, "--port", "0", "--refresh", "never", *args]
    with Started(words, stdout=subprocess.PIPE, text=True, env=os.environ | environment) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith("http://127.0.0.1:"), process.wait(20)
        try:
            yield line, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 128 + signal.SIGTERM


@pytest.fixture
def site(state_home: Path) -> Iterator[EchoSite]:
    with serving_echo() as served:
        cache_session(state_home, served.origin)
        yield served


def curl(*args: str) -> str:
    program = shutil.which("curl") or missing("curl is missing; bring it with: make test-parts")
    return subprocess.run([program, "-sS", *args], capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_address_that_is_printed_opens_the_site(site: EchoSite, tmp_path: Path) -> None:
    with proxying(site.origin) as (address, _):
        origin, token = address.removesuffix("/").rsplit("/", 1)
        assert len(token) >= 30
        assert "401" in curl("-o", os.devnull, "-w", "%{http_code}", f"{origin}/echo")
        told = read_told(curl("-L", "-c", str(tmp_path / "jar"), f"{address}echo?a=1"))
        assert (told[1], told[2]["user-agent"]) == ("/echo?a=1", "Chrome/1 test")
        assert read_told(curl("-u", f"me:{token}", "-d", "x=1", f"{origin}/echo"))[3] == b"x=1"
        assert read_told(curl("-H", f"X-Aura-Token: {token}", "-X", "PATCH", f"{origin}/echo"))[0] == "PATCH"
        assert token not in f"{[(each.raw_path, dict(each.headers)) for each in site.server.seen]}"


def test_a_token_of_ones_own_and_none(site: EchoSite, state_home: Path) -> None:
    own = "my-own-token-0123456789"
    with proxying(site.origin, AURA_BROWSER_PROXY_TOKEN=own) as (address, _):
        assert address.endswith(f"/{own}/")
    folder = state_home.with_name("config") / "aura-browser"
    folder.mkdir(parents=True)
    (folder / "sites.toml").write_text(f'[mine]\nurl = "{site.origin}/app"\n', "utf-8")
    with proxying("mine", "--no-token") as (address, _):
        assert address.count("/") == 3
        assert read_told(curl(f"{address}echo"))[0] == "GET"


def test_what_can_not_work_is_said_at_once(site: EchoSite, state_home: Path) -> None:
    weak = run("proxy", site.origin, AURA_BROWSER_PROXY_TOKEN="short")
    assert (weak.returncode, weak.stdout) == (78, "")
    assert "short" not in weak.stderr
    with proxying(site.origin) as (address, _):
        taken = run("proxy", site.origin, "--port", address.split(":")[2].split("/")[0])
    assert (taken.returncode, taken.stdout) == (2, "")
    assert "0 picks a free port" in taken.stderr
    shutil.rmtree(state_home)
    nobody = run("proxy", site.origin, "--port", "0", "--refresh", "never")
    assert (nobody.returncode, nobody.stdout) == (77, "")


def test_git_clones_and_pushes_behind_a_login(state_home: Path, tmp_path: Path) -> None:
    with serving_git() as (origin, _):
        cookie = make_cookie("session", log_in(origin), http_only=True)
        store = FileStore(state_home / "aura-browser" / "sessions")
        asyncio.run(store.save(SessionKey(origin), make_session(origin, cookies=(cookie,))))
        environment = os.environ | {"GIT_TERMINAL_PROMPT": "0", "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}

        def git(*args: str, works: bool = True) -> str:
            done = subprocess.run(
                ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", *args],  # noqa: S607 - the one on the path
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
                env=environment,
            )
            assert (done.returncode == 0) is works, done.stderr
            return done.stdout

        with proxying(origin) as (address, _):
            place, token = re.fullmatch(r"http://([^/]*)/(.*)/", address).groups()  # type: ignore[union-attr]
            url = f"http://any:{token}@{place}/git/project.git"
            first, second = str(tmp_path / "first"), str(tmp_path / "second")
            git("clone", "-q", url, first)
            (Path(first) / "big.bin").write_bytes(os.urandom(3 * 2**20))
            git("-C", first, "add", ".")
            git("-C", first, "commit", "-qm", "A big file")
            git("-C", first, "push", "-q", "origin", "HEAD:main")
            git("clone", "-q", url, second)
            assert (Path(second) / "big.bin").read_bytes() == (Path(first) / "big.bin").read_bytes()
            git("clone", "-q", f"http://any:wrong@{place}/git/project.git", str(tmp_path / "third"), works=False)


def test_a_long_download_takes_no_more_memory_than_a_short_one(site: EchoSite) -> None:
    with proxying(site.origin, "--no-token", program=PROGRAM) as (address, process):
        status = Path(f"/proc/{process}/status")

        def peak_kib() -> int:
            return int(re.findall(r"VmHWM:\s+(\d+)", status.read_text("utf-8"))[0])

        sizes = []
        for mib in (4, 256):
            assert curl("-o", os.devnull, "-w", "%{size_download}", f"{address}big?mib={mib}") == str(mib * 2**20)
            sizes.append(peak_kib())
        assert sizes[1] - sizes[0] < 16 * 1024


EVIL = """<!doctype html><title>evil</title><body><script>
const proxy = new URLSearchParams(location.search).get("proxy");
async function attack() {
  const done = [];
  const attempt = (name, promise) => done.push(promise.then((v) => `${name}: ${v}`, () => `${name}: refused`));
  attempt("fetch", fetch(`${proxy}evil-fetch`, {credentials: "include"}).then((r) => r.text()));
  attempt("no-cors", fetch(`${proxy}evil-nocors`, {mode: "no-cors", credentials: "include"}).then((r) => r.type));
  const post = {method: "POST", mode: "no-cors", credentials: "include", body: "x"};
  attempt("post", fetch(`${proxy}evil-post`, post).then((r) => r.type));
  for (const kind of ["img", "script", "iframe"]) {
    attempt(kind, new Promise((good, bad) => {
      const element = document.createElement(kind);
      element.onload = () => good("loaded"); element.onerror = () => bad();
      element.src = `${proxy}evil-${kind}`; document.body.append(element);
    }));
  }
  attempt("form", new Promise((good) => {
    const frame = document.createElement("iframe"); frame.name = "target"; document.body.append(frame);
    const form = document.createElement("form");
    form.action = `${proxy}evil-form`; form.method = "POST"; form.target = "target"; document.body.append(form);
    frame.onload = () => good("sent"); form.submit();
  }));
  attempt("socket", new Promise((good, bad) => {
    const socket = new WebSocket(`${proxy.replace("http", "ws")}evil-socket`);
    socket.onopen = () => good("open"); socket.onerror = () => bad();
  }));
  return (await Promise.all(done)).join("; ");
}
</script>"""


@pytest.fixture
def chrome() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    for flag in FLAGS:
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        driver.set_script_timeout(30)
        yield driver
    finally:
        driver.quit()


@pytest.mark.chrome
def test_no_page_of_another_origin_can_use_it(site: EchoSite, chrome: webdriver.Chrome) -> None:
    async def page(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=EVIL, content_type="text/html")

    with (
        serving_in_thread(page) as (_, elsewhere),
        proxying(site.origin) as (address, _),
        proxying(site.origin, "--no-token") as (unguarded, _),
    ):
        chrome.get(f"{address}echo")  # this browser may use it from now on
        assert '"path": "/echo"' in chrome.page_source
        guarded = address.rsplit("/", 2)[0] + "/"
        assert chrome.execute_async_script("fetch('/own').then((r) => arguments[0](r.status))") == 200
        for proxy in (guarded, unguarded):
            for attacker in (elsewhere, elsewhere.replace("127.0.0.1", "localhost")):
                chrome.get(f"{attacker}/?proxy={proxy}")
                done = chrome.execute_async_script("attack().then(arguments[0])")
                assert "fetch: refused" in done
                assert "socket: refused" in done
                assert done.count(";") == 7
    paths = [request.path for request in site.server.seen]
    assert "/own" in paths
    assert [path for path in paths if "evil" in path] == []
