"""What a newcomer runs first: drivers/install.sh and the Makefile, with stand-ins for package managers and sudo."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.parts.pages import ROOT
from tests.parts.programs import program

SCRIPT = ROOT / "drivers" / "install.sh"
_TOOLS = ("sh", "dirname", "grep", "sed", "uname", "echo", "cat", "env", "touch", "chmod")
_NO_VENV = "#!/bin/sh\ncase $2 in *ensurepip*) exit 1 ;; *) echo python3.11-venv ;; esac\n"
_COMMAND = "apt-get update && apt-get install -y --no-install-recommends python3.11-venv chromium chromium-driver"


class Machine:
    """A bare machine: a folder that is all of PATH, with an apt-get that writes down how it was called."""

    def __init__(self, folder: Path, *, user: int) -> None:
        self.path = folder / "bin"
        self._calls = folder / "calls"
        self._calls.touch()
        self.path.mkdir()
        for tool in _TOOLS:
            (self.path / tool).symlink_to(shutil.which(tool) or "/nowhere")
        self.add("id", f"echo {user}")
        brought = f"{self.path}/chromium {self.path}/chromedriver"
        bring = f"case $* in *install*) touch {brought}; chmod +x {brought} ;; esac"
        self.add("apt-get", f'echo "$@" >> {self._calls}; {bring}')
        (self.path / "python3").write_text(_NO_VENV)
        (self.path / "python3").chmod(0o755)

    def add(self, name: str, script: str) -> None:
        program(self.path.parent, f"bin/{name}", f"#!/bin/sh\n{script}\n")

    def run(self, *args: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [SCRIPT, *args],
            env={"PATH": str(self.path), "CHROME_DEVEL_SANDBOX": str(self.path / "none")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines()


def test_root_gets_all_in_one_go_and_hears_what(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=0)
    run = machine.run("all", "python3")
    assert (run.returncode, run.stdout) == (0, ""), run.stderr
    assert run.stderr.startswith(
        "Missing: venv of python3, Chrome and ChromeDriver. Installing python3.11-venv chromium"
    )
    assert machine.calls == [
        "update -qq",
        "install -y -qq --no-install-recommends python3.11-venv chromium chromium-driver",
    ]


def test_a_user_without_sudo_gets_one_line_with_the_command_for_root(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=1000)
    run = machine.run("all", "python3")
    assert run.returncode == 1
    assert run.stderr == (
        f"drivers/install.sh: missing: venv of python3, Chrome and ChromeDriver. As root, run: {_COMMAND}\n"
    )
    assert machine.calls == []


def test_without_a_terminal_sudo_does_not_ask(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=1000)
    machine.add("sudo", '[ "$1" != -n ] && echo asked; exit 1')
    run = machine.run("all", "python3")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.count("\n") == 1
    assert f"As root, run: {_COMMAND}" in run.stderr


def test_on_a_terminal_the_reason_comes_before_sudo_asks(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=1000)
    machine.add("sudo", '[ "$1" = -n ] && exit 1; echo "PASSWORD? $2"; shift 2; exec "$@"')
    reader, writer = pty.openpty()
    command = [str(SCRIPT), "all", "python3"]
    run = subprocess.run(
        command, env={"PATH": str(machine.path)}, stdin=writer, stdout=writer, stderr=writer, timeout=30, check=False
    )
    os.close(writer)
    data = b""
    with suppress(OSError):  # on Linux, what a terminal says once all is read and nobody has it open
        while more := os.read(reader, 65536):
            data += more
    os.close(reader)
    shown = data.decode()
    assert run.returncode == 0, shown
    assert re.match(r"Missing: venv of python3, Chrome and ChromeDriver\. .* needs root, so sudo asks", shown), shown
    assert len(machine.calls) == 2


def test_a_user_without_user_namespaces_gets_the_sandbox_too(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=1000)
    machine.add("unshare", "exit 1")
    assert machine.run().stderr.rstrip().endswith(" chromium chromium-driver chromium-sandbox")


def test_nothing_is_done_where_all_is_there(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=1000)
    machine.add("chromium", "exit 1")
    machine.add("chromedriver", "exit 1")
    run = machine.run()
    assert (run.returncode, run.stdout, run.stderr, machine.calls) == (0, "", "", [])


def test_without_a_package_manager_it_says_what_to_bring(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=0)
    (machine.path / "apt-get").unlink()
    run = machine.run()
    assert run.returncode == 1
    assert "missing: Chrome and ChromeDriver." in run.stderr
    assert run.stderr.count("\n") == 1


def clone(folder: Path) -> Path:
    """Return a folder with what the Makefile looks at: itself, and an environment that says how it was made."""
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "pyproject.toml").touch()
    made = folder / ".venv" / ".made"
    made.parent.mkdir()
    version = sys.version.split(maxsplit=1)[0]
    made.write_text(f"{folder}\n{sys.base_prefix} {version}\n")
    for stamp in (".runtime", ".installed"):
        (folder / ".venv" / stamp).touch()
    return folder


def plan(folder: Path, *args: str) -> str:
    """Return what make would run for ``make lint``."""
    return subprocess.run(
        ["make", "-n", "lint", *args],  # noqa: S607 - as people run it
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        env={name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "PYTHON"}},
    ).stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="make is missing; install it with: apt-get install make")
def test_the_environment_is_made_anew_when_the_folder_moved_or_another_python_is_asked_for(tmp_path: Path) -> None:
    here = clone(tmp_path / "here")
    assert "-m venv" not in plan(here)
    assert "-m venv" not in plan(here, f"PYTHON={sys.executable}")
    other = program(tmp_path, "other", "#!/bin/sh\necho /other 3.13.0\n")
    assert f"{other} -m venv --clear" in plan(here, f"PYTHON={other}")
    moved = here.rename(tmp_path / "a new place")
    assert "again: this folder was moved" in plan(moved)


@pytest.mark.slow
def test_tests_started_in_the_background_can_be_interrupted_and_leave_no_folder(tmp_path: Path) -> None:
    """As ``make test &`` in a script starts them, with SIGINT ignored."""
    test = "tests/cli/test_commands.py::test_ctrl_c_is_130_with_one_line"
    (tmp_path / "tmp").mkdir()
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp"), "PYTEST_DEBUG_TEMPROOT": str(tmp_path)},
    )
    assert "1 passed" in run.stdout, run.stdout
    assert list((tmp_path / "tmp").iterdir()) == []
