"""What a harvest leaves on the machine: nothing, also where its folder or a process does not go at once."""

import json
import logging
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from selenium.common.exceptions import WebDriverException

from aura_browser.engine import Chrome
from aura_browser.errors import LaunchFailed
from aura_browser.webdriver.browsers.chrome import open_chrome
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process import lifeline as lifeline_module
from aura_browser.webdriver.process import output as output_module
from aura_browser.webdriver.process import workspace as workspace_module
from aura_browser.webdriver.process.chrome import run_chrome_process
from aura_browser.webdriver.process.lifeline import Lifeline
from aura_browser.webdriver.process.orphans import adopt_orphans
from aura_browser.webdriver.process.output import limit_output
from aura_browser.webdriver.process.preferences import SettingsDamaged, write_settings
from aura_browser.webdriver.process.watchdog import end_group, has_only_zombies
from aura_browser.webdriver.process.workspace import open_workspace
from tests.parts.own_browsers import list_browsers
from tests.parts.shared_chrome import SharedChrome
from tests.parts.waiting import until

_DEAF = "trap '' TERM; echo ready; while :; do sleep 0.1; done"


pytestmark = pytest.mark.usefixtures("no_shared_browsers")


def list_children() -> set[int]:
    """Return this process's own children; those of others, such as of what tests share, come and go."""
    return {each.pid for each in psutil.Process().children()}


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_without_a_temporary_folder_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before = list_children()
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(LaunchFailed, match="set TMPDIR to a writable folder"), open_workspace():
        pass
    assert list_children() <= before


def test_a_folder_in_which_chrome_still_writes_is_removed_a_moment_later(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[Path] = []

    def remove(folder: Path) -> None:
        tries.append(folder)
        if len(tries) < 3:
            raise OSError(39, "Directory not empty")  # what rmtree says if a file came meanwhile
        real(folder)

    real = shutil.rmtree
    with open_workspace() as workspace:
        monkeypatch.setattr(shutil, "rmtree", remove)
    assert tries == [workspace.folder] * 3
    assert not workspace.folder.exists()


def test_a_folder_that_can_not_be_removed_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_folder: Path) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(workspace_module, "_REMOVAL_TIMEOUT_S", 0.05)
    with caplog.at_level(logging.WARNING), monkeypatch.context() as patch, open_workspace() as workspace:
        patch.setattr(shutil, "rmtree", refuse)
    assert f"{workspace.folder} could not be removed: Device or resource busy" in caplog.text
    shutil.rmtree(workspace.folder)


def test_a_folder_that_somebody_else_removed_is_no_problem(caplog: pytest.LogCaptureFixture) -> None:
    with open_workspace() as workspace:
        shutil.rmtree(workspace.folder)
    assert caplog.text == ""


def test_a_cleanup_that_takes_long_goes_on_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifeline_module, "_CLEANUP_TIMEOUT_S", 0.05)
    before, folder, said = list_children(), tmp_path / "folder", tmp_path / "said"
    folder.mkdir()
    with Lifeline() as lifeline:
        lifeline.add_folder(folder)
        deaf = lifeline.start(["/bin/sh", "-c", _DEAF], said, "end", env=dict(os.environ))
        until(lambda: said.exists() and said.read_text() == "ready\n", "it ignores SIGTERM")
        lifeline.run_cleanup()
        assert deaf.poll() is None
    assert deaf.wait(10) == -9
    until(lambda: not folder.exists(), "its folder is removed")
    until(lambda: list_children() <= before, "nothing is left, no zombie either")


@pytest.mark.parametrize("ignores", [True, False])
def test_a_broken_pipe_ends_a_program_that_does_not_ignore_it(tmp_path: Path, *, ignores: bool) -> None:
    with Lifeline() as lifeline:
        script = ["/bin/sh", "-c", "kill -PIPE $$; echo alive"]
        program = lifeline.start(script, tmp_path / "said", "end", env=dict(os.environ), ignores_sigpipe=ignores)
        assert program.wait(20) == (0 if ignores else -signal.SIGPIPE)
    assert (tmp_path / "said").read_text() == ("alive\n" if ignores else "")


