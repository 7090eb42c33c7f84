"""The doctor: it finds what is broken, names the command that fixes it, and shows no secret."""

import asyncio
import errno
import inspect
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from importlib import metadata
from pathlib import Path
from shlex import quote, split
from types import SimpleNamespace

import aiohttp
import pytest

from aura_browser import doctor
from aura_browser.cli.doctor import print_report
from aura_browser.doctor import Finding, browser, examination, examine, extras, machine
from aura_browser.doctor.machine import check_sandbox, check_shared_memory
from aura_browser.doctor.state import inspect_state
from aura_browser.doctor.trial import try_harvest
from aura_browser.engine import Attach, AttachChrome, Chrome, DefaultEngine, Engine, Grid, Selenium, Undetected
from aura_browser.errors import StoreError
from aura_browser.extras import EXTRAS, install_command
from aura_browser.store import FileStore, SessionKey
from aura_browser.webdriver import locate
from tests.parts.command import make_terminal, run, run_here
from tests.parts.mounts import mounted
from tests.parts.open_chrome import open_chrome
from tests.parts.ports import free_port
from tests.parts.programs import program
from tests.parts.proxy_servers import Microsocks, ProxyServer, Tinyproxy
from tests.parts.sessions import make_session
from tests.parts.skipping_loop import SkippingLoop
from tests.parts.stream_server import stream_server

KEY = SessionKey("https://a.example.com")
_NOTHING_MANAGED = '#!/bin/sh\necho \'{"result": {"code": 0, "driver_path": "", "browser_path": ""}}\'\n'


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "AURA_BROWSER_PROXY", "AURA_BROWSER_GRID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no browser on it but what a test puts into the folder returned, which is all of PATH."""
    path = tmp_path / "path"
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setenv("SE_MANAGER_PATH", str(program(tmp_path, "manager", _NOTHING_MANAGED)))
    monkeypatch.setattr(locate, "_CHROME_APPS", ())
    monkeypatch.setattr(locate, "_find_checkout_bin", lambda: None)
    return path


@pytest.fixture
def store(state_home: Path) -> FileStore:
    return FileStore(state_home / "aura-browser" / "sessions")


def telling(folder: Path, name: str, version: str) -> Path:
    """Put a program there that tells its version and can do nothing else."""
    return program(folder, name, f'#!/bin/sh\n[ "$1" = --version ] || exit 1\necho {quote(version)}\n')


async def examined(
    engine: Engine | None = None, *, proxy: str | None = None, store: str | None = None, interactive: bool = False
) -> dict[str, Finding]:
    findings = await examine(engine=engine, proxy=proxy, store=store, interactive=interactive)
    assert "s3cret" not in repr(findings)
    assert {finding.verdict for finding in findings} <= {"ok", "note", "problem"}
    assert [finding for finding in findings if finding.verdict == "problem" and not finding.command] == []
    assert [finding for finding in findings if finding.stops and finding.verdict != "problem"] == []
    return {finding.name: finding for finding in findings}


def stops(findings: dict[str, Finding]) -> set[str]:
    return {name for name, finding in findings.items() if finding.stops}


def fix_with(finding: Finding) -> str:
    """Run the command of a *finding*, as a person does, and return it."""
    assert finding.command is not None
    words = split(finding.command)
    if words[0] == "aura-browser":
        assert run(*words[1:]).returncode == 0
    else:
        subprocess.run(["/bin/sh", "-c", finding.command], check=True, env={"PATH": "/usr/bin:/bin"}, timeout=20)
    return finding.command


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox and the shared memory are looked at on Linux")
def test_the_report_has_what_a_local_chrome_needs_of_the_machine() -> None:
    names = [finding.name for finding in machine.inspect_machine(Selenium(), interactive=False)]
    assert names == ["display", "temporary folder", "sandbox", "shared memory"]


@pytest.mark.chrome
async def test_a_healthy_machine(store: FileStore) -> None:
    now = time.time()
    await store.save(KEY, make_session(KEY.origin, harvested_at=now - 7300, expires_at=now + 7260))
    findings = await examined()
    assert stops(findings) == set()
    assert {name for name, finding in findings.items() if finding.verdict == "problem"} == set()
    for name in ("chrome", "driver"):
        assert findings[name].found.endswith("(PATH)")
        assert str(shutil.which("chromium" if name == "chrome" else "chromedriver")) in findings[name].found
    assert findings["session"].found == f"{KEY.slug}: 2 h old, unproven, expires in 2 h"
    assert findings["harvest"].verdict == "ok"
    assert " s" in findings["harvest"].found


