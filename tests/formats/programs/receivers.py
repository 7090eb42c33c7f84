"""How each program logs in and saves what it got, and what of that comes in with ``sessions import``."""

import json
import shutil
import ssl
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import MozillaCookieJar
from pathlib import Path
from typing import Final

from aura_browser.formats import load
from aura_browser.session import Cookie
from tests.apps.install import install_from_npm, install_from_pypi
from tests.formats.programs.gate import Gate
from tests.formats.programs.kinds import LINES, LOGIN, PAGE, make_cookies
from tests.formats.programs.senders import BROWSER, call, call_agent_browser, call_xh
from tests.parts.missing import missing

WHOLE: Final = "whole"
MISSING: Final = "not saved"
_EXPIRY_SLACK_S: Final = 90.0


@dataclass(frozen=True)
class Receiver:
    """A program that logs in at the gate and saves its cookies.

    Attributes:
        name: the program, and the file.
        kind: what that file is recognised as; the beginning.
        save: logs in and saves to a file; returns what was shown.
        is_quick: whether `make test` runs it.
        needs_chrome: whether it is quick, but starts a browser.
    """

    name: str
    kind: str
    save: Callable[[Path, Gate], str]
    is_quick: bool = True
    needs_chrome: bool = False


def run_receiver(receiver: Receiver, gate: Gate, folder: Path) -> dict[str, str]:
    """Return how whole each kind of cookie comes in."""
    gate.set_cookies = tuple(LINES.values())
    file = folder / "saved"
    file.unlink(missing_ok=True)
    shown = receiver.save(file, gate)
    assert file.exists(), f"{receiver.name} saved nothing: {shown}"
    loaded = load(file.read_bytes(), now=time.time(), url=LOGIN)
    assert loaded.kind.startswith(receiver.kind), loaded.kind
    kept = {cookie.name: cookie for cookie in loaded.session.cookies}
    return {kind: _compare(cookie, kept.get(cookie.name)) for kind, cookie in make_cookies().items()}


def _compare(expected: Cookie, got: Cookie | None) -> str:
    if got is None or (not expected.name and got.value != expected.value):
        return MISSING
    checks = {
        "value": got.value == expected.value,
        "host-only": (got.domain, got.host_only) == (expected.domain, expected.host_only),
        "path": got.path == expected.path,
        "end": abs((got.expires or 0) - (expected.expires or 0)) < _EXPIRY_SLACK_S,
        "Secure": got.secure == expected.secure,
        "HttpOnly": got.http_only == expected.http_only,
        "SameSite": got.same_site == expected.same_site,
        "partition": got.partition_key == expected.partition_key,
    }
    lost = [name for name, is_kept in checks.items() if not is_kept]
    return f"no {', '.join(lost)}" if lost else WHOLE


def _save_urllib(file: Path, gate: Gate) -> str:
    jar = MozillaCookieJar(file)
    context = ssl._create_unverified_context()  # noqa: S323 - the gate's certificate is nobody's
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({"https": gate.proxy}),
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPCookieProcessor(jar),
    )
    opener.open(LOGIN, timeout=60).close()
    jar.save(ignore_discard=True, ignore_expires=True)
    return ""


def _save_with(build: Callable[[Path], list[str]]) -> Callable[[Path, Gate], str]:
    return lambda file, gate: call(build(file), gate, file.parent)


def _save_with_python(
    module: str, requirement: str, build: Callable[[Path, str], list[str]]
) -> Callable[[Path, Gate], str]:
    def save(file: Path, gate: Gate) -> str:
        place = install_from_pypi(requirement)
        command = [sys.executable, "-m", module, *build(file, gate.proxy)]
        return call(command, gate, file.parent, PYTHONPATH=str(place))

    return save


