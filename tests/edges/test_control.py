"""Nobody but the harvest controls its browser: other users of the machine, and pages, try for as long as it runs."""

import asyncio
import json
import subprocess
import sys
from contextlib import suppress

import pytest

from aura_browser import Condition, page_site
from aura_browser.doctor.surroundings import check_control
from aura_browser.engine import Attach, Chrome, Engine, Grid, Selenium
from aura_browser.webdriver.harvest import harvest
from aura_browser.webdriver.process import chromedriver, sockets
from tests.edges.arena import ENGINES, TRIES
from tests.parts.namespaces import in_namespaces
from tests.parts.other_user import need_other_user
from tests.parts.pages import ROOT
from tests.parts.servers import page, serving

pytestmark = [pytest.mark.chrome, pytest.mark.alone]

USUAL = "selenium"


@pytest.mark.parametrize("engine", [pytest.param(name, marks=[pytest.mark.soak] * (name != USUAL)) for name in ENGINES])
def test_adversaries_control_nothing(engine: str) -> None:
    need_other_user()
    command = in_namespaces([sys.executable, "-m", "tests.edges.arena", engine], "--net", "--mount")
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    outcome = json.loads(run.stdout)
    assert outcome["accepted"] == [], "\n".join(outcome["accepted"])
    tries = outcome["tries"]
    assert min(tries["loopback"], tries["elsewhere"]) >= TRIES
    if engine == "chrome":
        assert outcome["listening"] == []  # at no moment
    else:
        assert tries["driver"] >= TRIES
    assert engine != "display" or tries["display"] >= TRIES


async def test_where_sockets_can_not_be_taken_over_one_warning_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sockets, "_PIDFD_GETFD", 0xFFFF)  # no such system call, as a seccomp profile says too
    chromedriver._warn_of_open_port.cache_clear()
    async with serving(page()) as (_server, origin):
        for _ in range(2):
            assert (await harvest(page_site(origin), engine=Selenium())).origin == origin
        await harvest(page_site(origin), engine=Chrome())  # has no port
    assert caplog.text.count("ChromeDriver's port can't be closed here (pidfd_getfd: Function not implemented)") == 1
    finding = await asyncio.to_thread(check_control, Selenium())
    assert finding.verdict == "note"
    assert "pidfd_getfd" in finding.found


def test_the_doctor_says_what_stays_open() -> None:
    assert check_control(Selenium()).verdict == "ok"
    assert check_control(Chrome()).verdict == "ok"
    assert "127.0.0.1:9222" in check_control(Attach("127.0.0.1:9222")).found
    assert "whoever reaches the Grid" in check_control(Grid("http://127.0.0.1:4444")).found


@pytest.mark.parametrize("engine", [Selenium(), Chrome()])
async def test_no_port_of_a_harvest_listens(engine: Engine) -> None:
    import psutil

    listening: list[int] = []

    def look(*_: object) -> None:
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                listening.extend(each.laddr.port for each in process.net_connections("inet") if each.status == "LISTEN")

    done = (Condition.parse("js:performance.now() > 500"),)
    async with serving(page()) as (_server, origin):
        await harvest(page_site(origin, done), engine=engine, on_wait=look)
    assert listening == []
