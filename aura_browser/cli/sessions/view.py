"""How sessions are shown: a table, a description, JSON. Values of cookies and local storage are never shown."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from aura_browser.cli.sessions.catalogue import MAX_PROBLEM_LENGTH, Entry
from aura_browser.proxy.address import without_password
from aura_browser.session.browser import describe_bound
from aura_browser.session.state import read_state
from aura_browser.text import clean_text, format_duration, redact_url

if TYPE_CHECKING:
    from aura_browser.cli.screen import Screen
    from aura_browser.cli.sessions.checking import Checked
    from aura_browser.session import Cookie, Session
    from aura_browser.session.session import Proof

HEADINGS: Final = ("SLUG", "ORIGIN", "AGE", "EXPIRES", "COOKIES", "PROOF", "VERIFIED", "FINGERPRINT")

_PROOFS: Final = {
    "distinguished": "the site answers otherwise without it",
    "open": "anybody gets the same answer",
    "unproven": "nothing is known that proves it",
}

UNKNOWN: Final = {
    "cookie_attributes": "which hosts get its cookies and when they expire; both are guesses",
    "user_agent": "the browser's user agent",
    "local_storage": "the browser's local storage",
}
"""What an imported session's file did not say, in words."""


def build_facts(entry: Entry, now: float) -> dict[str, Any]:
    """Return one session as in the JSON list; times in epoch seconds. Its state is that of the last proof."""
    session = entry.session
    if session is None:
        return {"slug": entry.slug, "state": None, "problem": entry.problem}
    return {
        "slug": entry.slug,
        "origin": session.origin,
        "state": read_state(session, now),
        "harvested_at": session.harvested_at,
        "expires_at": session.expires_at,
        "verified_at": session.verified_at,
        "proof": session.proof,
        "login": _describe_login(session),
        "generation": session.generation,
        "cookies": len(session.cookies),
        "fingerprint": session.fingerprint,
    }


def build_row(entry: Entry, now: float) -> tuple[str, ...]:
    """Return the table row of one session, under :data:`HEADINGS`."""
    session = entry.session
    if session is None:
        return entry.slug, f"can't be read: {entry.problem}"
    return (
        entry.slug,
        session.origin,
        format_duration(now - session.harvested_at),
        _format_until(session.expires_at, now),
        str(len(session.cookies)),
        session.proof,
        _format_since(session.verified_at, now),
        session.fingerprint,
    )


def describe(slug: str, session: "Session", now: float) -> list[tuple[str, ...]]:
    """Return what ``show`` prints of one session: rows of a name and a text."""
    return [
        ("slug", slug),
        ("origin", session.origin),
        ("url", redact_url(session.url)),
        ("proxy", without_password(session.proxy) if session.proxy else "-"),
        ("browser", f"{session.browser.name} {session.browser.version}"),
        ("user agent", session.user_agent),
        ("headers", ", ".join(session.headers)),
        *(("unknown", UNKNOWN[name]) for name in session.unknown),
        ("harvested", _format_since(session.harvested_at, now)),
        ("verified", _format_since(session.verified_at, now)),
        ("proof", describe_proof(session.proof)),
        ("probe", redact_url(session.probe) if session.probe else "-"),
        ("login", _describe_login(session)),
        ("generation", str(session.generation)),
        ("expires", _format_until(session.expires_at, now)),
        ("fingerprint", session.fingerprint),
        *([("device-bound", describe_bound(session.device_bound))] if session.device_bound else []),
        *(("cookie", _describe_cookie(cookie, now)) for cookie in session.cookies),
        *(("local storage", key) for key in session.local_storage),
    ]


def describe_proof(proof: "Proof") -> str:
    """Return what a proof says, in words."""
    return f"{proof} ({_PROOFS[proof]})"


def format_state(checked: "Checked", width: int) -> str:
    """Return the line of one session that was checked; *width* is that of the longest slug."""
    state = checked.state or "can't be read"
    reason = clean_text(checked.reason, MAX_PROBLEM_LENGTH)
    return f"{clean_text(checked.entry.slug):<{width}}  {state}{reason and f': {reason}'}"


def build_state(checked: "Checked") -> dict[str, Any]:
    """Return what was found of one session, as in JSON."""
    if checked.entry.session is None:
        return {"slug": checked.entry.slug, "state": None, "problem": checked.reason}
    return {
        "slug": checked.entry.slug,
        "origin": checked.entry.session.origin,
        "state": checked.state,
        "reason": checked.reason,
    }


def align(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return *rows* as lines with aligned columns; the last cell of a row may have any length."""
    cleaned = [tuple(clean_text(cell, MAX_PROBLEM_LENGTH) for cell in row) for row in rows]
    columns = max(map(len, cleaned), default=0)
    widths = [max((len(row[n]) for row in cleaned if n < len(row) - 1), default=0) for n in range(columns)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in cleaned]


def print_list(screen: "Screen", entries: Sequence[Entry], now: float) -> None:
    """Print all *entries* as a table; where it would not fit, each as a block of lines."""
    rows = [HEADINGS, *(build_row(entry, now) for entry in entries)]
    lines = align(rows)
    if screen.width is None or max(map(len, lines)) <= screen.width:
        for number, line in enumerate(lines):
            screen.print((line, "name" if number == 0 else _style(rows[number])))
        return
    for row in rows[1:]:
        screen.print((clean_text(row[0], MAX_PROBLEM_LENGTH), _style(row) or "name"))
        facts = [row[1]] if len(row) < len(HEADINGS) else [f"{row[1]},", *_describe_facts(row)]
        screen.print_wrapped(("  ", ""), text=clean_text(" ".join(facts), MAX_PROBLEM_LENGTH))


def _describe_facts(row: tuple[str, ...]) -> list[str]:
    named = zip(HEADINGS[2:], row[2:], strict=True)
    facts = [cell if cell == "expired" else f"{name.lower()} {cell}" for name, cell in named if cell != "-"]
    return [*(f"{fact}," for fact in facts[:-1]), facts[-1]]


def _style(row: tuple[str, ...]) -> str:
    """Return what a row means: a session that can't be read or is over, or nothing to mention."""
    if len(row) < len(HEADINGS):
        return "bad"
    return "note" if row[HEADINGS.index("EXPIRES")] == "expired" else ""


def _describe_login(session: "Session") -> str:
    """Return whether it is a person's login: a person logged in for it, or it was proven to be one."""
    if session.is_login or session.proof == "distinguished":
        return "yes"
    return "unknown" if session.is_login is None else "no"


def _describe_cookie(cookie: "Cookie", now: float) -> str:
    flags = (
        "host-only" if cookie.host_only else "",
        "secure" if cookie.secure else "",
        "httpOnly" if cookie.http_only else "",
        f"sameSite={cookie.same_site}" if cookie.same_site else "",
        f"partition={cookie.partition_key}" if cookie.partition_key else "",
        "" if cookie.expires is None else f"expires {_format_until(cookie.expires, now)}",
    )
    return " ".join((cookie.name or "(no name)", cookie.domain, cookie.path, *filter(None, flags)))


def _format_since(then: float | None, now: float) -> str:
    return "-" if then is None else f"{format_duration(now - then)} ago"


def _format_until(then: float | None, now: float) -> str:
    if then is None:
        return "-"
    return f"in {format_duration(then - now)}" if then > now else "expired"
