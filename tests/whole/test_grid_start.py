"""drivers/grid/start.sh, as people run it: with real nodes, and with what it needs missing."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.parts.drivers import browse_on_grid
from tests.parts.selenium_grid import START, SeleniumGrid, need_grid
from tests.parts.waiting import until

pytestmark = pytest.mark.chrome
# What the script and those that it calls need of a machine, but for what a test takes away.
TOOLS = ("bash", "dirname", "sed", "env", "id", "mkdir", "mktemp", "cut", "tar", "rm", "mv", "uname", "sha256sum")


@pytest.fixture
def grid(tmp_path: Path) -> Iterator[SeleniumGrid]:
    with SeleniumGrid(tmp_path) as running:
        yield running


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(START), *arguments], capture_output=True, text=True, timeout=60, check=False, env=os.environ | environment
    )


def machine(folder: Path, *programs: str) -> dict[str, str]:
    """Return the environment of a machine that has only these programs."""
    folder.mkdir()
    for program in programs:
        found = shutil.which(program)
        assert found, program
        (folder / program).symlink_to(found)
    return {"PATH": str(folder)}


@pytest.mark.soak
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_behind(tmp_path: Path, ending: signal.Signals) -> None:
    with SeleniumGrid(tmp_path) as grid:
        driver = browse_on_grid(grid.url)
        started = list(grid.processes())
        assert {"chromedriver", "java"} <= {process.name() for process in started}
        profile = Path(driver.capabilities["chrome"]["userDataDir"])
        assert profile.is_dir()
        started[0].send_signal(ending)
        _gone, left = psutil.wait_procs(started, 20)
        assert [process for process in left if process.status() != psutil.STATUS_ZOMBIE] == []
        until(lambda: not profile.parents[1].exists(), "the Grid's folder is removed, with the profile in it")


@pytest.mark.soak
def test_a_killed_node_takes_its_browser_along_and_the_other_goes_on(grid: SeleniumGrid) -> None:
    driver = browse_on_grid(grid.url)
    grid.kill_node(grid.node_of(str(driver.session_id)))
    until(lambda: len(grid.status()["nodes"]) == 1, "the hub has dropped the node", 60)
    other = browse_on_grid(grid.url)
    assert grid.sessions() == [other.session_id]
    other.quit()
    assert "a node has ended" in grid.log()


def test_a_busy_port_is_refused() -> None:
    need_grid()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"port {port} is in use. Choose another one with --port" in done.stderr


def test_off_this_machine_only_with_a_password() -> None:
    need_grid()
    done = run("--host", "0.0.0.0")  # noqa: S104 - that it is refused is the point
    assert done.returncode == 1
    assert "set GRID_PASSWORD" in done.stderr


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ((), "Java is missing. Install it with: drivers/install.sh grid"),
        (("java",), "Chrome is missing. Install it with: drivers/install.sh"),
        (("java", "chromium"), "ChromeDriver is missing. Install it with: drivers/install.sh"),
    ],
)
def test_what_is_missing_is_said_in_one_line(tmp_path: Path, there: tuple[str, ...], missing: str) -> None:
    need_grid()
    done = run(**machine(tmp_path / "bin", *TOOLS, *there))
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert missing in done.stderr


def test_without_npm_the_selenium_server_is_asked_for(tmp_path: Path) -> None:
    need_grid()
    checkout = shutil.copytree(START.parent, tmp_path / "drivers" / "grid")
    environment = machine(tmp_path / "bin", *TOOLS, "java", "chromium", "chromedriver") | {"SELENIUM_JAR": ""}
    done = subprocess.run(
        [checkout / "start.sh"], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "npm is missing" in done.stderr


@pytest.mark.parametrize("arguments", [("--nodes", "two"), ("--port",), ("--what", "1")])
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).returncode == 2
