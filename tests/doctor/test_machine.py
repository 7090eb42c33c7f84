"""What the doctor says of the machine: its display, sandbox, folders, limits, certificates, locks and processes."""

import errno
import fcntl
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from aura_browser.doctor import machine, surroundings
from aura_browser.doctor.machine import check_display, check_sandbox, check_temporary_folder, suggest_sandbox_fix
from aura_browser.doctor.surroundings import (
    check_certificates,
    check_control,
    check_first_process,
    check_limits,
    check_locks,
    inspect_surroundings,
)
from aura_browser.engine import AttachChrome, Grid, OwnDriver, Selenium, Undetected
from tests.parts.mounts import mounted
from tests.parts.namespaces import without_user_namespaces
from tests.parts.person import screen
from tests.parts.programs import program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it is looked at on Linux")


def make_process(processes: Path, number: int, name: str, state: str, parent: int) -> None:
    folder = processes / str(number)
    folder.mkdir(parents=True)
    (folder / "comm").write_text(f"{name}\n")
    (folder / "stat").write_text(f"{number} ({name}) {state} {parent} 1 1 0 -1")


def test_a_display_that_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with screen() as name:
        monkeypatch.setenv("DISPLAY", name)
        found = check_display(interactive=True)
    assert (found.verdict, found.found) == ("ok", name)
    gone = check_display(interactive=True)
    assert (gone.verdict, gone.stops) == ("problem", True)


def test_a_temporary_folder_that_can_not_be_written_to_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = tmp_path / "full"
    monkeypatch.setattr(tempfile, "tempdir", str(full))
    with mounted(full, "nr_inodes=1"):
        found = check_temporary_folder(Selenium())
    assert (found.verdict, found.stops) == ("problem", True)
    assert found.found == "can't be written: No space left on device"
    assert 'export TMPDIR="$HOME/tmp"' in (found.command or "")


def test_only_the_patched_driver_has_to_run_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "noexec"
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with mounted(folder, "noexec"):
        assert check_temporary_folder(Selenium()).verdict == "ok"
        found = check_temporary_folder(Undetected())
    assert (found.verdict, found.stops) == ("problem", True)
    assert f"programs can't run in {folder} (noexec)" in found.found
    assert check_temporary_folder(Undetected()).verdict == "ok"


_ASK_SANDBOX = """
import json, os, sys
from pathlib import Path
from aura_browser.doctor import machine
os.geteuid = lambda: 1000
nothing = Path("/nowhere/at/all")
found = machine.check_sandbox(nothing, nothing)
print(json.dumps([found.verdict, found.found, found.command]))
"""


def test_where_no_user_namespace_can_be_made_the_limit_is_named_with_its_command() -> None:
    done = subprocess.run(
        without_user_namespaces([sys.executable, "-c", _ASK_SANDBOX]),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    verdict, found, command = json.loads(done.stdout)
    assert verdict == "problem"
    assert found.startswith("no user namespace can be made (No space left on device): ")
    assert command == "sudo sysctl -w user.max_user_namespaces=10000"


@pytest.mark.parametrize(
    ("is_docker", "is_debian", "command"),
    [
        (True, True, "docker run --security-opt seccomp=unconfined"),
        (False, True, "sudo apt-get install chromium-sandbox"),
        (False, False, "aura-browser doctor --no-sandbox"),
    ],
)
def test_what_helps_against_a_refused_sandbox_is_what_this_machine_has(
    *, is_docker: bool, is_debian: bool, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(machine, "_KERNEL", tmp_path / "none")
    monkeypatch.setattr(machine, "_try_user_namespace", lambda: os.strerror(errno.EPERM))
    monkeypatch.setattr(Path, "exists", lambda path: is_docker and str(path) == "/.dockerenv")  # Docker makes it
    path = tmp_path / "bin"
    if is_debian:
        program(path, "apt-get")
    monkeypatch.setenv("PATH", str(path))
    found = check_sandbox(tmp_path / "none", tmp_path / "none")
    assert (found.verdict, found.command) == ("problem", command)


def test_whether_a_namespace_can_be_made_is_unknown_where_no_program_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    assert check_sandbox(tmp_path / "none", tmp_path / "none").verdict == "ok"


def test_root_has_no_sandbox_to_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert suggest_sandbox_fix() == "aura-browser doctor --no-sandbox"


def test_who_else_controls_a_browser_that_others_started() -> None:
    everyday = check_control(AttachChrome())
    assert (everyday.verdict, "whom you allow controls all of it" in everyday.found) == ("note", True)
    own = check_control(OwnDriver(object()))  # type: ignore[arg-type] # nothing asks it
    assert (own.verdict, own.found) == ("note", "that driver's port is open for every user of its machine")


def test_this_machine_is_not_looked_at_for_a_browser_elsewhere() -> None:
    elsewhere = inspect_surroundings(Grid("http://127.0.0.1:1"))
    assert [finding.name for finding in elsewhere] == ["control", "certificates"]
    here = inspect_surroundings(Selenium())
    assert [finding.name for finding in here] == ["control", "certificates", "first process", "limits", "locks"]


@pytest.mark.parametrize("is_container", [True, False])
def test_a_first_process_that_leaves_zombies_is_named(
    *, is_container: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surroundings, "_is_container", lambda: is_container)
    make_process(tmp_path, 1, "sleep", "S", 0)
    make_process(tmp_path, 20, "chrome) Z 1 (x", "S", 1)
    assert check_first_process(tmp_path).found == "sleep, with no zombies"
    make_process(tmp_path, 21, "chrome", "Z", 1)
    make_process(tmp_path, 22, "of another", "Z", 20)
    (tmp_path / "23" / "stat").mkdir(parents=True)  # can't be read, as that of a process that ends
    found = check_first_process(tmp_path)
    assert (found.verdict, found.stops) == ("note", False)
    assert found.found == "sleep leaves 1 zombie, such as chrome; harvests reap their own"
    assert found.command == ("docker run --init" if is_container else None)


def test_a_first_process_that_is_not_shown_is_no_problem(tmp_path: Path) -> None:
    assert (check_first_process(tmp_path).verdict, check_first_process(tmp_path).found) == ("ok", "not shown here")


def test_a_limit_that_keeps_chrome_from_starting_is_a_problem() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (32 * 2**30, hard))
    try:
        found = check_limits()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert (found.verdict, found.command) == ("problem", "ulimit -v unlimited")
    assert "at most 32.0 GiB of memory may be addressed here" in found.found


def test_python_without_certificates_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_certificates().verdict == "ok"
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    found = check_certificates()
    assert (found.verdict, found.command) == ("problem", "apt-get install ca-certificates")
    assert found.found.startswith("none for Python (searched: ")
    (tmp_path / "0a1b2c3d.0").touch()
    assert check_certificates().verdict == "ok"


def test_a_file_system_without_locks_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_locks(tmp_path).verdict == "ok"

    def refuse(_file: object, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    found = check_locks(tmp_path)
    assert (found.verdict, found.stops) == ("problem", False)
    assert found.found.startswith(f"files in {tmp_path} can't be locked (No locks available)")
    assert list(tmp_path.iterdir()) == []
