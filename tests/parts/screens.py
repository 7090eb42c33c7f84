"""What commands look like on a terminal: writes docs/screens.md with ``python -m tests.parts.screens``.

``python -m tests.parts.screens show NAME`` prints one screen that is made of made-up values.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.parts.forks import choose_python
from tests.parts.pages import ROOT

PAGE: Final = ROOT / "docs" / "screens.md"
WIDTHS: Final = (60, 80, 120)
_NOW: Final = 1_800_000_000.0
_PATIENCE_S: Final = 60.0
_INTRO: Final = """# Screens

What the commands look like on a terminal of 60, 80 and 120 columns. Colours are not shown here: names are bold, `ok`
is green, `note` yellow, `PROBLEM` red, a command to copy cyan. In a pipe and under `NO_COLOR` there are none. A command
is never broken, so that it can be copied; the terminal itself may wrap it. `make docs` writes this page, and a test
compares it.
"""
_CONTROL: Final = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\x1b[=>]|\r|\n|\x07|[^\x1b\r\n\x07]")


def take(columns: int, command: list[str], typed: Mapping[str, str] | None = None, **environment: str) -> list[str]:
    """Run *command* on a terminal of so many columns, and return the lines that are on it in the end.

    Args:
        columns: the terminal's width.
        command: the program and its arguments.
        typed: what a person types, each after the text that is waited for.
        environment: added to the process's own.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 100, columns, 0, 0))
    variables = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "100"} | environment
    with subprocess.Popen(
        command, stdin=writer, stdout=writer, stderr=writer, env=variables, start_new_session=True
    ) as process:
        os.close(writer)
        shown = _read(reader, dict(typed or {}))
    os.close(reader)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, shown)
    return draw(shown, columns)


def _read(reader: int, typed: dict[str, str]) -> str:
    shown, read_to, end = "", 0, time.monotonic() + _PATIENCE_S
    while select.select([reader], [], [], max(0.0, end - time.monotonic()))[0]:
        try:
            shown += os.read(reader, 65536).decode("utf-8", "replace")
        except OSError:  # on Linux, what a terminal says once its program has ended
            return shown
        awaited = next(iter(typed), None)
        if awaited is not None and awaited in shown[read_to:]:
            read_to = len(shown)
            os.write(reader, typed.pop(awaited).encode())
    raise TimeoutError(shown)


class _Drawing:
    """What a terminal shows: the few control sequences that our commands send are understood."""

    def __init__(self, columns: int) -> None:
        self.rows: list[list[str]] = [[]]
        self._columns = columns
        self._row = self._column = 0

    def put(self, text: str) -> None:
        """Draw one character."""
        if self._column == self._columns:
            self.move(1)
            self._column = 0
        row = self.rows[self._row]
        row.extend(" " * (self._column - len(row)))
        row[self._column : self._column + 1] = [text]
        self._column += 1

    def move(self, rows: int) -> None:
        """Go down, or up if negative."""
        self._row = max(0, self._row + rows)
        self.rows.extend([] for _ in range(self._row + 1 - len(self.rows)))

    def control(self, kind: str, argument: str) -> None:
        """Do what an escape sequence or a control character says."""
        row = self.rows[self._row]
        match kind:
            case "\n":
                self.move(1)
            case "\r":
                self._column = 0
            case "A":
                self.move(-int(argument or 1))
            case "C":
                self._column += int(argument or 1)
            case "K":
                del row[0 if argument == "2" else self._column :]


def draw(shown: str, columns: int) -> list[str]:
    """Return the lines that a terminal shows after *shown*."""
    drawing = _Drawing(columns)
    for match in _CONTROL.finditer(shown):
        if len(match[0]) == 1 and match[0].isprintable():
            drawing.put(match[0])
        else:
            drawing.control(match[2] or match[0], match[1] or "")
    text = "\n".join("".join(row).rstrip() for row in drawing.rows)
    return text.rstrip().splitlines()


def take_chat(columns: int) -> list[str]:
    """Return a conversation with the playground."""
    from aura_browser.playground import serve_in_thread
    from tests.parts.cached import cache_session

    with serve_in_thread() as site, tempfile.TemporaryDirectory() as state:
        cache_session(Path(state), site.origin)
        command = [*choose_python(), "aura_browser", "chat", "--url", site.origin]
        typed = {"you:  ": "Why is the sky blue?\n", "you:": "\x04"}
        return take(columns, command, typed, XDG_STATE_HOME=state)


