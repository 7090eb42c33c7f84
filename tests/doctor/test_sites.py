"""What doctor says of a person's own sites."""

from pathlib import Path

import pytest

from aura_browser.doctor import Finding
from aura_browser.doctor.sites import inspect_sites


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AURA_BROWSER_CONFIG", str(tmp_path))
    return tmp_path / "sites.toml"


def test_nothing_is_said_where_there_is_no_file(file: Path) -> None:
    assert inspect_sites() == []


def test_a_file_that_works_is_counted(file: Path) -> None:
    file.write_text('[a]\nurl = "https://example.com"\n')
    (found,) = inspect_sites()
    assert found == Finding("sites", "ok", f"1 in {file}")


def test_a_file_that_can_not_work_is_a_problem_that_stops_nothing(file: Path) -> None:
    file.write_text('[a]\nurl = "https://example.com"\nprob = "/x"\n')
    (found,) = inspect_sites()
    assert (found.name, found.verdict, found.stops) == ("sites", "problem", False)
    assert found.command == "aura-browser sites edit"
    assert found.found == f"{file}, line 3: a.prob: there is no such key; did you mean probe?"


def test_a_variable_that_is_not_set_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORK_PROXY", raising=False)
    monkeypatch.delenv("HOME_PROXY", raising=False)
    text = '[a]\nurl = "https://example.com"\nproxy = "${WORK_PROXY}"\n'
    file.write_text(text)
    (found,) = inspect_sites()
    assert found == Finding("sites", "note", f"{file} names variables that are not set here: WORK_PROXY")
    file.write_text(text + '[b]\nurl = "https://b.example.com"\nproxy = "${HOME_PROXY}"\n')
    (found,) = inspect_sites()
    assert found.found.endswith(": HOME_PROXY, WORK_PROXY")


def test_sites_that_share_one_stored_session_are_named(file: Path) -> None:
    hosts = {"a": "a.example", "b": "b.example", "c": "a.example"}
    tables = ((name, f"https://{host}/{name}") for name, host in hosts.items())
    file.write_text("".join(f'[{name}]\nurl = "{url}"\n' for name, url in tables))
    (found,) = inspect_sites()
    said = f"{file}: a, c are at one origin and share one stored session; give one its own with --session NAME"
    assert (found.verdict, found.found) == ("note", said)
