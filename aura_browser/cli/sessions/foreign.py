"""Recognises files that people take for a session of this program, and says what to do."""

from typing import Final

_NETSCAPE: Final = (b"# Netscape HTTP Cookie File", b"# HTTP Cookie File")
_HINT: Final = "Import takes what this wrote: aura-browser harvest URL -o session.json"
_COLUMNS: Final = 7  # of a cookies.txt


def explain_foreign(data: bytes) -> str:
    """Return what *data* is and what to do, if it is no session of this program but known; empty otherwise."""
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return f"the file is empty. {_HINT}"
    if text.startswith(_NETSCAPE) or _is_table(text):
        return f"this is a cookies.txt, which holds cookies without headers. {_HINT}"
    if text.startswith(b"["):
        return f"this is a list, as browser extensions export cookies. {_HINT}"
    if text.startswith(b"SQLite format 3"):
        return f"this is a browser's own database of cookies, encrypted by that browser. {_HINT}"
    if not text.startswith(b"{"):
        return f"this is not JSON. {_HINT}"
    return ""


def _is_table(text: bytes) -> bool:
    lines = [line for line in text.splitlines()[:20] if line and not line.startswith(b"#")]
    return bool(lines) and all(line.count(b"\t") == _COLUMNS - 1 for line in lines)