@pytest.mark.chrome
def test_a_driver_outlives_a_broken_pipe(chrome_of_this_process: SharedChrome) -> None:
    """One that does not is gone when it writes to a Chrome whose last window a person has closed."""
    before = list_children()
    chrome_of_this_process.start()
    [driver] = [psutil.Process(pid) for pid in list_children() - before if psutil.Process(pid).name() == "chromedriver"]
    assert ignores_sigpipe(driver)


def ignores_sigpipe(process: psutil.Process) -> bool:
    status = Path(f"/proc/{process.pid}/status").read_text("ascii")
    mask = re.search(r"^SigIgn:\s*(\w+)$", status, re.MULTILINE)
    assert mask is not None
    return bool(int(mask[1], 16) >> (signal.SIGPIPE - 1) & 1)


def test_a_child_that_gives_its_copy_up_does_not_keep_the_cleanup_from_running(tmp_path: Path) -> None:
    """The child is this process here, so that what it does is seen: the pipe's other end is the parent's."""
    descriptors, folder = count_descriptors(), tmp_path / "folder"
    folder.mkdir()
    with Lifeline() as lifeline:
        lifeline.add_folder(folder)
        lifeline_module._abandon_all()
        until(lambda: not folder.exists(), "nobody holds the pipe any more")
        lifeline.run_cleanup()
        lifeline.abandon()  # of a lifeline that is over, there is nothing to give up
    assert count_descriptors() == descriptors


def test_a_chrome_that_nobody_connects_to_leaves_no_process_and_no_descriptor() -> None:
    before, descriptors = list_children(), count_descriptors()
    with (
        open_workspace() as workspace,
        run_chrome_process(["/bin/sleep", "60"], Deadline(30), workspace, variables={}) as chrome,
    ):
        assert not chrome.is_lost()
        chrome.quit()
    assert list_children() <= before  # what an earlier test left may end meanwhile
    assert count_descriptors() == descriptors


@pytest.mark.chrome
def test_a_chrome_that_ended_by_itself_leaves_no_zombie() -> None:
    before = list_children()
    with open_chrome(Chrome(), BrowserOptions(Deadline(60))) as driver:
        started = [psutil.Process(pid) for pid in list_children() - before]
        started += [child for each in started for child in each.children(recursive=True)]
        handlers = [each for each in started if each.name().startswith("chrome_crashpad")]
        assert handlers
        [own] = [each for each in list_browsers() if each.pid not in before]
        os.killpg(own.pid, signal.SIGKILL)
        until(lambda: all(each.status() == psutil.STATUS_ZOMBIE for each in handlers), "they have ended with it")
        with pytest.raises(WebDriverException):
            driver.execute_script("return 1")
    assert list_children() <= before


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file of this process grow over *size* bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_settings_that_can_not_be_written_stay_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "Default").mkdir()
    settings = tmp_path / "Default" / "Preferences"
    settings.write_text('{"mine": 1}')
    with files_of_at_most(64), pytest.raises(OSError, match="File too large"):
        write_settings(tmp_path, {"new": "x" * 1000})
    assert settings.read_text() == '{"mine": 1}'
    assert [each.name for each in settings.parent.iterdir()] == ["Preferences"]


def test_what_chrome_does_of_its_own_accord_is_switched_off_and_what_a_profile_has_stays(tmp_path: Path) -> None:
    profile = tmp_path / "new" / "profile"
    write_settings(profile, {})
    settings = profile / "Default" / "Preferences"
    off = {"enabled": False}
    assert json.loads(settings.read_text()) == {
        **dict.fromkeys(("alternate_error_pages", "autofill", "dns_prefetching", "safebrowsing", "translate"), off),
        "browser": {"check_default_browser": False},
        "credentials_enable_service": False,
        "profile": {"password_manager_enabled": False},
        "search": {"suggest_enabled": False},
    }
    assert json.loads((profile / "Local State").read_text()) == {"background_mode": off, "ssl": {"rev_checking": off}}
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (settings.parent, settings, profile / "Local State")]
    assert modes == [0o700, 0o600, 0o600]
    settings.write_text('{"autofill": {"enabled": true, "mine": 1}, "search": 5}')
    write_settings(profile, {"translate.enabled": 7})
    written = json.loads(settings.read_text())
    assert (written["autofill"], written["translate"]) == ({"enabled": False, "mine": 1}, {"enabled": 7})
    assert written["search"] == {"suggest_enabled": False}


