"""Which cookies each program sends of a session that was written for it, compared with what a browser sends."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from yarl import URL

from aura_browser.formats import Dumped, DumpOptions, dump
from aura_browser.session import Cookie, Session
from tests.formats.programs.gate import Gate
from tests.formats.programs.kinds import DEEPER, OUTSIDE, PAGE, make_cookies, make_kinds_session
from tests.formats.programs.senders import Sender

SENT: Final = "yes"
LEFT_OUT: Final = "left out"
TOO_WIDE: Final = "too wide"
CHANGED: Final = "changed"
STOPS: Final = "fails"
LOST: Final = "LOST"
_ONE_REQUEST: Final = frozenset({"curl", "header"})


class SendFailed(AssertionError):
    """A program sent no request."""


def run_sender(sender: Sender, gate: Gate, folder: Path) -> dict[str, str]:
    """Return what becomes of each kind of cookie. A kind that stops the program is left out for the others."""
    cookies = make_cookies()
    states = {}
    try:
        sent, dumped = _send(sender, gate, folder, make_kinds_session())
    except SendFailed:
        told = dump(make_kinds_session(), sender.format)
        odd = {kind: cookie for kind, cookie in cookies.items() if not cookie.value.isascii()}
        states = {kind: STOPS if _is_said(cookie, told) else LOST for kind, cookie in odd.items()}
        kept = tuple(cookie for kind, cookie in cookies.items() if kind not in states)
        sent, dumped = _send(sender, gate, folder, msgspec.structs.replace(make_kinds_session(), cookies=kept))
    return {kind: states.get(kind) or _judge(cookie, sent, dumped) for kind, cookie in cookies.items()}


def _send(sender: Sender, gate: Gate, folder: Path, session: Session) -> tuple[dict[str, set[bytes]], Dumped]:
    """Return the cookies that the program sends to each address, and what was written for it."""
    urls = [PAGE] if sender.format in _ONE_REQUEST else [PAGE, DEEPER, OUTSIDE]
    dumped = dump(session, sender.format, DumpOptions(url=PAGE if sender.format in _ONE_REQUEST else None))
    file = folder / f"session-{sender.format}"
    file.write_text(dumped.text, "utf-8")
    gate.seen.clear()
    shown = sender.send(file, gate, urls)
    sent = {}
    for url in urls:
        header = gate.find(url)
        if header is None:
            raise SendFailed(f"{sender.name} sent no request to {url}: {shown}")
        sent[url] = {pair.strip() for pair in header.split(b";")}  # aria2 leaves out the space
    return sent, dumped


def _judge(cookie: Cookie, sent: Mapping[str, set[bytes]], dumped: Dumped) -> str:
    pair = (f"{cookie.name}={cookie.value}" if cookie.name else cookie.value).encode()
    if pair not in sent[PAGE]:
        if any(each.startswith(f"{cookie.name}=".encode()) for each in sent[PAGE] if cookie.name):
            return CHANGED
        return LEFT_OUT if _is_said(cookie, dumped) else LOST
    now = time.time()
    for url in (DEEPER, OUTSIDE):
        if url in sent and (pair in sent[url]) != cookie.goes_to(URL(url), now):
            return TOO_WIDE if pair in sent[url] else LOST
    return SENT


def _is_said(cookie: Cookie, dumped: Dumped) -> bool:
    name = cookie.name or "(no name)"
    told = (*dumped.left_out, *dumped.notes)
    return any(name in sentence.rpartition(": ")[2].split(", ") for sentence in told)
