"""Containers and forks: what a first process does not do, killed containers, forked children, poor surroundings."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from aura_browser import Selenium, page_site
from aura_browser.errors import LaunchFailed
from aura_browser.playground import serve_in_thread
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.harvest import harvest
from aura_browser.webdriver.process.lifeline import Lifeline
from aura_browser.webdriver.process.output import limit_output
from aura_browser.webdriver.profile import lock_profile
from tests.parts.missing import missing
from tests.parts.namespaces import in_namespaces, without_user_namespaces
from tests.parts.other_user import as_other_user, find_python, package_path
from tests.parts.pages import ROOT
from tests.parts.programs import Started, program
from tests.parts.servers import page, serving
from tests.parts.waiting import holds_within, until


@pytest.mark.soak
@pytest.mark.chrome
@pytest.mark.parametrize("role", ["is-harvest", "reaps-nothing"])
def test_a_first_process_that_reaps_nothing_is_left_no_zombies(role: str) -> None:
    command = [sys.executable, "-m", "tests.edges.init", role]
    with serve_in_thread() as site:
        run = subprocess.run(
            in_namespaces([*command, site.origin], "--pid", "--fork", "--mount-proc", "--kill-child"),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == []


_FORKS = """
import asyncio, os, sys, time
from aura_browser import Condition, page_site
from aura_browser.webdriver.harvest import harvest

forks = []

def fork(*_):
    if not forks:
        forks.append(os.fork())
        if forks == [0]:
            open(sys.argv[2], "w").close()
            time.sleep(60)  # a fork that lives on
            os._exit(0)

