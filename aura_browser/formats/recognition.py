"""Recognises what a file is, by what it holds, and reads it."""

from dataclasses import dataclass
from typing import Final

from aura_browser.errors import ImportFailed
from aura_browser.formats import age, cookie_header, copied_session, json_file, netscape
from aura_browser.formats.building import build_session
from aura_browser.formats.content import Content
from aura_browser.formats.copied import recognise
from aura_browser.formats.file import File, refuse_file
from aura_browser.session import Session
from aura_browser.session.times import correct_times

MAX_SIZE: Final = 200 * 2**20
"""The largest file that is read, in bytes."""

_SQLITE: Final = b"SQLite format 3"
_FIREFOX_TABLE: Final = b"CREATE TABLE moz_cookies"
_SCHEMA_SIZE: Final = 2**16
_FIREFOX_PROBLEM: Final = "a copy of it lacks what Firefox has not written there yet"
_FIREFOX_ADVICE: Final = "In Firefox's developer tools, under Network, copy a request as cURL, and import that."
_OTHER_FILES: Final = (
    (
        (_SQLITE,),
        "a browser's database of cookies",
        "Chrome encrypts the values",
        "Use that browser itself: aura-browser harvest URL --attach chrome",
    ),
    (
        (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
        "a pickle",
        "reading it would run whatever code is in it",
        "In the program that wrote it, use: json.dump(driver.get_cookies(), file)",
    ),
    (
        (b"aura-browser-encrypted-",),
        "a stored session of aura-browser",
        "it is encrypted for the store that it is in",
        "On the machine that has the key, run: aura-browser sessions export NAME -o session.json",
    ),
    ((b"-----BEGIN PGP", b"Salted__"), "an encrypted file", "it can't be decrypted here", "Decrypt it first."),
    (
        (b"\x1f\x8b", b"PK\x03\x04", b"\xfd7zXZ", b"7z\xbc\xaf"),
        "a packed file",
        "it is not unpacked here",
        "Unpack it first.",
    ),
)
"""What may hold a session and can't be read here: how it begins, what it is, why, and the way that works."""


@dataclass(frozen=True)
class Loaded:
    """A session that was read from a file.

    Attributes:
        kind: what the file was recognised as, such as ``a cookies.txt``.
        session: the session of one site in it.
        left_out: what of the file is not in the session: one sentence each, without values.
    """

    kind: str
    session: Session
    left_out: tuple[str, ...] = ()


def load(data: bytes, *, now: float, url: str | None = None, user_agent: str | None = None) -> Loaded:
    """Return the session in *data*, whichever of the known programs wrote it.

    Args:
        data: the file's bytes.
        now: epoch seconds.
        url: a page of the site; needed if the file is of several sites, or does not say of which.
        user_agent: what the browser sends with every request, where the file does not say it.

    Raises:
        ImportFailed: if it is of no known form, or no session can be made of it.
        SessionFormatError: if it is a session of aura-browser that can't be read.
    """
    _refuse_other_bytes(data)
    file = File(data.removeprefix(b"\xef\xbb\xbf"), url, now)
    start = file.data.lstrip()[:1]
    if not start:
        refuse_file("it is empty")
    kind, content = json_file.load(file) if start in {b"{", b"["} else _read_text(file)
    session, left_out = build_session(content, kind, url=url, user_agent=user_agent, now=now)
    return Loaded(kind, correct_times(session, now), left_out)


def _refuse_other_bytes(data: bytes) -> None:
    """Refuse what may hold a session, but can't be read here.

    Raises:
        ImportFailed: with the way that works.
    """
    if len(data) > MAX_SIZE:
        raise ImportFailed("This file", "", f"it is larger than {MAX_SIZE // 2**20} MiB", "Export only what is needed.")
    if age.is_encrypted(data):
        raise ImportFailed(age.TITLE, "", "it is encrypted", "Decrypt it first, with age.decrypt.")
    if data.startswith(_SQLITE) and _FIREFOX_TABLE in data[:_SCHEMA_SIZE]:
        raise ImportFailed("Firefox's database of cookies", "", _FIREFOX_PROBLEM, _FIREFOX_ADVICE)
    for magics, kind, problem, advice in _OTHER_FILES:
        if data.startswith(magics):
            raise ImportFailed(kind, "", problem, advice)


def _read_text(file: File) -> tuple[str, Content]:
    try:
        text = file.data.decode()
    except UnicodeDecodeError:
        refuse_file("it is neither JSON nor text in UTF-8")
    if netscape.is_such(text):
        return netscape.TITLE, netscape.load(text)
    if copied := recognise(text):
        return copied_session.TITLES[copied], copied_session.load(text, copied, file.url)
    if not cookie_header.is_such(text):
        refuse_file("it is of no known form")
    return cookie_header.TITLE, cookie_header.load(text, file.url)
