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
from types import SimpleNamespace

import pytest

from aura_browser.doctor import Finding, machine, surroundings
from aura_browser.doctor.machine import (
    check_display,
    check_sandbox,
    check_shared_memory,
    check_temporary_folder,
    check_virtual_display,
    suggest_sandbox_fix,
)
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
from tests.parts.tls import make_certificate

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
    assert (found.name, found.verdict, found.found) == ("display", "ok", name)
    gone = check_display(interactive=True)
    assert (gone.verdict, gone.stops) == ("problem", True)


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"DISPLAY": ":7"}, ":7"),
        ({"WAYLAND_DISPLAY": "wayland-1"}, "wayland-1"),
        ({"DISPLAY": ":7", "WAYLAND_DISPLAY": "wayland-1"}, ":7"),
        ({}, "the system's display"),
    ],
)
def test_a_display_is_told_by_the_name_that_it_has(
    names: dict[str, str], shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "has_display", lambda: True)  # no real Wayland, and no macOS
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    assert check_display(interactive=False) == Finding("display", "ok", shown)


def test_an_invisible_display_is_found_on_the_path_or_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for root, fix in ((0, "apt-get install xvfb"), (1000, "sudo apt-get install xvfb")):
        monkeypatch.setattr(os, "geteuid", lambda root=root: root)
        assert check_virtual_display() == Finding("Xvfb", "problem", "not found on PATH", fix, stops=True)
    monkeypatch.delattr(os, "geteuid")  # as on Windows
    assert check_virtual_display().command == "apt-get install xvfb"
    path = program(tmp_path, "Xvfb")
    assert check_virtual_display() == Finding("Xvfb", "ok", str(path))


@pytest.mark.parametrize(
    ("setting", "bad", "good"),
    [("unprivileged_userns_clone", "0", "1"), ("apparmor_restrict_unprivileged_userns", "1", "0")],
)
def test_a_setting_of_the_kernel_that_forbids_a_sandbox_comes_with_the_command_that_changes_it(
    setting: str, bad: str, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path, *_: object) -> str:
        if path != Path("/proc/sys/kernel") / setting:
            raise FileNotFoundError
        return f"{value}\n"

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(machine, "_try_user_namespace", lambda: "")
    monkeypatch.setattr(Path, "read_text", read)
    value = bad
    found = check_sandbox()
    fix = f"sudo sysctl -w kernel.{setting}={good}"
    assert (found.name, found.verdict, found.command) == ("sandbox", "note", fix)
    assert found.found.startswith(f"user namespaces restricted (kernel.{setting}={bad}); ")
    assert suggest_sandbox_fix() == fix
    value = good
    assert check_sandbox().command is None


def test_debian_s_helper_is_a_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper, look = "/usr/lib/chromium/chrome-sandbox", Path.stat

    def find(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        return (
            os.stat_result((0o104755, *[0] * 9)) if str(path) == helper else look(path, follow_symlinks=follow_symlinks)
        )

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(machine, "_try_user_namespace", lambda: os.strerror(errno.EPERM))
    monkeypatch.setattr(Path, "stat", find)
    assert check_sandbox(tmp_path) == Finding("sandbox", "ok", helper)


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("exit 0", "user namespaces can be made"),
        ("kill -9 $$", "user namespaces can be made"),
        ("read -r line </dev/zero", "user namespaces can be made"),  # it takes too long
        ("exit 1", "no user namespace can be made (Operation not permitted): "),
    ],
)
def test_only_a_namespace_that_is_refused_is_no_sandbox(
    script: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The tests may run where none can be made."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(machine, "_TRY_S", 0.5 if "zero" in script else 20)
    monkeypatch.setattr(sys, "executable", str(program(tmp_path, "python", f"#!/bin/sh\necho noise >&2\n{script}\n")))
    told = check_sandbox(tmp_path / "none", tmp_path / "none")
    assert (told.name, told.verdict) == ("sandbox", "problem" if script == "exit 1" else "ok")
    assert told.found.startswith(found)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("size", "verdict"), [("64m", "note"), ("65m", "ok")])
def test_more_shared_memory_than_docker_gives_is_enough(size: str, verdict: str, tmp_path: Path) -> None:
    folder = tmp_path / "shm"
    with mounted(folder, f"size={size}"):
        found = check_shared_memory(folder)
    assert (found.name, found.verdict) == ("shared memory", verdict)
    assert found.found.startswith(f"{size.removesuffix('m')} MiB at {folder}")
    assert check_shared_memory().found.partition(":")[0].endswith(" MiB at /dev/shm")


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
    monkeypatch.setattr(machine, "os", SimpleNamespace(name="nt"))  # Windows mounts nothing so
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


@pytest.mark.slow
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
    found = check_sandbox()
    assert (found.name, found.verdict, found.command) == ("sandbox", "note", None)
    assert found.found.startswith("none: Chrome has no sandbox for root")