def take_shown(name: str) -> Callable[[int], list[str]]:
    """Return a function that returns the screen *name*, which a process of its own prints."""
    return lambda columns: take(columns, [*choose_python(), "tests.parts.screens", "show", name])


def take_demo(columns: int) -> list[str]:
    """Return the demo; it needs Chrome."""
    shown = "\n".join(take(columns, [sys.executable, "-m", "aura_browser", "demo"]))
    # Only root gets this one.
    return re.sub(r"WARNING: Running as root[^.]*without\s+it\.\n", "", shown).splitlines()


SCREENS: Final[Mapping[str, Callable[[int], list[str]]]] = {
    "aura-browser chat": take_chat,
    "aura-browser harvest URL --interactive --until cookie:session -o session.json": take_shown("harvest"),
    "aura-browser sessions list": take_shown("list"),
    "aura-browser doctor": take_shown("doctor"),
    "aura-browser demo": take_demo,
}
"""Each command with what shows its screen at a width."""


def render_page() -> Iterator[str]:
    """Yield the page in pieces."""
    yield _INTRO
    for command, screen in SCREENS.items():
        yield f"\n## {command.removeprefix('aura-browser ').partition(' ')[0]}\n\n`{command}`\n"
        for columns in WIDTHS:
            yield f"\n{columns} columns:\n\n```text\n" + "\n".join(screen(columns)) + "\n```\n"


def _show(name: str) -> None:
    {"harvest": _show_harvest, "list": _show_list, "doctor": _show_doctor}[name]()


def _show_harvest() -> None:
    from aura_browser.cli.kept import report_kept
    from aura_browser.site import page_site
    from tests.parts.sessions import make_cookie, make_session

    os.environ |= {"HOME": "/home/ann", "XDG_STATE_HOME": "/home/ann/.local/state"}
    site = page_site("https://example.com/app")
    cookies = (make_cookie("session"), make_cookie("theme"))
    session = make_session(
        site.origin, cookies=cookies, expires_at=_NOW + 7200, verified_at=_NOW, proof="distinguished", is_login=True
    )
    report_kept(site, session, {"session": "default"}, now=_NOW, output=Path("/home/ann/session.json"))


def _show_list() -> None:
    from aura_browser.cli.screen import Screen
    from aura_browser.cli.sessions.catalogue import Entry
    from aura_browser.cli.sessions.view import print_list
    from aura_browser.store import SessionKey
    from tests.parts.sessions import make_session

    entries = [Entry("broken", problem="Not a session: malformed JSON")]
    for name, left_s in (("default", 7200.0), ("work", -60.0)):
        session = make_session(
            "https://example.com",
            harvested_at=_NOW - 9000,
            verified_at=_NOW - 600,
            expires_at=_NOW + left_s,
            proof="distinguished",
        )
        entries.append(Entry(SessionKey("https://example.com", name).slug, session=session))
    print_list(Screen(sys.stdout), entries, _NOW)


def _show_doctor() -> None:
    from aura_browser.cli.doctor import print_report
    from aura_browser.doctor.finding import Finding, build_blocker

    looked = (
        "not found (searched: AURA_BROWSER_DRIVER, drivers/bin, PATH, Selenium Manager's cache); the first harvest "
    )
    print_report(
        [
            Finding(
                "program", "ok", "aura-browser 0.1.0, selenium 4.51.0, aiohttp 3.14.5, Python 3.13.5, Linux x86_64"
            ),
            Finding("chrome", "ok", "156.0.8078.108, /usr/bin/chromium (PATH)"),
            build_blocker(
                "driver",
                looked + "would have Selenium Manager download it",
                "sudo apt-get install chromium chromium-driver",
            ),
            Finding("display", "note", "none: harvests work, but for --interactive"),
            Finding(
                "extra virtual-display",
                "note",
                "not installed, and not needed for these settings",
                "pip install 'PyVirtualDisplay>=3.0'",
            ),
            Finding("state folder", "ok", "/home/ann/.local/state/aura-browser/sessions"),
            Finding("harvest", "note", "not tried because of the problems above"),
        ]
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["show"]:
        _show(sys.argv[2])
    else:
        PAGE.write_text("".join(render_page()), "utf-8")
