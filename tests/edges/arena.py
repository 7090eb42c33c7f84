"""Harvests with an adversary beside them, in namespaces of their own; prints what the adversary achieved as JSON.

It is a program, run as root with ``unshare --net --mount``: an adversary must not meet the browsers of other tests.
"""

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
from aiohttp import web
from yarl import URL

from aura_browser import Chrome, Condition, Selenium, Undetected, page_site
from aura_browser.engine import LocalEngine
from aura_browser.webdriver.harvest import harvest
from tests.parts.namespaces import bring_loopback_up
from tests.parts.other_user import start_script
from tests.parts.programs import program
from tests.parts.servers import serving

ENGINES: Final[dict[str, type[LocalEngine]]] = {
    "selenium": Selenium,
    "chrome": Chrome,
    "undetected": Undetected,
    "display": Selenium,
}
TRIES: Final = 200

_INTRUDER: Final = Path(__file__).with_name("intruder.py")
_X_SOCKETS: Final = "/tmp/.X11-unix"  # noqa: S108 - where every X server has its socket
_ELSEWHERE: Final = "shop.example"
# All that a page can do: it does not see the answer, but the ChromeDriver would have started the program.
_HOSTILE_PAGE: Final = """<!doctype html><script>
(async () => {
  const targets = await (await fetch('/targets')).json();
  const body = JSON.stringify({capabilities: {alwaysMatch: {'goog:chromeOptions': {binary: targets.program}}}});
  let tries = 0, reached = [];
  const started = Date.now();
  while (tries < %d && Date.now() - started < 20000) {
    for (const address of targets.addresses) {
      tries += 1;
      await fetch(address, {method: 'POST', mode: 'no-cors', body, signal: AbortSignal.timeout(1000)})
        .then(() => reached.push(address), () => 0);
    }
  }
  await fetch('/report', {method: 'POST', body: JSON.stringify({tries, reached: reached.slice(0, 5)})});
  document.title = 'done';
})();
</script>"""


@dataclass
class Outcome:
    """What an adversary achieved."""

    tries: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("driver", "display", "loopback", "elsewhere"), 0)
    )
    accepted: list[str] = field(default_factory=list)
    listening: list[int] = field(default_factory=list)


def main() -> None:
    """Run the harvests; the argument is an engine."""
    bring_loopback_up()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "mode=1777", "none", _X_SOCKETS], check=True)
    with tempfile.TemporaryDirectory(prefix="arena-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        evil = program(folder, "evil", f'#!/bin/sh\nid -u >> "{folder}/started"\n')
        outcome = asyncio.run(_meet_all(sys.argv[1], folder, evil))
        started = folder / "started"
        outcome.accepted += (
            [f"a program of uid {uid}" for uid in started.read_text().split()] if started.exists() else []
        )
    print(json.dumps({"tries": outcome.tries, "accepted": outcome.accepted, "listening": outcome.listening}))  # noqa: T201 - its output


def _build_engine(name: str, folder: Path, *, is_elsewhere: bool) -> LocalEngine:
    """Return the engine; for a page elsewhere with a Chrome for which its host is on this machine."""
    rule = f"--host-resolver-rules='MAP {_ELSEWHERE} 127.0.0.1'" if is_elsewhere else ""
    chrome = program(folder, f"chrome-{is_elsewhere}", f'#!/bin/sh\nexec chromium "$@" {rule}\n')
    return ENGINES[name](chrome_path=chrome, virtual_display=name == "display")


async def _meet_all(name: str, folder: Path, evil: Path) -> Outcome:
    """Harvest two pages that attack, on a loopback address and elsewhere, while another user attacks too."""
    outcome = Outcome()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/targets":
            return web.json_response({"program": str(evil), "addresses": _find_targets()})
        if request.path == "/report":
            report = json.loads(await request.read())
            outcome.tries["elsewhere" if _ELSEWHERE in request.host else "loopback"] += report["tries"]
            outcome.accepted += report["reached"]
            return web.Response()
        return web.Response(text=_HOSTILE_PAGE % TRIES, content_type="text/html")

    async with serving(handle) as (_server, origin):
        port = URL(origin).port or 0
        hosts = (origin, f"http://{_ELSEWHERE}:{port}")
        done = (Condition.parse("js:document.title === 'done'"),)
        with _intruder(port, evil, outcome):
            engines = [_build_engine(name, folder, is_elsewhere=host != origin) for host in hosts]
            sites = [page_site(host, done) for host in hosts]
            await asyncio.gather(*(harvest(site, engine=each) for site, each in zip(sites, engines, strict=True)))
    return outcome


@contextmanager
def _intruder(own_port: int, evil: Path, outcome: Outcome) -> Iterator[None]:
    process = start_script(_INTRUDER, str(own_port), str(evil))
    assert process.stdout is not None
    assert process.stdout.readline() == b"looking\n"
    yield
    process.send_signal(signal.SIGTERM)
    report = json.loads(process.communicate(timeout=30)[0])
    outcome.tries |= report["tries"]
    outcome.accepted += report["accepted"]
    outcome.listening += report["listening"]


def _find_targets() -> list[str]:
    """Return all addresses that a page might find: every port of the harvest's processes, and what it can't know."""
    targets = set()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it has ended
            words = process.cmdline()
            prefixes = ["", *(word.partition("=")[2] for word in words if word.startswith("--url-base="))]
            ports = {each.laddr.port for each in process.net_connections("tcp") if each.laddr}
            targets |= {f"http://127.0.0.1:{port}{prefix}/session" for port in ports for prefix in prefixes}
    return sorted(targets) or ["http://127.0.0.1:9515/session"]


if __name__ == "__main__":
    main()