_PLAYWRIGHT: Final = """
import json, sys
from playwright.sync_api import sync_playwright
what, file, proxy, browser, url = sys.argv[1:]
with sync_playwright() as playwright:
    chrome = playwright.chromium.launch(executable_path=browser, proxy={"server": proxy}, args=["--no-sandbox"])
    har = {"record_har_path": file} if what == "har" else {}
    context = chrome.new_context(ignore_https_errors=True, **har)
    page = context.new_page()
    page.goto(url)
    page.goto(url)
    if what == "state":
        context.storage_state(path=file)
    elif what == "cookies":
        open(file, "w").write(json.dumps(context.cookies()))
    context.close()
    chrome.close()
"""


def _save_with_playwright(what: str) -> Callable[[Path, Gate], str]:
    def save(file: Path, gate: Gate) -> str:
        place = install_from_pypi("playwright")
        command = [sys.executable, "-c", _PLAYWRIGHT, what, str(file), gate.proxy, find_browser(), LOGIN]
        return call(command, gate, file.parent, PYTHONPATH=str(place))

    return save


def _save_with_agent_browser(file: Path, gate: Gate) -> str:
    return call_agent_browser(gate, file.parent, ["open", LOGIN], ["state", "save", str(file)])


def find_browser() -> str:
    """Return the path of Chromium."""
    return shutil.which(BROWSER) or missing("chromium is missing; bring it with: drivers/install.sh")


_SELENIUM: Final = """
import json, sys
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from websocket import create_connection
what, file, proxy, browser, program, *urls = sys.argv[1:]
options = ChromeOptions()
options.binary_location = browser
options.set_capability("webSocketUrl", True)
for word in ("--headless", "--no-sandbox", "--ignore-certificate-errors", f"--proxy-server={proxy}"):
    options.add_argument(word)
with Chrome(options, Service(program)) as driver:
    for url in urls:
        driver.get(url)
    if what == "json":
        json.dump(driver.get_cookies(), open(file, "w"))
    else:
        socket = create_connection(driver.capabilities["webSocketUrl"], suppress_origin=True, timeout=30)
        socket.send(json.dumps({"id": 1, "method": "storage.getCookies", "params": {}}))
        while json.loads(answer := socket.recv()).get("id") != 1:
            continue
        open(file, "w").write(answer)
        socket.close()
"""


def _save_with_selenium(what: str) -> Callable[[Path, Gate], str]:
    def save(file: Path, gate: Gate) -> str:
        driver = shutil.which("chromedriver") or missing("chromedriver is missing; bring it with: drivers/install.sh")
        command = [sys.executable, "-c", _SELENIUM, what, str(file), gate.proxy, find_browser(), driver, LOGIN, PAGE]
        return call(command, gate, file.parent, NO_PROXY="127.0.0.1,localhost")

    return save


_PUPPETEER: Final = """
const puppeteer = require('puppeteer-core');
const [file, proxy, browser, url] = process.argv.slice(1);
(async () => {
  const args = ['--no-sandbox', '--ignore-certificate-errors', `--proxy-server=${proxy}`];
  const chrome = await puppeteer.launch({ executablePath: browser, args });
  const page = await chrome.newPage();
  await page.goto(url);
  require('fs').writeFileSync(file, JSON.stringify(await chrome.cookies()));
  await chrome.close();
})();
"""


def _save_with_puppeteer(file: Path, gate: Gate) -> str:
    place = install_from_npm("puppeteer-core")
    command = ["node", "-e", _PUPPETEER, str(file), gate.proxy, find_browser(), LOGIN]
    return call(command, gate, file.parent, NODE_PATH=f"{place}/node_modules")


_TOUGH_COOKIE: Final = """
const { CookieJar } = require('tough-cookie');
const [file, url, ...lines] = process.argv.slice(1);
const jar = new CookieJar(undefined, { looseMode: true });
for (const line of lines) jar.setCookieSync(line, url, { ignoreError: true });
require('fs').writeFileSync(file, JSON.stringify(jar.serializeSync()));
"""


