"""Options with bytes that are not UTF-8, and files that would steer a terminal: one error, which shows nothing."""

from pathlib import Path

import pytest

from tests.parts.command import run_here
from tests.parts.sessions import make_session


@pytest.mark.parametrize(
    "words",
    [
        ("chat", "--session", "\udcff", "Hello"),
        ("chat", "--model", "\udcff", "Hello"),
        ("chat", "\udcff"),
        ("chat", "--url", "http://[::g]/", "Hello"),
        ("chat", "--proxy", "http://\udcff:80", "Hello"),
        ("harvest", "https://xn--/"),
        ("harvest", "--until", "\udcff"),
        ("playground", "--upstream", "http://\udcff"),
    ],
)
def test_an_option_that_cannot_be_used_is_wrong_usage(words: tuple[str, ...]) -> None:
    shown = run_here(*words)
    assert shown.returncode == 2
    assert "a bug in aura-browser" not in shown.stderr
    assert shown.stderr.replace("\n", "").isprintable()


@pytest.mark.parametrize("place", ["https://a.example", "a.example:8443"])
def test_a_file_that_would_steer_a_terminal_does_not(tmp_path: Path, place: str) -> None:
    text = make_session("https://a.example:8443").to_json()
    (tmp_path / "x.json").write_text(text.replace(place, f"{place}\\u001b]0;x\\u0007\\u202e"))
    shown = run_here("sessions", "import", str(tmp_path / "x.json"))
    assert shown.returncode == 1
    assert shown.stderr.replace("\n", "").isprintable()
