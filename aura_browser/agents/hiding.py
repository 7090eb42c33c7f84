"""Takes a session's secrets out of text that an agent gets to see."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

from aura_browser.agents.spellings import list_encodings, replace_spellings
from aura_browser.session import Session
from aura_browser.session.headers import SECRET_HEADERS

HIDDEN: Final = "[hidden]"

_MIN_LENGTH: Final = 6  # what is shorter is no secret, and stands in any text
_MIN_STORED_LENGTH: Final = 12  # storage holds words of the page too
_MAX_DEPTH: Final = 8
_ENTRIES: Final = frozenset({"localStorage", "sessionStorage"})
_MAX_STORED_DEPTH: Final = 40  # Playwright's form of what a database holds adds levels
_TOKEN: Final = re.compile(r"(?!\w+://)[!-~]{20,}")  # no address, and no spaces


def hide_secrets(text: str, *sessions: Session) -> str:
    """Return *text* with the values of cookies, tokens and storage of *sessions* replaced, in any spelling."""
    secrets = {form for session in sessions for secret in _list_secrets(session) for form in _list_forms(secret)}
    for secret in sorted(secrets, key=len, reverse=True):
        text = replace_spellings(text, secret, HIDDEN)
    return text


def _list_secrets(session: Session) -> Iterator[str]:
    short = [cookie.value for cookie in session.cookies]
    short += [value for name, value in session.headers.items() if name.lower() in SECRET_HEADERS]
    short += [*session.tokens.values(), *([session.proxy] if session.proxy and "@" in session.proxy else [])]
    yield from (value for value in short if len(value) >= _MIN_LENGTH)
    for value in session.local_storage.values():
        yield from (part for part in _list_parts(value) if len(part) >= _MIN_STORED_LENGTH)
    yield from _list_further(session.extra_storage.get("origins"))


def _list_further(origins: object) -> Iterator[str]:
    """Yield the secrets of the browser's further storage; of databases, which hold what pages show too, tokens only."""
    for origin in origins if isinstance(origins, list | tuple) else ():
        for name, part in origin.items() if isinstance(origin, dict) else ():
            if name in _ENTRIES:
                entries = part if isinstance(part, list | tuple) else ()
                values = [entry.get("value") for entry in entries if isinstance(entry, dict)]
                texts = (piece for value in values if isinstance(value, str) for piece in _list_parts(value))
                yield from (text for text in texts if len(text) >= _MIN_STORED_LENGTH)
            else:  # an origin is an address, and no token
                yield from (text for text in _list_texts(part, _MAX_STORED_DEPTH) if _TOKEN.fullmatch(text))


def _list_parts(value: str) -> Iterator[str]:
    """Yield *value*, and the texts in it if it is JSON, as apps store their tokens."""
    yield value
    if value[:1] in {"{", "["}:
        try:
            yield from _list_texts(json.loads(value), _MAX_DEPTH)
        except (ValueError, RecursionError):
            return


def _list_texts(value: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _list_texts(each, depth - 1)


def _list_forms(secret: str) -> Iterator[str]:
    """Yield *secret*, what it stands for if it is percent-encoded, and both encoded."""
    for form in {secret, unquote(secret)}:
        if len(form) >= _MIN_LENGTH:
            yield from (form, *list_encodings(form))