@pytest.mark.chrome
def test_the_report(state_home: Path) -> None:
    shown = run("doctor")
    assert shown.returncode == 0, shown.stdout
    *lines, verdict = shown.stdout.splitlines()
    assert verdict == "The main job can run here."
    assert {line.split()[0] for line in lines if not line.startswith(" ")} <= {"ok", "note"}
    assert lines[0].index("aura-browser") == lines[1].index(lines[1].split()[2])
    assert not state_home.exists()
    shown = run("doctor", "--interactive")
    assert shown.returncode == 1
    assert "PROBLEM  display" in shown.stdout
    assert "\n          " in shown.stdout
    assert shown.stdout.endswith("The main job can't run here: display.\n")


@pytest.mark.slow
def test_json_and_no_secrets(store: FileStore) -> None:
    asyncio.run(store.save(KEY, make_session(KEY.origin)))
    port = free_port()
    secrets = {
        "AURA_BROWSER_GRID": f"http://me:s3cret@127.0.0.1:{port}",
        "AURA_BROWSER_PROXY": f"http://me:s3cret@127.0.0.1:{port}",
    }
    redis = {"AURA_BROWSER_STORE": f"redis://me:s3cret@127.0.0.1:{port}"}
    for more in (redis, {}):
        shown = run("doctor", "--json", "--debug", **secrets, **more)
        assert shown.returncode == 1
        assert "s3cret" not in shown.stdout + shown.stderr
        report = json.loads(shown.stdout)
        assert report["ok"] is False
        for finding in report["findings"]:
            assert set(finding) == {"name", "verdict", "found", "command", "stops", "slug", "state"}
        assert {finding["name"] for finding in report["findings"] if finding["stops"]} >= {"proxy"}
    sessions = [finding for finding in report["findings"] if finding["name"] == "session"]
    assert [finding["found"].partition(":")[0] for finding in sessions] == [KEY.slug]
    assert [(finding["slug"], finding["state"]) for finding in sessions] == [(KEY.slug, "unproven")]


async def test_no_chrome(bare: Path) -> None:
    findings = await examined()
    assert stops(findings) == {"chrome", "driver"}
    for name in ("chrome", "driver"):
        assert "not found" in findings[name].found
        assert "Selenium Manager download it" in findings[name].found
        assert (findings[name].command or "").endswith("drivers/install.sh")
    assert "not tried" in findings["harvest"].found


