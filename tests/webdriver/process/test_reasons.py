"""Why Chrome did not start or ended, and the limits it starts with; no Chrome is started here."""

import os
import resource
from pathlib import Path
from types import SimpleNamespace

import pytest

from aura_browser.errors import BrowserDied, LaunchFailed
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.process import group, limits, reasons
from aura_browser.webdriver.process.limits import LowLimit, allow_more_files, find_low_limit
from aura_browser.webdriver.process.reasons import advising, build_launch_error

_CHROME = Path("/opt/chrome")
_NO_LIMIT = resource.RLIM_INFINITY
_LONG_S = 60.0


@pytest.fixture(autouse=True)
def enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of the machine that runs the tests say nothing here."""
    monkeypatch.setattr(reasons, "find_low_limit", lambda: None)


def explain(folder: Path, message: str, output: bytes | None, deadline: Deadline | None = None) -> LaunchFailed:
    """Return the error for what the driver said and what Chrome wrote; None if it wrote no file."""
    file = folder / "stderr.txt"
    if output is not None:
        file.write_bytes(output)
    return build_launch_error(_CHROME, message, file, deadline or Deadline(_LONG_S))


def test_the_last_five_lines_of_chrome_are_shown(tmp_path: Path) -> None:
    said = b"Starting ChromeDriver 140\none\ntwo\n \n\xffthree\nfour\nfive\nsix\nOnly local connections are allowed.\n"
    error = explain(tmp_path, "it broke.\nStacktrace:\n#0 0x1", said)
    assert (error.chrome_path, error.reason, error.advice) == (str(_CHROME), "it broke", "")
    assert error.stderr_tail == ("two", "\ufffdthree", "four", "five", "six")


def test_without_any_word_it_exited_during_its_start(tmp_path: Path) -> None:
    error = explain(tmp_path, "", None)
    assert (error.reason, error.stderr_tail, error.advice) == ("it exited during its start", (), "")


def test_what_was_said_is_shown_from_its_first_letter_to_its_last(tmp_path: Path) -> None:
    error = explain(tmp_path, "it broke~...", b"one\n")
    assert (error.reason, error.stderr_tail) == ("it broke~", ("one",))


def test_a_known_cause_is_shown_alone_with_what_helps(tmp_path: Path) -> None:
    said = b"noise\nchrome: error while loading shared libraries: libnss3.so\nmore noise\n"
    error = explain(tmp_path, "it broke", said, Deadline(0))
    assert error.stderr_tail == ("chrome: error while loading shared libraries: libnss3.so",)
    assert (error.reason, error.advice[:39]) == ("it broke", "A library that Chrome needs is missing.")
    error = explain(tmp_path, "No usable sandbox!", b"noise\n")
    assert (error.stderr_tail, error.advice.partition(".")[0]) == ((), "Chrome may not make its sandbox here")


def test_long_lines_and_long_reasons_are_cut(tmp_path: Path) -> None:
    error = explain(tmp_path, "x" * 3000, b"y" * 3000)
    assert [(len(each), each[-1]) for each in (error.reason, *error.stderr_tail)] == [(2000, "…")] * 2


def test_only_the_last_megabyte_of_what_chrome_wrote_is_read(tmp_path: Path) -> None:
    end = b"the end\n"
    error = explain(tmp_path, "it broke", b"No usable sandbox!\n" + b"noise\n" * 200_000 + end)
    assert (error.advice, error.stderr_tail[-1]) == ("", "the end")


def test_a_chrome_that_had_not_started_in_time_is_said_to_be_late(tmp_path: Path) -> None:
    assert explain(tmp_path, "it broke", None, Deadline(0)).reason == "it had not started after 0 s"
    cancelled = Deadline(0)
    cancelled.cancel()
    assert explain(tmp_path, "it broke", None, cancelled).reason == "it broke"


def test_a_low_limit_is_named_where_nothing_else_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "find_low_limit", lambda: LowLimit("few files", "ulimit -n 4096"))
    assert explain(tmp_path, "it broke", None).advice == "Few files. Raise that limit, for example: ulimit -n 4096"
    assert explain(tmp_path, "No space left on device", None).advice.startswith("The disk is full.")


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        (b"noise\n[1:2] Check failed: . : Too many open files (24)\n", "This process may open too few files. Raise"),
        (b"noise\n", "Try again."),
        (None, "Try again."),
    ],
)
def test_a_browser_that_ends_says_what_helps(tmp_path: Path, written: bytes | None, advice: str) -> None:
    file = tmp_path / "stderr.txt"
    if written is not None:
        file.write_bytes(written)
    with pytest.raises(BrowserDied) as caught, advising(file):
        raise BrowserDied("http://a.example/", "the connection ended")
    assert str(caught.value).startswith(f"The browser stopped at http://a.example/: the connection ended. {advice}")


def test_a_browser_that_ends_names_a_low_limit_and_keeps_what_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reasons, "find_low_limit", lambda: LowLimit("few files", "ulimit -n 4096"))
    expected = "Few files. Raise that limit, for example: ulimit -n 4096"
    for known, advice in ("", expected), ("Ask.", "Ask."):
        with pytest.raises(BrowserDied) as caught, advising(tmp_path / "stderr.txt"):
            raise BrowserDied("http://a.example/", "the connection ended", known)
        assert caught.value.advice == advice


@pytest.mark.parametrize(
    ("files", "addresses", "command"),
    [
        ((_NO_LIMIT, _NO_LIMIT), (_NO_LIMIT, _NO_LIMIT), None),
        ((100, 1024), (64 * 2**30, 64 * 2**30), None),
        ((100, 1023), (_NO_LIMIT, _NO_LIMIT), "ulimit -n 4096"),
        ((4096, 8192), (64 * 2**30 - 1, _NO_LIMIT), "ulimit -v unlimited"),
    ],
)
def test_a_limit_is_low_if_it_is_lower_than_what_chrome_starts_with(
    files: tuple[int, int], addresses: tuple[int, int], command: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", {resource.RLIMIT_NOFILE: files, resource.RLIMIT_AS: addresses}.get)
    low = find_low_limit()
    assert (low and low.command) == command


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ((256, 8192), (4096, 8192)),
        ((256, 512), (512, 512)),
        ((256, _NO_LIMIT), (4096, _NO_LIMIT)),
        ((4096, 8192), None),
        ((5000, 8192), None),
        ((_NO_LIMIT, _NO_LIMIT), None),
    ],
)
def test_chrome_may_open_more_files_if_the_limit_is_low(
    now: tuple[int, int], then: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []

    def set_limit(*told: object) -> None:
        given.append(told)
        raise PermissionError

    monkeypatch.setattr(resource, "getrlimit", lambda _: now)
    monkeypatch.setattr(resource, "prlimit", set_limit)
    allow_more_files(77)
    assert given == ([(77, resource.RLIMIT_NOFILE, then)] if then else [])
    monkeypatch.setattr(limits, "sys", SimpleNamespace(platform="darwin"))  # which has no prlimit
    allow_more_files(78)
    assert len(given) == (1 if then else 0)


@pytest.mark.parametrize(("length", "is_short"), [(60, True), (61, False)])
def test_chrome_gets_no_secret_and_its_files_are_in_the_harvests_folder(
    length: int, monkeypatch: pytest.MonkeyPatch, *, is_short: bool
) -> None:
    folder = "/" + "x" * (length - 1)
    for name in list(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AURA_BROWSER_KEY", "s3cret")
    private = {
        "BREAKPAD_DUMP_LOCATION": f"{folder}/crashes",
        "MESA_SHADER_CACHE_DISABLE": "true",
        "__GL_SHADER_DISK_CACHE": "0",
        **({"TMPDIR": folder} if is_short else {}),
    }
    assert group.build_environment(Path(folder)) == private | {"XDG_RUNTIME_DIR": folder}
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1")
    monkeypatch.setenv("__GL_SHADER_DISK_CACHE", "1")
    assert group.build_environment(Path(folder)) == private | {"XDG_RUNTIME_DIR": "/run/user/1"}