@pytest.mark.parametrize("text", ["[]", "{", ""])
def test_settings_that_are_damaged_are_named_and_stay(text: str, tmp_path: Path) -> None:
    settings = tmp_path / "Default" / "Preferences"
    settings.parent.mkdir()
    settings.write_text(text)
    with pytest.raises(SettingsDamaged, match=f"^the profile's settings can't be read \\({settings}\\)$"):
        write_settings(tmp_path, {})
    assert settings.read_text() == text


def test_settings_are_written_where_the_profile_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")  # it may be another file system
    write_settings(tmp_path, {"mine": 1})
    assert json.loads((tmp_path / "Default" / "Preferences").read_text())["mine"] == 1


def test_what_chrome_writes_is_kept_short_and_its_end_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Path] = []

    def look(file: Path) -> None:
        looks.append(file)
        shorten(file)

    shorten = output_module._shorten
    monkeypatch.setattr(output_module, "_shorten", look)

    def find_threads() -> list[threading.Thread]:
        return [each for each in threading.enumerate() if each.name == "aura-browser-output-limit"]

    output = tmp_path / "stderr.txt"
    with limit_output(output):
        assert [each.daemon for each in find_threads()] == [True]
        until(lambda: len(looks) > 1, "it looks again after there was no file")
        output.write_bytes(b"x" * (4 * 2**20 - 2**20) + b"y" * 2**20)
        with output.open("ab") as chrome:
            chrome.write(b"z")
        until(lambda: output.stat().st_blocks * 512 <= 2**20 + 4096, "it is shortened, but for the part of a page")
    assert find_threads() == []
    assert output.read_bytes().endswith(b"y" * (2**20 - 1) + b"z")


@contextmanager
def orphan() -> Iterator[int]:
    """Yield the id of a process whose parent is gone."""
    command = ["/bin/sh", "-c", "sleep 300 </dev/null >/dev/null 2>&1 & echo $!"]
    pid = int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has them adopted")
def test_orphans_are_adopted_while_any_harvest_lasts_and_not_later() -> None:
    with adopt_orphans():
        with adopt_orphans():
            pass
        with orphan() as pid:
            assert psutil.Process(pid).ppid() == os.getpid()
        assert os.waitpid(pid, 0)[0] == pid
    with orphan() as pid:
        assert psutil.Process(pid).ppid() != os.getpid()


_ADOPTS_ALREADY = """
import ctypes
from aura_browser.webdriver.process.orphans import adopt_orphans

system, answer = ctypes.CDLL(None), ctypes.c_int()
system.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER, as a process manager does for itself
with adopt_orphans():
    pass
system.prctl(37, ctypes.byref(answer), 0, 0, 0)
print(answer.value)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has them adopted")
def test_a_program_that_adopts_orphans_itself_goes_on_doing_so() -> None:
    assert subprocess.run([sys.executable, "-c", _ADOPTS_ALREADY], stdout=subprocess.PIPE, check=True).stdout == b"1\n"


@contextmanager
def parent(*children: str) -> Iterator[int]:
    """Yield the id of a process that has these children, and reaps none."""
    started = "".join(f"{child} & " for child in children)
    command = ["/bin/sh", "-c", f"{started} exec sleep 300"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            until(lambda: psutil.Process(process.pid).cmdline() == ["sleep", "300"], "it has started them")
            yield process.pid
        finally:
            end_group(process.pid)


def count_zombies(pid: int) -> int:
    return sum(child.status() == psutil.STATUS_ZOMBIE for child in psutil.Process(pid).children())


@pytest.mark.parametrize(
    ("children", "zombies", "expected"),
    [((), 0, False), (("true", "true"), 2, True), (("true", "sleep 300"), 1, False)],
)
def test_only_children_that_have_all_ended_are_zombies_only(
    children: tuple[str, ...], zombies: int, *, expected: bool
) -> None:
    with parent(*children) as pid:
        until(lambda: count_zombies(pid) == zombies, "some have ended")
        assert has_only_zombies(pid) is expected


def test_a_process_that_is_gone_has_no_zombies() -> None:
    with subprocess.Popen(["/bin/true"]) as gone:
        gone.wait()
    assert not has_only_zombies(gone.pid)