async def test_no_driver(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The real Selenium Manager, which must not download one.
    monkeypatch.delenv("SE_MANAGER_PATH")
    monkeypatch.setenv("SE_CACHE_PATH", str(tmp_path / "cache"))
    telling(bare, "google-chrome", "Google Chrome 140.0.1.2")
    findings = await examined(Selenium())
    assert stops(findings) == {"driver"}
    assert findings["chrome"].found == f"140.0.1.2, {bare / 'google-chrome'} (PATH)"
    assert findings["driver"].command == "aura-browser demo"
    assert "versions" not in findings


async def test_no_driver_is_none_needed_unless_it_was_asked_for(bare: Path) -> None:
    telling(bare, "google-chrome", "Google Chrome 140.0.1.2")
    for engine in (None, Chrome()):
        findings = await examined(engine)
        assert stops(findings) == {"harvest"}  # it is no real Chrome
        assert "exited during its start" in findings["harvest"].found
        assert "without one" in findings["driver"].found if engine is None else "driver" not in findings


@pytest.mark.slow
async def test_what_selenium_manager_has_already_is_found(bare: Path, tmp_path: Path) -> None:
    chrome = telling(tmp_path / "managed", "chrome", "Google Chrome 140.0.1.2")
    driver = telling(tmp_path / "managed", "chromedriver", "ChromeDriver 140.0.1.2")
    result = {"result": {"code": 0, "driver_path": str(driver), "browser_path": str(chrome)}}
    program(tmp_path, "manager", f"#!/bin/sh\necho {quote(json.dumps(result))}\n")
    findings = await examined(store="memory", interactive=True)
    assert findings["chrome"].found == f"140.0.1.2, {chrome} (Selenium Manager)"
    assert findings["driver"].found == f"140.0.1.2, {driver} (Selenium Manager)"
    assert findings["versions"].verdict == "ok"


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "sudo apt-get install chromium chromium-driver"),
        ("dnf", "sudo dnf install chromium chromedriver"),
        ("brew", "brew install --cask google-chrome chromedriver"),
        ("", "aura-browser demo"),
    ],
)
def test_without_a_checkout_the_systems_own_package_manager_installs_chrome(
    manager: str, command: str, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(browser, "__file__", str(bare / "aura_browser" / "doctor" / "browser.py"))
    if manager:
        program(bare, manager)
    [chrome, driver] = browser.inspect_browser(Selenium())
    assert (chrome.command, driver.command) == (command, command)


async def test_a_named_path_that_is_no_program(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURA_BROWSER_CHROME", "/nowhere/chrome")
    findings = await examined()
    chrome = findings["chrome"]
    assert (chrome.stops, findings["driver"].verdict) == (True, "problem")
    assert chrome.command == "unset AURA_BROWSER_CHROME"
    assert "/nowhere/chrome" in chrome.found


@pytest.mark.slow
async def test_a_driver_of_another_version(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chrome = telling(bare, "google-chrome", "Google Chrome 140.0.1.2")
    driver = telling(bare, "chromedriver", "ChromeDriver 156.0.3.4 (0123abc)")
    findings = await examined(Selenium())
    assert stops(findings) == {"versions"}
    for fact in ("140.0.1.2", "156.0.3.4", str(chrome), str(driver), "does not match"):
        assert fact in findings["versions"].found
    assert findings["versions"].command == f"rm {driver}"
    assert "not tried" in findings["harvest"].found
    # Debian's driver beside a Google Chrome: the Chromium that came with it fits.
    chromium = telling(bare, "chromium", "Chromium 156.0.3.4 built on Debian")
    assert (await examined(Selenium()))["versions"].command == f"export AURA_BROWSER_CHROME={chromium}"
    monkeypatch.setenv("AURA_BROWSER_CHROME", str(chromium))
    assert (await examined(Selenium()))["versions"].verdict == "ok"
    monkeypatch.setenv("AURA_BROWSER_CHROME", str(chrome))
    monkeypatch.setenv("AURA_BROWSER_DRIVER", str(driver))
    chromium.unlink()
    assert (await examined(Selenium()))["versions"].command == "unset AURA_BROWSER_DRIVER"
    fitting = telling(bare, "chromium.chromedriver", "ChromeDriver 140.0.9.9")
    assert (await examined(Selenium()))["versions"].command == f"export AURA_BROWSER_DRIVER={fitting}"
    findings = await examined()  # the default does without it
    assert (findings["versions"].verdict, findings["versions"].stops) == ("problem", False)


_VERSIONS = (
    ("echo Chrome 140.0.1.2; exit 3", "exit code 3"),
    ("echo Chrome; echo 'one line' >&2; echo 'the last one' >&2", "the last one"),
    ("printf '\\377 broken' >&2; exit 1", "\ufffd broken"),
    ("exec /nowhere/chrome 2>/dev/null", "exit code 127"),
)


@pytest.mark.parametrize("silent", ["google-chrome", "chromedriver"])
@pytest.mark.parametrize(("script", "problem"), _VERSIONS)
def test_a_program_that_does_not_tell_its_version_is_compared_with_nothing(
    silent: str, script: str, problem: str, bare: Path
) -> None:
    for name in ("google-chrome", "chromedriver"):
        telling(bare, name, "Program 140.0.1.2")
    path = program(bare, silent, f"#!/bin/sh\n{script}\n")
    findings = browser.inspect_browser(Selenium())
    assert [finding.name for finding in findings] == ["chrome", "driver"]
    [found] = [finding for finding in findings if finding.verdict != "ok"]
    assert (found.verdict, found.found) == ("problem", f"{path} (PATH) does not print its version: {problem}")


@pytest.mark.parametrize("name", ["google-chrome", "chromedriver"])
def test_a_program_that_can_not_be_started_or_takes_too_long_is_compared_with_nothing(
    name: str, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "_VERSION_TIMEOUT_S", 0.2)
    for each in ("google-chrome", "chromedriver"):
        telling(bare, each, "Program 140.0.1.2")
    for script in ("#!/nowhere/sh\n", "#!/bin/sh\nread -r line </dev/zero\n"):
        program(bare, name, script)
        assert [finding.name for finding in browser.inspect_browser(Selenium())] == ["chrome", "driver"]


def test_a_program_that_tells_its_version_gets_what_it_needs_and_nothing_else(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {"PATH", "HOME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", "LD_LIBRARY_PATH", "SYSTEMROOT"}
    for name in kept - {"PATH"} | {"AWS_SECRET_KEY"}:
        monkeypatch.setenv(name, "s3cret")
    program(bare, "google-chrome", "#!/bin/sh\n/usr/bin/env | /usr/bin/sort | /usr/bin/tr '\\n' ' ' >&2\nexit 1\n")
    [found] = browser.inspect_browser(Chrome())
    given = {word.partition("=")[0] for word in found.found.partition("its version: ")[2].split()}
    assert given - {"PWD", "SHLVL", "_", "OLDPWD"} == kept  # those are the shell's own


def test_a_program_that_tells_its_version_reads_nothing_of_ours(bare: Path) -> None:
    program(bare, "google-chrome", "#!/bin/sh\nread -r given || given=140.0.1.2\necho $given\n")
    ours, there = os.dup(0), os.pipe()
    os.write(there[1], b"7.7.7.7\n")
    os.dup2(there[0], 0)
    try:
        [found] = browser.inspect_browser(Chrome())
    finally:
        os.dup2(ours, 0)
        for handle in (ours, *there):
            os.close(handle)
    assert found.found.startswith("140.0.1.2, ")


def test_a_version_is_found_in_output_that_is_not_utf_8(bare: Path) -> None:
    program(bare, "google-chrome", "#!/bin/sh\nprintf '\\377 140.0.1.2'\n")
    [found] = browser.inspect_browser(Chrome())
    assert (found.verdict, found.found) == ("ok", f"140.0.1.2, {bare / 'google-chrome'} (PATH)")


def test_a_group_that_can_not_be_killed_any_more_is_no_failure_of_the_check(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = os.killpg

    def refuse(group: int, number: int) -> None:
        kill(group, number)
        raise PermissionError(errno.EPERM, "as macOS says of a group that has ended")

    monkeypatch.setattr(os, "killpg", refuse)
    monkeypatch.setattr(browser, "_VERSION_TIMEOUT_S", 0.2)
    program(bare, "google-chrome", "#!/bin/sh\nread -r line </dev/zero\n")
    [found] = browser.inspect_browser(Chrome())
    assert found.found.endswith("does not print its version: no answer within 0.2 s")


def test_on_windows_chrome_is_not_started_to_tell_its_version(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "sys", SimpleNamespace(platform="win32"))
    for name in ("google-chrome", "chromedriver"):
        telling(bare, name, "Program 140.0.1.2")
    [chrome, driver] = browser.inspect_browser(Selenium())
    assert (chrome.verdict, chrome.found) == ("ok", f"unknown version, {bare / 'google-chrome'} (PATH)")
    assert (driver.verdict, driver.found) == ("ok", f"140.0.1.2, {bare / 'chromedriver'} (PATH)")


def test_a_driver_alone_is_compared_with_nothing(bare: Path) -> None:
    telling(bare, "chromedriver", "ChromeDriver 140.0.1.2")
    assert [finding.name for finding in browser.inspect_browser(Selenium())] == ["chrome", "driver"]
    assert [finding.name for finding in browser.inspect_driver(Attach("127.0.0.1:9222"), None)] == ["driver"]


def test_a_chromium_without_its_driver_is_installed_with_it(bare: Path) -> None:
    telling(bare, "chromium", "Chromium 140.0.1.2")
    [_, driver] = browser.inspect_browser(Selenium())
    assert (driver.command or "").endswith("drivers/install.sh")


def test_for_a_chrome_that_runs_already_no_other_one_is_suggested(bare: Path) -> None:
    driver = telling(bare, "chromedriver", "ChromeDriver 156.0.3.4")
    telling(bare, "chromium", "Chromium 156.0.3.4")
    [_, versions] = browser.inspect_driver(Attach("127.0.0.1:9222"), "140.0.1.2")
    assert (versions.stops, versions.command) == (True, f"rm {driver}")


@pytest.mark.slow
async def test_a_browser_that_does_not_run(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_browser.doctor.browser._VERSION_TIMEOUT_S", 0.2)
    program(bare, "chromium", "#!/bin/sh\necho 'libnss3.so: cannot \x1b[31mopen' >&2\nexit 127\n")
    program(bare, "chromedriver", '#!/bin/sh\nwhile [ "$1" = --version ]; do :; done\nexit 1\n')
    findings = await examined(interactive=True)
    assert "libnss3.so: cannot [31mopen" in findings["chrome"].found
    assert "no answer within 0.2 s" in findings["driver"].found
    assert stops(findings) >= {"display"}
    program(bare, "chromium", "#!/nowhere/sh\n")
    assert "does not print its version: No such file or directory" in (await examined())["chrome"].found


@pytest.mark.usefixtures("shared_chrome")
@pytest.mark.chrome
async def test_no_display_for_a_person() -> None:
    findings = await examined(interactive=True)
    assert stops(findings) == {"display"}
    assert "-o session.json" in (findings["display"].command or "")
    assert findings["harvest"].verdict == "ok"
    assert (await examined())["display"].verdict == "note"


async def test_loose_file_modes(bare: Path, store: FileStore) -> None:
    await store.save(KEY, make_session(KEY.origin))
    loose = store.folder / f"{KEY.slug}.json"
    loose.chmod(0o644)
    store.folder.parent.chmod(0o755)
    profile = store.folder.parent / "profiles" / "me"
    profile.mkdir(parents=True, mode=0o700)
    profile.chmod(0o750)
    findings = await examined(Selenium(profile="me"))
    assert findings["file modes"].verdict == "problem"
    for shown in (f"{KEY.slug}.json (0644)", "aura-browser (0755)", "me (0750)"):
        assert shown in findings["file modes"].found
    # Such a profile no harvest takes.
    assert findings["profile"].stops
    fix_with(findings["file modes"])
    findings = await examined(Selenium(profile="me"))
    assert {findings[name].verdict for name in ("file modes", "profile", "state folder")} == {"ok"}
    assert loose.stat().st_mode & 0o777 == 0o600


async def test_a_corrupt_store(bare: Path, store: FileStore) -> None:
    await store.save(KEY, make_session(KEY.origin))
    file = store.folder / f"{KEY.slug}.json"
    file.write_bytes(b'{"s3cret')
    session = (await examined())["session"]
    assert (session.verdict, session.stops) == ("problem", False)
    assert f"{KEY.slug} can't be read: Not a session" in session.found
    assert file.read_bytes() == b'{"s3cret'
    assert (await asyncio.to_thread(fix_with, session)) == f"aura-browser sessions rm {KEY.slug}"
    assert (await examined())["sessions"].found == "0 cached"


async def test_encrypted_sessions_without_their_key(bare: Path, store: FileStore) -> None:
    await store.swap(KEY.slug, None, b"aura-browser-encrypted-1 gAAAAA")
    session = (await examined())["session"]
    assert session.verdict == "problem"
    assert (session.command or "").startswith("export AURA_BROWSER_KEY=")


async def test_a_key_that_is_none(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURA_BROWSER_KEY", "s3cret")
    sessions = (await examined())["sessions"]
    assert sessions.stops
    assert sessions.command == "unset AURA_BROWSER_KEY"


@pytest.mark.parametrize("engine", [Undetected(), Selenium(virtual_display=True)])
async def test_a_missing_extra(bare: Path, engine: Selenium, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _name: None)
    name = "undetected" if isinstance(engine, Undetected) else "virtual-display"
    findings = await examined(engine)
    assert f"extra {name}" in stops(findings)
    assert findings[f"extra {name}"].command == install_command(name)
    unneeded = findings["extra redis"]
    assert (unneeded.verdict, unneeded.stops) == ("note", False)
    # Xvfb is not on this PATH either.
    assert ("Xvfb" in stops(findings)) == engine.virtual_display


def test_what_needs_which_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    assert extras.find_needed_extras(Selenium(), None, None) == set()
    assert extras.find_needed_extras(Grid("http://127.0.0.1:1"), "socks5://h:1", "redis://h") == {"socks", "redis"}
    monkeypatch.setenv("AURA_BROWSER_KEY", "x")
    assert extras.find_needed_extras(Undetected(virtual_display=True), "http://h:1", "/x") == {
        "keyring",
        "undetected",
        "virtual-display",
    }
    for store in ("redis://h", "rediss://h", "unix:///run/redis.sock"):
        assert extras.find_needed_extras(Chrome(), None, store) == {"redis", "keyring"}
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert set(project["project"]["optional-dependencies"]) <= set(EXTRAS)


def test_an_extra_that_is_there_is_told_with_the_versions_of_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "EXTRAS", {"redis": {"aiohttp": "aiohttp>=3", "yarl": "yarl>=1"}})
    versions = f"aiohttp {metadata.version('aiohttp')}, yarl {metadata.version('yarl')}"
    assert extras.inspect_extras(set()) == [Finding("extra redis", "ok", versions)]


def test_an_extra_that_was_installed_by_other_means_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "EXTRAS", {"redis": {"json": "redis>=8"}})  # a module that no package brought
    [found] = extras.inspect_extras({"redis"})
    assert (found.verdict, found.found) == ("ok", "json (unknown version)")


async def test_a_full_state_folder(bare: Path, state_home: Path) -> None:
    with mounted(state_home, "size=16k"):
        state = (await examined())["state folder"]
    assert (state.verdict, state.stops) == ("problem", False)
    assert "No space left" in state.found
    assert f"du -xhd 2 {state_home}" in (state.command or "")


async def test_a_read_only_state_folder(bare: Path, state_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mounted(state_home, "ro"):
        state = (await examined())["state folder"]
        assert "Read-only" in state.found
        assert state.command == f"sudo mount -o remount,rw {state_home}"


def test_a_state_folder_that_is_not_ours(tmp_path: Path) -> None:
    """What "sudo aura-browser" leaves."""
    # Not below pytest's own folder, which others than root can't enter.
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "state"
        folder.mkdir()
        (folder / "x.json").write_text("{}")
        Path(home).chmod(0o755)
        folder.chmod(0)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(65534)
        try:
            state = inspect_state(str(folder), Selenium())[0]
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o700)
    assert "Permission denied" in state.found
    fix = 'sudo chown -R "$(id -un)"' if is_root else "chmod u+rwx"
    assert state.command == f"{fix} {folder}"


def test_a_file_in_the_place_of_the_state_folder(bare: Path, state_home: Path) -> None:
    state_home.write_text("")
    state = asyncio.run(examined())["state folder"]
    assert "can't be written" in state.found
    fix_with(state)
    state = asyncio.run(examined())["state folder"]
    assert state.verdict == "ok"
    assert "created when" in state.found
    assert not state_home.exists()


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_dead_proxy(bare: Path, scheme: str) -> None:
    findings = await examined(proxy=f"{scheme}://me:s3cret@127.0.0.1:{free_port()}")
    assert findings["proxy"].stops
    assert "can't be reached" in findings["proxy"].found
    assert "export AURA_BROWSER_PROXY=" in (findings["proxy"].command or "")


@pytest.mark.chrome
@pytest.mark.parametrize("kind", [Tinyproxy, pytest.param(Microsocks, marks=pytest.mark.soak)])
async def test_a_proxy_that_lives(kind: type[ProxyServer], tmp_path: Path) -> None:
    with kind(tmp_path, user="me", password="s3cret") as server:
        findings = await examined(proxy=server.url)
        assert findings["proxy"].found.endswith("it answers, and accepts user and password")
        assert findings["harvest"].verdict == "ok"
        # Asked for by the doctor, the browser and the client.
        assert len(server.targets()) >= 3
        findings = await examined(proxy=server.url_with("me", "other"))
        assert stops(findings) == {"proxy"}
        assert "refused the user and password" in findings["proxy"].found
        assert f"//USER:PASSWORD@127.0.0.1:{server.port}" in (findings["proxy"].command or "")


async def test_a_proxy_that_only_gives_other_pages(bare: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Filtered\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with stream_server(refuse) as port:
        proxy = (await examined(proxy=f"http://127.0.0.1:{port}"))["proxy"]
    assert proxy.verdict == "ok"
    assert "it answers (403" in proxy.found


async def test_a_dead_grid(bare: Path) -> None:
    port = free_port()
    findings = await examined(Grid(f"http://me:s3cret@127.0.0.1:{port}"))
    assert stops(findings) == {"grid"}
    assert "no Grid answers there" in findings["grid"].found
    assert (findings["grid"].command or "").endswith(f"start.sh --port {port}")
    # That machine's Chrome is not this one's.
    assert not findings.keys() & {"chrome", "driver", "display", "sandbox"}


async def test_a_proxy_with_a_password_and_a_grid(bare: Path) -> None:
    port = free_port()
    engine, proxy = Grid(f"http://127.0.0.1:{port}"), f"http://me:s3cret@127.0.0.1:{port}"
    findings = await examine(engine=engine, proxy=proxy, interactive=False)
    assert [finding.name for finding in findings if "can't be used on a Grid" in finding.found] == ["proxy"]
    assert "s3cret" not in repr(findings)


async def test_no_chrome_to_attach_to(bare: Path) -> None:
    port = free_port()
    findings = await examined(Attach(f"127.0.0.1:{port}"))
    assert stops(findings) == {"attach", "driver"}
    assert (findings["attach"].command or "").startswith(f"google-chrome --remote-debugging-port={port} ")


@pytest.mark.chrome
async def test_a_chrome_to_attach_to(tmp_path: Path) -> None:
    with open_chrome(tmp_path / "profile") as address:
        findings = await examined(Attach(address))
        # As one in a container, whose loopback is its own.
        [elsewhere] = await try_harvest(Attach(address), None, f"http://127.0.0.1:{free_port()}/")
    assert (elsewhere.verdict, elsewhere.stops) == ("note", False)
    assert elsewhere.found.endswith("can't open a page of this machine: ERR_CONNECTION_REFUSED")
    assert stops(findings) == set()
    assert f"at {address}" in findings["attach"].found
    assert findings["versions"].verdict == "ok"
    assert findings["harvest"].verdict == "ok"


def test_a_machine_without_user_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(machine, "_try_user_namespace", lambda: os.strerror(errno.EPERM))
    monkeypatch.setattr(machine, "_DOCKER_MARK", tmp_path / "none")
    monkeypatch.setenv("PATH", str(program(tmp_path / "bin", "apt-get", "#!/bin/sh\n").parent))
    helper = tmp_path / "chrome-sandbox"
    bare = check_sandbox(tmp_path, helper)
    assert (bare.verdict, bare.command) == ("problem", "sudo apt-get install chromium-sandbox")
    helper.touch()
    helper.chmod(0o4755)
    assert check_sandbox(tmp_path, helper).verdict == "ok"


def test_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "apparmor_restrict_unprivileged_userns").write_text("1\n")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    restricted = check_sandbox(tmp_path)
    assert restricted.verdict == "note"
    assert restricted.command == "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    # In a chroot, such as those of tests/fresh.sh, no user namespace can be made.
    monkeypatch.setattr(machine, "_try_user_namespace", lambda: "")
    assert check_sandbox(tmp_path / "none", tmp_path / "none").verdict == "ok"
    assert check_shared_memory(tmp_path / "none").command == "docker run --shm-size=1g"
    with mounted(tmp_path / "shm", "size=64m"):
        assert check_shared_memory(tmp_path / "shm").verdict == "note"


async def test_a_check_that_crashes_is_a_finding(
    bare: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")

    def crash(*_: object, **__: object) -> list[Finding]:
        raise ValueError("s3cret")

    for name in ("inspect_browser", "inspect_state"):
        monkeypatch.setattr(examination, name, crash)
    findings = await examined()
    assert stops(findings) == {"chrome"}
    assert "ValueError at test_doctor.py:" in findings["state folder"].found
    assert "in crash" in caplog.text
    assert "ValueError: s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("check", "engine", "proxy", "name", "is_blocker"),
    [
        ("_describe_program", Selenium(), None, "program", False),
        ("inspect_grid", Grid("http://127.0.0.1:1"), None, "grid", True),
        ("inspect_attached", Attach("127.0.0.1:1"), None, "attach", True),
        ("inspect_everyday", AttachChrome(), None, "attach", True),
        ("inspect_browser", Selenium(), None, "chrome", True),
        ("inspect_machine", Selenium(), None, "machine", False),
        ("inspect_surroundings", Selenium(), None, "surroundings", False),
        ("inspect_extras", Selenium(), None, "extras", False),
        ("inspect_proxy", Selenium(), "http://127.0.0.1:1", "proxy", True),
        ("inspect_state", Selenium(), None, "state folder", False),
        ("inspect_sites", Selenium(), None, "sites", False),
        ("inspect_sessions", Selenium(), None, "sessions", False),
        ("try_harvest", Grid("http://127.0.0.1:1"), None, "harvest", True),
    ],
)
async def test_each_check_that_fails_is_named_and_says_why(
    check: str,
    engine: Engine,
    proxy: str | None,
    name: str,
    *,
    is_blocker: bool,
    bare: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> list[Finding]:
        raise StoreError("somewhere", "it went wrong.")

    async def fail_later(*_: object, **__: object) -> list[Finding]:
        return fail()

    is_async = inspect.iscoroutinefunction(getattr(examination, check))
    monkeypatch.setattr(examination, "inspect_grid", lambda *_: [])
    monkeypatch.setattr(examination, check, fail_later if is_async else fail)
    found = (await examined(engine, proxy=proxy))[name]
    problem = "The session store somewhere can't be used: it went wrong."
    assert found == Finding(name, "problem", problem, "aura-browser doctor --debug", stops=is_blocker)


def test_a_check_without_a_limit_of_its_own_ends_too() -> None:
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        [found] = runner.run(examination._run_check("sites", asyncio.Event().wait()))  # type: ignore[arg-type]
    assert (found.name, found.found, found.stops) == ("sites", "unknown: no answer within 10 s", False)


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The proxy of each trial, none of which is made."""
    used: list[str | None] = []

    async def see(_engine: Engine, proxy: str | None, _url: str) -> list[Finding]:
        used.append(proxy)
        return []

    monkeypatch.setattr(examination, "inspect_browser", lambda _engine: [])
    monkeypatch.setattr(examination, "try_harvest", see)
    return used


@pytest.mark.parametrize("gives_pages", [True, False])
async def test_the_trial_uses_a_proxy_that_gives_pages_of_this_machine(
    *, gives_pages: bool, bare: Path, ways: list[str | None]
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        async with aiohttp.ClientSession() as http, http.get(address) as page:
            mark = page.headers["X-Doctor"] if gives_pages else "another"
        writer.write(f"HTTP/1.1 200 OK\r\nX-Doctor: {mark}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    async with stream_server(serve) as port:
        await examined(proxy=f"http://127.0.0.1:{port}")
    assert ways == [f"http://127.0.0.1:{port}" if gives_pages else None]


async def test_the_trial_does_without_a_proxy_that_can_not_reach_this_machine(
    bare: Path, ways: list[str | None]
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(3)
        writer.write(b"\x05\x00")
        await reader.readexactly(10)
        writer.write(b"\x05\x05\x00\x01" + bytes(6))
        await writer.drain()

    async with stream_server(refuse) as port:
        proxy = (await examined(proxy=f"socks5://127.0.0.1:{port}"))["proxy"]
    assert proxy.found.endswith("it answers, but can't reach a page of this machine")
    assert ways == [None]


async def test_the_report_begins_with_the_versions_of_what_runs(bare: Path) -> None:
    began = (await examined())["program"]
    own, selenium, http = map(metadata.version, ("aura-browser-session", "selenium", "aiohttp"))
    assert began.verdict == "ok"
    assert began.found.startswith(f"aura-browser {own}, selenium {selenium}, aiohttp {http}, Python ")


async def test_what_ends_after_its_time_was_over_troubles_nobody() -> None:
    over = threading.Event()
    uncaught: list[threading.ExceptHookArgs] = []
    hook, threading.excepthook = threading.excepthook, uncaught.append
    try:
        running = examination.run_in_thread(lambda: (over.wait(20), threading.current_thread()))
        [thread] = [each for each in threading.enumerate() if each.name == "aura-browser-doctor"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(running, 0.01)
        over.set()
        await asyncio.to_thread(thread.join, 20)
    finally:
        threading.excepthook = hook
    assert uncaught == []


async def test_a_check_that_hangs_is_a_finding(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang(*_: object) -> list[Finding]:
        over.wait(60)
        return []

    monkeypatch.setattr(examination, "inspect_state", hang)
    monkeypatch.setattr(examination, "_STATE_TIMEOUT_S", 0.5)
    try:
        findings = await examined()
        assert not over.is_set()
    finally:
        over.set()
    assert findings["state folder"].found == "unknown: no answer within 0.5 s"
    assert "sessions" not in findings


async def test_a_proxy_that_says_nothing(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aura_browser.doctor.connections._TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        findings = await examined(proxy=f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert findings["proxy"].stops
    assert "sent nothing for 0.5 s" in findings["proxy"].found


def test_help_teaches_by_example() -> None:
    shown = run("doctor", "--help")
    assert shown.returncode == 0
    assert "\n  aura-browser doctor --grid" in shown.stdout
    assert "doctor" in run("--help").stdout


@pytest.mark.parametrize("args", [("--engine", "other"), ("--proxy", "http://me:s3cret@127.0.0.1:1"), ("more",)])
def test_wrong_usage(args: tuple[str, ...]) -> None:
    shown = run("doctor", *args)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "s3cret" not in shown.stderr


def test_nothing_is_imported_for_the_other_commands() -> None:
    code = "import sys, aura_browser.cli; print([name for name in sys.modules if 'doctor' in name])"
    told = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, timeout=30)
    assert told.stdout == "[]\n"


@pytest.mark.chrome
async def test_the_trial_leaves_the_profile_alone(tmp_path: Path) -> None:
    profile = tmp_path / "me"
    findings = await examined(Selenium(profile=profile), store="memory")
    assert findings["harvest"].verdict == "ok"
    assert not profile.exists()


async def test_a_check_that_hangs_keeps_no_program_from_ending() -> None:
    thread = await examination.run_in_thread(threading.current_thread)
    assert (thread.name, thread.daemon) == ("aura-browser-doctor", True)
    with pytest.raises(OSError, match="Not a directory"):
        await examination.run_in_thread(Path("/dev/null/away").stat)


FINDINGS = [
    Finding("chrome", "ok", "156, /usr/bin/chromium"),
    Finding("extra", "note", "not installed", "pip install it"),
    Finding("file modes", "problem", "x" * 2001, f"chmod {'y' * 1995}"),
]


def test_what_does_not_stop_the_job_is_to_be_fixed(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(FINDINGS)
    assert capsys.readouterr().out == (
        "ok       chrome      156, /usr/bin/chromium\n"
        "note     extra       not installed\n"
        "                     pip install it\n"
        f"PROBLEM  file modes  {'x' * 1999}…\n"
        f"                     chmod {'y' * 1993}…\n"
        "The main job can run here. To fix: file modes.\n"
    )
    print_report(FINDINGS[:1])
    assert capsys.readouterr().out == "ok       chrome  156, /usr/bin/chromium\nThe main job can run here.\n"


@pytest.mark.parametrize(("length", "indent"), [(83, 17), (84, 2)])
def test_a_command_that_would_be_broken_begins_at_the_left(
    length: int, indent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = make_terminal(monkeypatch, "stdout")
    print_report([Finding("chrome", "problem", "not found", "x" * length, stops=True)])
    *_, command, verdict = shown.getvalue().splitlines()
    assert command == f"{' ' * indent}\x1b[36m{'x' * length}\x1b[0m"
    assert verdict == "\x1b[1;31mThe main job can't run here: chrome.\x1b[0m"


@pytest.mark.parametrize("is_stopped", [False, True])
def test_json_says_whether_the_job_can_run(*, is_stopped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, object]] = []

    async def find(**options: object) -> list[Finding]:
        given.append(options)
        return [Finding("chrome", "problem", "not found", stops=is_stopped)]

    monkeypatch.setattr(doctor, "examine", find)
    shown = run_here("doctor", "--json", *(["--interactive", "--profile", "me"] if is_stopped else []))
    found = {"name": "chrome", "verdict": "problem", "found": "not found", "command": None}
    report = {"ok": not is_stopped, "findings": [found | {"stops": is_stopped, "slug": None, "state": None}]}
    assert (shown.returncode, shown.stdout) == (int(is_stopped), json.dumps(report, indent=2) + "\n")
    engine = DefaultEngine(profile="me" if is_stopped else None)
    assert given == [{"engine": engine, "proxy": None, "store": None, "interactive": is_stopped}]