def _save_with_tough_cookie(file: Path, gate: Gate) -> str:
    place = install_from_npm("tough-cookie")
    command = ["node", "-e", _TOUGH_COOKIE, str(file), LOGIN, *LINES.values()]
    return call(command, gate, file.parent, NODE_PATH=f"{place}/node_modules")


def _save_with_newman(file: Path, gate: Gate) -> str:
    place = install_from_npm("newman")
    collection = file.with_name("collection.json")
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    item = {"name": "login", "request": {"method": "GET", "url": LOGIN}}
    collection.write_text(json.dumps({"info": {"name": "gate", "schema": schema}, "item": [item]}))
    newman = f"{place}/node_modules/newman/bin/newman.js"
    return call(["node", newman, "run", str(collection), "--export-cookie-jar", str(file), "-k"], gate, file.parent)


RECEIVERS: Final = (
    Receiver("curl -c", "a cookies.txt", _save_with(lambda file: ["curl", "-ksc", str(file), LOGIN])),
    Receiver(
        "wget --save-cookies",
        "a cookies.txt",
        _save_with(
            lambda file: [
                *("wget", "-qO/dev/null", "--no-check-certificate", "--keep-session-cookies"),
                *(f"--save-cookies={file}", LOGIN),
            ]
        ),
    ),
    Receiver(
        "aria2c --save-cookies",
        "a cookies.txt",
        _save_with(
            lambda file: [
                *("aria2c", "--quiet", "--check-certificate=false", "--allow-overwrite=true", "--out=page"),
                *(f"--save-cookies={file}", LOGIN),
            ]
        ),
    ),
    Receiver("MozillaCookieJar.save", "a cookies.txt", _save_urllib),
    Receiver(
        "yt-dlp --cookies",
        "a cookies.txt",
        _save_with_python(
            "yt_dlp",
            "yt-dlp",
            lambda file, proxy: [
                *("--ignore-config", "--no-check-certificates", "--skip-download", "--proxy", proxy),
                *("--cookies", str(file), LOGIN),
            ],
        ),
        is_quick=False,
    ),
    Receiver(
        "gallery-dl --cookies-export",
        "a cookies.txt",
        _save_with_python(
            "gallery_dl",
            "gallery-dl",
            lambda file, proxy: [
                *("--config-ignore", "--no-check-certificate", "--simulate", "--proxy", proxy),
                *("--cookies-export", str(file), f"generic:{LOGIN}"),
            ],
        ),
        is_quick=False,
    ),
    Receiver(
        "HTTPie --session",
        "a session of HTTPie",
        _save_with_python(
            "httpie",
            "httpie",
            lambda file, proxy: [
                *("--ignore-stdin", "--verify=no", f"--proxy=https:{proxy}", f"--session={file}", "GET", LOGIN),
            ],
        ),
        is_quick=False,
    ),
    Receiver("xh --session", "a session of HTTPie", lambda file, gate: call_xh(file, gate, LOGIN), is_quick=False),
    Receiver("agent-browser state save", "a storage state", _save_with_agent_browser, is_quick=False),
    Receiver("Playwright storageState", "a storage state", _save_with_playwright("state"), is_quick=False),
    Receiver("Playwright cookies", "cookies as JSON", _save_with_playwright("cookies"), is_quick=False),
    Receiver("Playwright HAR", "a HAR file", _save_with_playwright("har"), is_quick=False),
    Receiver("Selenium get_cookies", "cookies as JSON (Selenium)", _save_with_selenium("json"), needs_chrome=True),
    Receiver("storage.getCookies", "cookies as JSON (WebDriver BiDi)", _save_with_selenium("bidi"), needs_chrome=True),
    Receiver("Puppeteer cookies", "cookies as JSON (CDP)", _save_with_puppeteer, is_quick=False),
    Receiver("tough-cookie serialize", "cookies as JSON (tough-cookie)", _save_with_tough_cookie, is_quick=False),
    Receiver("newman --export-cookie-jar", "cookies as JSON (tough-cookie)", _save_with_newman, is_quick=False),
)
"""The programs, by what they save."""
