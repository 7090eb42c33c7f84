"""The files with a session that a program is given, and where their paths stand: in variables and placeholders."""

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from aura_browser.formats import DumpOptions, dump
from aura_browser.formats.dumped import describe_rest
from aura_browser.formats.netrc import write_netrc
from aura_browser.session import Session
from aura_browser.webdriver.process.environment import copy_environment

ORIGIN_VARIABLE: Final = "AURA_ORIGIN"


class Kind(msgspec.Struct, frozen=True):
    """A file for programs.

    Attributes:
        format: the name of its format.
        file: the name of the file.
        variable: the environment variable that holds its path.
        placeholder: what is replaced by its path in the command, with braces around it.
    """

    format: str
    file: str
    variable: str
    placeholder: str


KINDS: Final[Mapping[str, Kind]] = {
    kind.format: kind
    for kind in (
        Kind("netscape", "cookies.txt", "AURA_COOKIES_TXT", "{cookies}"),
        Kind("curl", "curl.conf", "AURA_CURL_CONFIG", "{curl}"),
        Kind("storage-state", "state.json", "AURA_STORAGE_STATE", "{state}"),
        Kind("httpie", "httpie.json", "AURA_HTTPIE_SESSION", "{httpie}"),
        Kind("header", "headers.txt", "AURA_HEADERS", "{header}"),
        Kind("cookie-editor", "cookie-editor.json", "AURA_COOKIE_EDITOR", "{cookie-editor}"),
        Kind("tough-cookie", "tough-cookie.json", "AURA_TOUGH_COOKIE", "{tough-cookie}"),
        Kind("flaresolverr", "flaresolverr.json", "AURA_FLARESOLVERR", "{flaresolverr}"),
        Kind("session", "session.json", "AURA_SESSION", "{session}"),
    )
}
"""What a program can be given, by the name of its format."""

# Some programs load no cookies without an end. The files live no longer than the program, so it need not be right.
_SESSION_DAYS: Final = 1.0
USUAL: Final = tuple(KINDS[name] for name in ("netscape", "curl", "storage-state", "httpie"))
"""What a program is given if nothing says what it needs."""


@dataclass(frozen=True)
class Given:
    """A file that a program was given.

    Attributes:
        kind: what it is.
        path: where it is.
        text: what was written there.
        left_out: which cookies of the session are not in it, or what else one would expect there.
        notes: what is in it, and works otherwise in some of the programs that read it.
    """

    kind: Kind
    path: Path
    text: str = field(repr=False)
    left_out: tuple[str, ...]
    notes: tuple[str, ...]

    def read_change(self) -> str | None:
        """Return what the program wrote there instead; None if it wrote nothing else, or left no file there."""
        from aura_browser.formats.recognition import MAX_SIZE

        try:
            # A program may leave a pipe in its place, which nobody writes to, or a link to a file of its own.
            handle = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError:
            return None
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            return None
        with os.fdopen(handle, "rb") as file:
            text = file.read(MAX_SIZE + 1).decode("utf-8", "replace")
        return None if text == self.text else text


def choose_kinds(formats: Sequence[str], command: Iterable[str]) -> list[Kind]:
    """Return what to write: *formats* and those whose placeholders stand in *command*; if neither, the usual ones.

    Args:
        formats: keys of :data:`KINDS`.
        command: the program and its arguments.
    """
    words = list(command)
    named = [kind for kind in KINDS.values() if any(kind.placeholder in word for word in words)]
    chosen = {kind.format: kind for kind in (*(KINDS[name] for name in formats), *named)}
    return list(chosen.values()) or list(USUAL)


def write_files(folder: Path, session: Session, kinds: Sequence[Kind]) -> list[Given]:
    """Write *session* into *folder* once for each of *kinds*, each file with mode 0600 from its first byte on."""
    by_format = {kind.format: kind for kind in kinds}
    # curl's configuration names the files with cookies and a password, so that each goes to its own host only.
    netrc = None
    if "curl" in by_format:
        by_format = {"netscape": KINDS["netscape"], **by_format}
        netrc = _write_netrc(folder / "netrc", session)
    cookies = str(folder / KINDS["netscape"].file)
    options = DumpOptions(session_days=_SESSION_DAYS, cookie_file=cookies, netrc_file=netrc, keeps_bound=True)
    return [_write(folder / kind.file, kind, session, options) for kind in by_format.values()]


def _write_netrc(path: Path, session: Session) -> str | None:
    text = write_netrc(session)
    if text is None:
        return None
    _create(path, text)
    return str(path)


def _create(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def _write(path: Path, kind: Kind, session: Session, options: DumpOptions) -> Given:
    dumped = dump(session, kind.format, options)
    _create(path, dumped.text)
    # That a file with cookies has no headers and no storage is known to whoever asks for one.
    rest = set(describe_rest(session, proxy=False))
    return Given(kind, path, dumped.text, tuple(each for each in dumped.left_out if each not in rest), dumped.notes)


def fill_in(command: Sequence[str], files: Iterable[Given]) -> list[str]:
    """Return *command* with the paths of *files* in place of their placeholders."""
    filled = list(command)
    for each in files:
        filled = [word.replace(each.kind.placeholder, str(each.path)) for word in filled]
    return filled


def build_environment(session: Session, files: Iterable[Given]) -> dict[str, str]:
    """Return the program's environment: this process's, without what is aura-browser's own, and with the paths."""
    paths = {each.kind.variable: str(each.path) for each in files}
    return {**copy_environment(), ORIGIN_VARIABLE: session.origin, **paths}