site = page_site(sys.argv[1], (Condition.parse("cookie:never"),))
asyncio.run(harvest(site, on_wait=fork))
"""


@pytest.mark.soak
@pytest.mark.chrome
def test_a_forked_child_does_not_keep_the_browser_of_a_killed_parent(tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    mark = tmp_path / "forked"
    with serve_in_thread() as site:
        command = [sys.executable, "-c", _FORKS, site.origin, str(mark)]
        environment = os.environ | {"TMPDIR": str(folder)}
        with Started(command, cwd=ROOT, env=environment, start_new_session=True) as parent:
            assert holds_within(60, mark.exists)
            browsers = [each for each in psutil.Process(parent.pid).children(recursive=True) if "chrom" in each.name()]
            assert browsers
            parent.kill()
        try:
            assert holds_within(20, lambda: not any(map(is_running, browsers)) and not list(folder.iterdir()))
        finally:
            os.killpg(parent.pid, signal.SIGKILL)  # the forked child


def is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_child_forked_in_a_context_closes_no_other_file(tmp_path: Path) -> None:
    with Lifeline() as lifeline:
        lifeline.add_folder(tmp_path / "none")
        if (child := os.fork()) == 0:
            lifeline.add_folder(tmp_path)  # goes nowhere
            os._exit(0)
        os.waitpid(child, 0)
        lifeline.run_cleanup()
    assert tmp_path.is_dir()


def test_the_lifeline_runs_the_systems_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "rm", f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path / "folder"
    folder.mkdir()
    with Lifeline() as lifeline:
        lifeline.add_folder(folder)
        lifeline.run_cleanup()
    assert not folder.exists()
    assert not (tmp_path / "ran").exists()


@pytest.mark.soak
@pytest.mark.chrome
async def test_a_profile_of_a_killed_container_is_taken_over(tmp_path: Path) -> None:
    engine = Selenium(profile=tmp_path / "profile")
    async with serving(page()) as (_server, origin):
        await harvest(page_site(origin), engine=engine)
        (tmp_path / "profile" / "SingletonLock").symlink_to("another-host-1")
        assert (await harvest(page_site(origin), engine=engine, timeout_s=30)).origin == origin


def test_a_lock_of_this_host_is_left_to_chrome(tmp_path: Path) -> None:
    lock = tmp_path / "SingletonLock"
    lock.symlink_to(f"{os.uname().nodename}-{os.getpid()}")
    for _ in range(2):
        with lock_profile(tmp_path, Deadline(5)):
            assert lock.is_symlink()


@pytest.mark.chrome
async def test_damaged_settings_of_a_profile_are_named(tmp_path: Path) -> None:
    settings = tmp_path / "profile" / "Default" / "Preferences"
    settings.parent.mkdir(parents=True)
    settings.write_text("{broken")
    settings.parents[1].chmod(0o700)
    with pytest.raises(LaunchFailed, match="Remove the file Default/Preferences") as caught:
        await harvest(page_site("http://127.0.0.1:9"), engine=Selenium(profile=tmp_path / "profile"))
    assert "cannot parse internal JSON template" in str(caught.value)


_NOWHERE = "http://127.0.0.1:9"
_HARVEST = "import sys; from aura_browser.cli import main; sys.exit(main())"


@pytest.mark.chrome
def test_a_user_without_a_home_harvests_or_is_told_what_to_set(tmp_path: Path) -> None:
    python = find_python()
    with serve_in_thread() as site:
        for options, expected in (
            (("--store", "memory"), '"user_agent"'),
            ((), "this user has no home folder. Set HOME"),
            (("--store", "memory", "--profile", "work"), "this user has no home folder; name a folder"),
        ):
            environment = ["env", "-i", f"PATH={os.defpath}", f"PYTHONPATH={package_path()}"]
            command = [*environment, python, "-c", _HARVEST, "harvest", site.origin, *options]
            run = subprocess.run(
                as_other_user(*command, uid=54321), cwd="/", capture_output=True, text=True, timeout=90, check=False
            )
            assert expected in run.stdout + run.stderr
            assert "bug" not in run.stderr


@pytest.mark.chrome
def test_a_home_that_is_read_only_costs_one_warning() -> None:
    python = find_python()
    with serve_in_thread() as site:
        for options, code, expected in (
            ((), 0, "can't be used: Read-only file system. Check the folder's owner"),
            (("--profile", "work"), 2, "Read-only file system; name a folder that you may write to"),
        ):
            environment = ["env", "-i", "HOME=/mnt", f"PATH={os.defpath}", f"PYTHONPATH={package_path()}"]
            harvesting = [*environment, python, "-c", _HARVEST, "harvest", site.origin, *options]
            script = 'mount -t tmpfs -o ro,mode=755 tmpfs /mnt && exec "$@"'
            run = subprocess.run(
                in_namespaces(["sh", "-c", script, "sh", *as_other_user(*harvesting, uid=54321)], "--mount"),
                cwd="/",
                capture_output=True,
                text=True,
                timeout=90,
                check=False,
            )
            assert run.returncode == code, run.stderr
            assert run.stderr.count(expected) == 1, run.stderr
            assert ('"user_agent"' in run.stdout) == (code == 0)
            assert "bug" not in run.stderr


@pytest.mark.chrome
def test_a_user_without_user_namespaces_is_told_what_to_install() -> None:
    python = find_python()
    helper = Path("/usr/lib/chromium/chrome-sandbox")
    environment = ["env", "-i", f"PATH={os.defpath}", f"PYTHONPATH={package_path()}"]
    with serve_in_thread() as site:
        harvesting = [*environment, python, "-c", _HARVEST, "harvest", site.origin, "--store", "memory"]
        command = without_user_namespaces(as_other_user(*harvesting, uid=54321))
        if helper.exists():
            command = in_namespaces(["sh", "-c", f'mount --bind /dev/null {helper} && "$@"', "sh", *command], "--mount")
        run = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=90, check=False)
    assert run.returncode == 69, run.stderr
    assert "On Debian, install the package chromium-sandbox" in run.stderr
    assert "bug" not in run.stderr


@pytest.mark.chrome
@pytest.mark.parametrize(
    ("limit", "expected"),
    [pytest.param("-S -n 128", '"user_agent"', marks=pytest.mark.soak), ("-n 100", "ulimit -n 4096")],
)
def test_few_open_files(limit: str, expected: str) -> None:
    python = find_python()
    with serve_in_thread() as site:
        command = f'ulimit {limit}; exec "$@"'
        environment = ["env", "-i", f"PATH={os.defpath}", f"PYTHONPATH={package_path()}"]
        harvesting = [*environment, python, "-c", _HARVEST, "harvest", site.origin, "--store", "memory"]
        run = subprocess.run(
            as_other_user("sh", "-c", command, "sh", *harvesting, uid=54321),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    assert expected in run.stdout + run.stderr, run.stderr


@pytest.mark.parametrize(
    ("limit", "text", "command"),
    [
        pytest.param(
            *("-n 200", "At most 200 files may be open here, and Chrome needs some hundreds.", "ulimit -n 4096"),
            marks=pytest.mark.soak,
        ),
        ("-v 4194304", "At most 4.0 GiB of memory may be addressed here, and Chrome reserves", "ulimit -v unlimited"),
    ],
)
def test_a_chrome_that_does_not_start_is_explained_by_a_low_limit(
    limit: str, text: str, command: str, tmp_path: Path
) -> None:
    chrome = program(tmp_path, "chrome", "#!/bin/sh\necho 'something else' >&2\nexit 1\n")

    def call(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh", sys.executable, "-m", "aura_browser", *words],  # noqa: S607 - as people run it
            env={**os.environ, "AURA_BROWSER_CHROME": str(chrome)},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    run = call("harvest", _NOWHERE)
    assert run.returncode == 69
    assert text in run.stderr
    assert "something else" in run.stderr or "ChromeDriver exited with code" in run.stderr
    assert run.stderr.endswith(f"Raise that limit, for example: {command}\n")
    found = json.loads(call("doctor", "--json").stdout)
    (limits,) = [each for each in found["findings"] if each["name"] == "limits"]
    assert (limits["verdict"], limits["command"]) == ("problem", command)


@pytest.mark.chrome
def test_a_memory_limit_that_a_real_chrome_does_not_start_with_is_named() -> None:
    with serve_in_thread() as site:
        run = subprocess.run(
            ["sh", "-c", f"ulimit -v 8000000; exec {sys.executable} -m aura_browser harvest {site.origin}"],  # noqa: S607 - as people run it
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    assert run.returncode == 69
    assert run.stderr.endswith("Raise that limit, for example: ulimit -v unlimited\n")


@pytest.mark.chrome
def test_a_policy_that_forbids_control_is_named_at_once(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    policies = Path("/etc/chromium/policies")
    if not policies.parent.is_dir() or os.geteuid() != 0:
        missing("policies of Debian's Chromium are needed; run as root after: apt-get install chromium")
    managed = tmp_path / "managed"
    managed.mkdir()
    (managed / "control.json").write_text(json.dumps({"RemoteDebuggingAllowed": False}))
    is_new = not policies.exists()
    policies.mkdir(exist_ok=True)
    if is_new:
        request.addfinalizer(policies.rmdir)
    script = f'mount --bind {tmp_path} {policies} && exec "$@"'
    with serve_in_thread() as site:
        command = [sys.executable, "-c", _HARVEST, "harvest", site.origin, "--store", "memory"]
        run = subprocess.run(
            in_namespaces(["sh", "-c", script, "sh", *command], "--mount"),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
    assert run.returncode == 69
    assert "A policy of this machine forbids programs to control Chrome" in run.stderr


async def test_the_reason_is_chosen_wherever_it_stands(tmp_path: Path) -> None:
    noise = "".join(f"echo 'ERROR:dbus {number}' >&2\n" for number in range(20))
    chrome = program(
        tmp_path, "chrome", f"#!/bin/sh\necho 'FATAL: No usable sandbox! {'x' * 400} end' >&2\n{noise}exit 1\n"
    )
    with pytest.raises(LaunchFailed, match=r"No usable sandbox! x+ end Chrome may not make its sandbox here") as caught:
        await harvest(page_site("http://127.0.0.1:9"), engine=Selenium(chrome_path=chrome))
    assert "dbus" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("FATAL: No usable sandbox!", "elsewhere, to see what forbids it, run: aura-browser doctor"),
        ("socket: Too many open files", "Raise the limit, for example: ulimit -n 4096"),
        ("something else", "To check this machine, run: aura-browser doctor"),
    ],
)
async def test_a_chrome_that_does_not_start_is_one_piece_of_advice(said: str, advice: str, tmp_path: Path) -> None:
    chrome = program(tmp_path, "chrome", f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    with pytest.raises(LaunchFailed) as caught:
        await harvest(page_site("http://127.0.0.1:9"), engine=Selenium(chrome_path=chrome))
    text = str(caught.value)
    assert text.endswith(f"{said} {caught.value.advice or advice}")
    assert text.endswith(advice)
    assert text.count("aura-browser doctor") == advice.count("aura-browser doctor")


@pytest.mark.parametrize("can_free", [True, False])
def test_what_chrome_writes_is_kept_short_but_for_its_last_lines(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    can_free: bool,  # noqa: FBT001 - from the table above
) -> None:
    def measure() -> int:
        return output.stat().st_blocks * 512

    if not can_free:
        monkeypatch.setattr("aura_browser.webdriver.process.output._free_beginning", lambda *_: False)
    output = tmp_path / "stderr.txt"
    with limit_output(output), output.open("ab", buffering=0) as chrome:
        for number in range(40):
            chrome.write(b"x" * 2**18 + b"\nline %d\n" % number)
            assert holds_within(20, lambda: measure() < 6 * 2**20)
        if not can_free:  # what is written while the end is moved comes before it
            until(lambda: measure() <= 4 * 2**20, "it is short")
            chrome.write(b"line 39\n")
    assert output.read_bytes().endswith(b"line 39\n")


def test_no_line_is_lost_while_the_beginning_is_freed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_browser.webdriver.process.output._INTERVAL_S", 0.0001)
    output = tmp_path / "stderr.txt"
    with limit_output(output), output.open("ab", buffering=0) as chrome:
        for number in range(10_000):
            chrome.write(b"%5d" % number * 1000 + b"\n")
    kept = [int(line[:5]) for line in output.read_bytes().lstrip(b"\0").splitlines()[1:]]
    assert kept == list(range(10_000 - len(kept), 10_000))
