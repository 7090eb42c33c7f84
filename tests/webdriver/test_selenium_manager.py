"""Selenium Manager: a program that may hang, say nonsense or fail; a stand-in, as the real one asks the network."""

from pathlib import Path

import psutil
import pytest

from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.selenium_manager import ManagerFailed, run_manager
from tests.parts.waiting import until

_PATHS = '{"result": {"code": 0, "message": "", "driver_path": "/managed/driver", "browser_path": "/managed/chrome"}}'


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
    ],
)
def test_why_it_found_nothing_is_said_in_one_line(manager: Path, script: str, said: str) -> None:
    make(manager, script)
    with pytest.raises(ManagerFailed) as caught:
        run_manager([], Deadline(20))
    assert str(caught.value) == said


def test_it_is_ended_when_the_time_is_over(manager: Path) -> None:
    make(manager, "exec sleep 60")
    with pytest.raises(ManagerFailed, match=r"not done after 0\.2 s"):
        run_manager([], Deadline(0.2))
    until(lambda: not [each for each in psutil.Process().children() if each.name() == "sleep"], "it is gone")
