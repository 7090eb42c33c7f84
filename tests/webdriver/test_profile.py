"""Profiles that are kept: names and folders, modes, whose they are, and cookies without an expiry."""

import asyncio
import logging
import socket
import stat
import sys
from pathlib import Path

import pytest
from aiohttp import web
from selenium.common.exceptions import WebDriverException
from urllib3.exceptions import ProtocolError

from aura_browser import Condition, Selenium, page_site
from aura_browser.errors import InvalidInput, LaunchFailed, NotReady
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.harvest import harvest
from aura_browser.webdriver.profile import lock_profile, make_profile_folder, quit_chrome
from tests.parts.hurry import Hurry
from tests.parts.servers import page, serving


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def test_a_name_is_a_private_folder_in_the_state_folder(state_home: Path) -> None:
    folder = make_profile_folder("work@example.com")
    assert folder == state_home / "aura-browser" / "profiles" / "work@example.com"
    assert mode(folder) == 0o700


def test_what_has_a_separator_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_profile_folder(tmp_path / "new" / "one") == tmp_path / "new" / "one"
    assert mode(tmp_path / "new" / "one") == 0o700
    monkeypatch.chdir(tmp_path)
    assert make_profile_folder("./here") == tmp_path / "here"


def test_a_name_may_have_64_characters(state_home: Path) -> None:
    assert make_profile_folder("x" * 64) == state_home / "aura-browser" / "profiles" / ("x" * 64)


@pytest.mark.parametrize("name", ["", ".", "..", "-x", "a b", "x" * 65, "ü"])
def test_what_is_no_name_of_a_profile(name: str) -> None:
    with pytest.raises(InvalidInput, match="must be a name"):
        make_profile_folder(name)


@pytest.mark.parametrize(
    ("system", "place"),
    [
        ("linux", ".config/google-chrome"),
        ("linux", ".config/google-chrome-beta"),
        ("linux", ".config/google-chrome-unstable"),
        ("linux", ".config/chromium/Default"),
        ("linux", "snap/chromium/common/chromium"),
        ("linux", ".var/app/com.google.Chrome/config/google-chrome"),
        ("linux", ".var/app/org.chromium.Chromium/config/chromium"),
        ("linux", "link"),
        ("darwin", "Library/Application Support/Google/Chrome"),
        ("darwin", "Library/Application Support/Chromium"),
        ("win32", "AppData/Local/Google/Chrome/User Data"),
        ("win32", "AppData/Local/Chromium/User Data"),
    ],
)
def test_the_persons_own_profile_is_recognised_and_explained(
    system: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (tmp_path / "link").symlink_to(tmp_path / ".config" / "google-chrome")
    with pytest.raises(InvalidInput, match=r"your Chrome's own profile, and Chrome 136 .*--profile work"):
        make_profile_folder(tmp_path / place)
    assert [each.name for each in tmp_path.iterdir()] == ["link"], "no folder was made"


def test_the_persons_own_profile_is_recognised_where_a_variable_puts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "mine"))
    with pytest.raises(InvalidInput, match="your Chrome's own profile"):
        make_profile_folder(tmp_path / "mine" / "chromium" / "Default")


