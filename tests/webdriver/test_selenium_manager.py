"""Selenium Manager: a program that may hang, say nonsense or fail; a stand-in, as the real one asks the network."""

from pathlib import Path

import psutil
import pytest

from aura_browser.errors import BrowserNotFound
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.locate import locate
from aura_browser.webdriver.selenium_manager import ManagerFailed, run_manager
from tests.parts.waiting import until

_PATHS = '{"result": {"code": 0, "message": "", "driver_path": "/managed/driver", "browser_path": "/managed/chrome"}}'

pytestmark = pytest.mark.usefixtures("no_shared_browsers")


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the program is that Selenium takes for its manager."""
    path = tmp_path / "selenium-manager"
    monkeypatch.setenv("SE_MANAGER_PATH", str(path))
    return path


def make(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_what_it_finds_is_returned_also_if_it_takes_a_moment(manager: Path) -> None:
    for name in ("driver", "chrome"):
        (manager.parent / name).touch()
    real = _PATHS.replace("/managed", str(manager.parent))
    make(manager, f"sleep 0.2; echo \"$@\" > {manager}.asked; echo '{real}'")
    found = run_manager(["--browser", "chrome"], Deadline(20))
    assert (found["driver_path"], found["browser_path"]) == (f"{manager.parent}/driver", f"{manager.parent}/chrome")
    assert Path(f"{manager}.asked").read_text().startswith("--browser chrome")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo nonsense", "its output can't be read"),
        ("echo '{}'", "its output can't be read"),
        ("echo '[]'", "its output can't be read"),
        ("echo '{\"result\": null}'", "its output can't be read"),
        ("exit 3", "its output can't be read"),
        ('printf %s \'{"result": {"message": "no network\\nat all"}}\'; exit 65', "no network"),
        ("echo '{\"result\": {}}'; exit 65", "exit code 65"),
        ('echo \'{"result": {"message": "\'$(printf %0300d 7)\'"}}\'; exit 65', "0" * 159 + "…"),
    ],
)
def test_why_it_found_nothing_is_said_in_one_line(manager: Path, script: str, said: str) -> None:
    make(manager, script)
    with pytest.raises(ManagerFailed) as caught:
        run_manager([], Deadline(20))
    assert str(caught.value) == said


def test_what_it_says_of_itself_is_not_shown_and_our_variables_are_not_its(
    manager: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AURA_BROWSER_BASIC", "ann:s3cret")
    make(manager, f"env > {manager}.env; echo warned >&2; echo '{_PATHS.replace('/managed', str(manager.parent))}'")
    for name in ("driver", "chrome"):
        (manager.parent / name).touch()
    run_manager([], Deadline(20))
    assert capfd.readouterr() == ("", "")
    kept = Path(f"{manager}.env").read_text()
    assert "SE_MANAGER_PATH=" in kept
    assert "s3cret" not in kept


def test_without_a_time_limit_a_download_has_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    def run(_arguments: list[str], deadline: Deadline) -> dict[str, str]:
        given.append(deadline.seconds)
        raise ManagerFailed("no network")

    monkeypatch.setattr("aura_browser.webdriver.selenium_manager.run_manager", run)
    monkeypatch.setattr("aura_browser.webdriver.locate._search_folders", lambda *_: iter(()))
    with pytest.raises(BrowserNotFound, match=r"Selenium Manager \(no network\)"):
        locate()
    assert given == [600]


def test_it_is_ended_when_the_time_is_over(manager: Path) -> None:
    make(manager, "exec sleep 60")
    with pytest.raises(ManagerFailed, match=r"not done after 0\.2 s"):
        run_manager([], Deadline(0.2))
    until(lambda: not [each for each in psutil.Process().children() if each.name() == "sleep"], "it is gone")