def test_who_else_controls_a_browser_that_others_started() -> None:
    everyday = check_control(AttachChrome())
    assert (everyday.verdict, "whom you allow controls all of it" in everyday.found) == ("note", True)
    own = check_control(OwnDriver(object()))  # type: ignore[arg-type] # nothing asks it
    assert (own.verdict, own.found) == ("note", "that driver's port is open for every user of its machine")


@pytest.mark.parametrize("marks", [["/.dockerenv"], ["/run/.containerenv"], []])
def test_a_container_without_the_right_to_take_a_socket_is_given_it(
    marks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "exists", lambda path: str(path) in marks)
    monkeypatch.setattr(surroundings, "explain_refusal", lambda: "pidfd_getfd: Operation not permitted")
    found = check_control(Selenium())
    assert (found.name, found.verdict) == ("control", "note")
    assert found.found.endswith("while a harvest runs (pidfd_getfd: Operation not permitted)")
    assert found.command == ("docker run --cap-add SYS_PTRACE" if marks else None)
    monkeypatch.setattr(surroundings, "explain_refusal", lambda: None)
    assert (check_control(Selenium()).name, check_control(Selenium()).verdict) == ("control", "ok")


def test_windows_has_no_first_process_and_no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "os", SimpleNamespace(name="nt"))
    assert [finding.name for finding in inspect_surroundings(Selenium())] == ["control", "certificates"]


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
    for number in range(30, 50):
        (tmp_path / f"{number}" / "stat").mkdir(parents=True)  # can't be read, as that of a process that ends
    found = check_first_process(tmp_path)
    assert (found.verdict, found.stops) == ("note", False)
    assert found.found == "sleep leaves 1 zombie, such as chrome; harvests reap their own"
    assert found.command == ("docker run --init" if is_container else None)


def test_names_of_processes_that_are_no_text_are_shown_all_the_same(tmp_path: Path) -> None:
    make_process(tmp_path, 1, "x", "S", 0)
    (tmp_path / "1" / "comm").write_bytes(b"\xffinit\n")
    make_process(tmp_path, 20, "x", "Z", 1)
    (tmp_path / "20" / "stat").write_bytes(b"20 (\xffchrome) Z 1 1 1 0 -1")
    assert check_first_process(tmp_path).found.startswith("\ufffdinit leaves 1 zombie, such as \ufffdchrome; ")


def test_the_first_process_of_this_machine_is_looked_at() -> None:
    name = Path("/proc/1/comm").read_text().strip()
    assert check_first_process().found.startswith(f"{name}")


def test_a_first_process_that_is_not_shown_is_no_problem(tmp_path: Path) -> None:
    assert (check_first_process(tmp_path).verdict, check_first_process(tmp_path).found) == ("ok", "not shown here")


def test_a_limit_that_keeps_chrome_from_starting_is_a_problem() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (32 * 2**30, hard))
    try:
        found = check_limits()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert (found.name, found.verdict, found.command) == ("limits", "problem", "ulimit -v unlimited")
    assert "at most 32.0 GiB of memory may be addressed here" in found.found


@pytest.mark.parametrize(("soft", "shown"), [(4096, "4096 open files"), (resource.RLIM_INFINITY, "no limit")])
def test_a_limit_that_is_high_enough_is_told(soft: int, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, resource.RLIM_INFINITY))
    monkeypatch.setattr(surroundings, "find_low_limit", lambda: None)
    assert check_limits() == Finding("limits", "ok", f"{shown}, raised for Chrome if it is low")


def test_certificates_are_told_with_the_file_or_the_folder_that_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, folder = make_certificate(tmp_path / "one.pem"), tmp_path / "folder"
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    rest = "Chrome has its own, and ~/.pki/nssdb"
    assert check_certificates() == Finding("certificates", "ok", f"1 for Python in {file}; {rest}")
    folder.mkdir()
    assert check_certificates() == Finding("certificates", "ok", f"1 for Python in {file}; {rest}")
    (folder / "0a1b2c3d.0").touch()
    file.unlink()
    assert check_certificates() == Finding("certificates", "ok", f"0 for Python in {folder}; {rest}")


def test_python_without_certificates_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_certificates().verdict == "ok"
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    assert check_certificates().verdict == "problem"
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    found = check_certificates()
    assert (found.name, found.verdict) == ("certificates", "problem")
    assert found.command == "apt-get install ca-certificates"
    assert found.found.startswith("none for Python (searched: ")
    (tmp_path / "0a1b2c3d.0").touch()
    assert check_certificates().verdict == "ok"


def test_a_file_system_without_locks_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_locks(tmp_path).verdict == "ok"
    assert check_locks(tmp_path / "none").verdict == "problem"

    def refuse(_file: object, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    found = check_locks(tmp_path)
    assert (found.name, found.verdict, found.stops) == ("locks", "problem", False)
    assert found.found.startswith(f"files in {tmp_path} can't be locked (No locks available)")
    assert list(tmp_path.iterdir()) == []