def test_a_folder_that_others_can_read_is_refused_with_what_mends_it(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(InvalidInput, match=f"chmod 700 {tmp_path}/open"):
        make_profile_folder(tmp_path / "open")


def test_a_folder_of_other_things_is_not_to_be_closed_for_others(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    (tmp_path / "shared" / "file").touch()
    with pytest.raises(InvalidInput, match=r"has other files in it.*name a new folder") as refused:
        make_profile_folder(tmp_path / "shared")
    assert "chmod" not in str(refused.value)
    (tmp_path / "shared" / "Local State").touch()  # as in a profile of Chrome's
    with pytest.raises(InvalidInput, match="chmod 700"):
        make_profile_folder(tmp_path / "shared")


def test_a_file_is_no_profile(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="can't be used"):
        make_profile_folder(tmp_path / "file")


def test_two_never_have_a_profile_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    busy = pytest.raises(LaunchFailed, match="another harvest is using it; wait")
    with lock_profile(tmp_path, Deadline(5)), busy, lock_profile(tmp_path, Deadline(0.2)):
        pytest.fail("it was free")
    assert mode(tmp_path / "aura-browser.lock") == 0o600
    [told] = caplog.messages
    assert told == f"Another harvest is using the profile {tmp_path}. Waiting for it, up to 0 s."
    with lock_profile(tmp_path, Deadline(0.2)):
        pass


@pytest.mark.chrome
async def test_cookies_without_an_expiry_outlive_the_browser_and_no_tab_is_opened_again(tmp_path: Path) -> None:
    asked: list[tuple[str, str | None]] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        asked.append((request.path, request.cookies.get("sid")))
        response = web.Response(text="<!doctype html><link rel=icon href=data:,>hi", content_type="text/html")
        if request.path == "/login":
            response.set_cookie("sid", "mine")
        return response

    engine = Selenium(profile=tmp_path / "profile")
    async with serving(handle) as (_server, origin):
        first = await harvest(page_site(f"{origin}/login"), engine=engine)
        second = await harvest(page_site(f"{origin}/app"), engine=engine)
    assert asked == [("/login", None), ("/app", "mine")]
    assert first.cookies == second.cookies


@pytest.mark.chrome
def test_the_tabs_of_the_last_run_are_not_kept_but_those_of_a_running_chrome_are(tmp_path: Path) -> None:
    tabs, cookies = tmp_path / "Default" / "Sessions", tmp_path / "Default" / "Cookies"
    with lock_profile(tmp_path, Deadline(5)):
        tabs.mkdir(parents=True)
        cookies.touch()
    running = tmp_path / "SingletonLock"
    running.symlink_to(f"{socket.gethostname()}-1")
    with lock_profile(tmp_path, Deadline(5)):
        assert tabs.exists()
    running.unlink()
    with lock_profile(tmp_path, Deadline(5)):
        assert not tabs.exists()
        assert cookies.exists()


@pytest.mark.parametrize(
    ("lock", "is_kept"),
    [("a-container.example-7", False), (f"{socket.gethostname()}-7", True), ("7", True), (None, True)],
)
def test_what_a_chrome_on_another_host_did_not_release_is_taken_over(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    lock: str | None,
    is_kept: bool,  # noqa: FBT001 - from the table above
) -> None:
    names = ("SingletonLock", "SingletonSocket", "SingletonCookie")
    with lock_profile(tmp_path, Deadline(5)):
        pass
    for name in names if lock is not None else names[1:]:
        (tmp_path / name).symlink_to(lock or "of nobody")
    with lock_profile(tmp_path, Deadline(5)):
        left = [name for name in names if (tmp_path / name).is_symlink()]
    assert left == ([] if not is_kept else list(names if lock is not None else names[1:]))
    told = f"Taking over the profile {tmp_path}, which a Chrome on a-container.example did not release."
    assert caplog.messages == ([] if is_kept else [told])


def test_who_waits_for_a_profile_looks_often_whether_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def wait(self: Deadline, seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            self.cancel()

    monkeypatch.setattr(Deadline, "wait", wait)
    busy = pytest.raises(LaunchFailed, match="another harvest is using it")
    with lock_profile(tmp_path, Deadline(5)), busy, lock_profile(tmp_path, Deadline(60)):
        pytest.fail("it was free")
    assert len(looks) == 3
    assert max(looks) <= 0.5


def test_no_folder_elsewhere_is_removed_for_tabs(tmp_path: Path) -> None:
    profile, elsewhere = tmp_path / "profile", tmp_path / "elsewhere"
    (profile / "Default").mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    (profile / "Default" / "Sessions").symlink_to(elsewhere)
    for _ in range(2):
        with lock_profile(profile, Deadline(5)):
            assert (elsewhere / "precious").exists()


@pytest.mark.slow
async def test_harvests_with_one_profile_wait_for_each_other(tmp_path: Path, hurry: Hurry) -> None:
    engine = Selenium(profile=tmp_path / "profile")
    async with serving(page()) as (_server, origin):
        sessions = await asyncio.gather(*(harvest(page_site(origin), engine=engine) for _ in range(2)))
        assert [session.origin for session in sessions] == [origin] * 2
        never = page_site(origin, (Condition.parse("cookie:never"),))
        with pytest.raises(NotReady):
            await harvest(never, engine=engine, on_wait=hurry("cookie:never"))
        # Neither an error nor a time-out keeps it.
        assert (await harvest(page_site(origin), engine=engine)).origin == origin


@pytest.mark.parametrize("error", [WebDriverException("disconnected"), ConnectionRefusedError(), ProtocolError()])
def test_a_chrome_that_can_not_be_asked_to_exit_is_killed_later(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "aura_browser")

    class Gone:
        def quit(self) -> None:
            raise error

    quit_chrome(Gone())  # type: ignore[arg-type]
    assert f"Chrome did not quit ({type(error).__name__}); killing it." in caplog.text
