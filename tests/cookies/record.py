"""What Chrome kept, as a compact file that the fast tests read."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from aura_browser.session.cookie import Cookie

PATH: Final = Path(__file__).with_name("record.json")
_DEFAULTS: Final = msgspec.to_builtins(Cookie(name="", value="", domain="x", host_only=True))


@dataclass(frozen=True)
class CaseResult:
    """What Chrome kept of one case.

    Attributes:
        at: when it was set, in epoch seconds.
        cookie: the cookie, or None.
    """

    at: float
    cookie: Cookie | None


@dataclass(frozen=True)
class StoryResult:
    """What Chrome kept of one story.

    Attributes:
        at: when the answers came, in epoch seconds.
        header: the ``Cookie`` header of a further request to the last address.
        cookies: all cookies, in order of their identities.
    """

    at: float
    header: str
    cookies: tuple[Cookie, ...]


@dataclass(frozen=True)
class Record:
    """One run: the browser's version, when it began, and what was kept, in the table's order."""

    browser: str
    now: float
    cases: tuple[CaseResult, ...]
    stories: dict[str, StoryResult]


def write_record(record: Record, origins: list[str]) -> None:
    """Write the file. Cookies that differ in their host or expiry alone are stored once."""
    known: dict[str, int] = {}
    rows: list[object] = []
    for kept, origin in zip(record.cases, origins, strict=True):
        if kept.cookie is None:
            rows.append(-1)
            continue
        number = known.setdefault(_pack(kept.cookie, urlsplit(origin).netloc), len(known))
        if kept.cookie.expires is None:
            rows.append(number)
        else:
            rows.append([number, round(kept.at - record.now, 1), round(kept.cookie.expires - record.now, 1)])
    stories = {
        name: [story.at, _squeeze(story.header), [_squeeze(msgspec.json.encode(c).decode()) for c in story.cookies]]
        for name, story in record.stories.items()
    }
    whole = {"browser": record.browser, "now": record.now, "cookies": list(known), "cases": rows, "stories": stories}
    PATH.write_text(json.dumps(whole, separators=(",", ":"), ensure_ascii=True) + "\n", "ascii")


def read_record(origins_of: Callable[[float], list[str]]) -> Record:
    """Read the file; *origins_of* gives the table's origins for the time of the run."""
    whole = json.loads(PATH.read_text("ascii"))
    now = whole["now"]
    cases = []
    for row, origin in zip(whole["cases"], origins_of(now), strict=True):
        number, *times = row if isinstance(row, list) else [row]
        cookie = None if number < 0 else _unpack(whole["cookies"][number], urlsplit(origin).netloc)
        if cookie is not None and times:
            cookie = msgspec.structs.replace(cookie, expires=now + times[1])
        cases.append(CaseResult(now + (times[0] if times else 0), cookie))
    stories = {
        name: StoryResult(at, _stretch(header), tuple(msgspec.json.decode(_stretch(c), type=Cookie) for c in cookies))
        for name, (at, header, cookies) in whole["stories"].items()
    }
    return Record(whole["browser"], now, tuple(cases), stories)


def _pack(cookie: Cookie, host: str) -> str:
    facts = msgspec.to_builtins(msgspec.structs.replace(cookie, expires=None))
    if facts["domain"] == host:
        facts["domain"] = "{host}"
    return _squeeze(json.dumps({name: value for name, value in facts.items() if value != _DEFAULTS.get(name)}))


def _unpack(text: str, host: str) -> Cookie:
    facts = _DEFAULTS | json.loads(_stretch(text))
    if facts["domain"] == "{host}":
        facts["domain"] = host
    return msgspec.convert(facts, type=Cookie)


def _squeeze(text: str) -> str:
    return re.sub(r"((?:\\u00)?\w+?)\1{99,}", lambda m: f"<{m[1]}*{len(m[0]) // len(m[1])}>", text)


def _stretch(text: str) -> str:
    return re.sub(r"<([^<>*]+)\*([0-9]+)>", lambda m: m[1] * int(m[2]), text)
