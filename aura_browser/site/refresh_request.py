"""A request that renews a session without a browser, such as a refresh grant (RFC 6749 section 6)."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec

from aura_browser.session.times import MAX_SECONDS
from aura_browser.site.place import Template, read_time

if TYPE_CHECKING:
    from aura_browser.session import Session

Field = str | Template
"""What a field says: a text, or one with places of the session."""

_ENDS: Final = ("expires", "expires_at", "expiresAt")
_MS: Final = 1000


class RefreshRequest(msgspec.Struct, frozen=True):
    """A request whose answer renews the session.

    Attributes:
        path: where it is posted to.
        form: the fields of a form; or
        json: those of a JSON object.
        headers: besides the session's own.
        into: the key of the local storage whose JSON object takes the answer's keys; empty if the answer sets cookies.
    """

    path: str
    form: Mapping[str, Field] = msgspec.field(default_factory=dict)
    json: Mapping[str, Field] = msgspec.field(default_factory=dict)
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    into: str = ""

    def __repr__(self) -> str:
        return f"RefreshRequest(path={self.path!r})"  # the rest may be secret

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return [("path", self.path)]

    def build_body(self, session: "Session") -> tuple[str, bytes] | None:
        """Return the type and the bytes to send; None if *session* does not have what belongs there."""
        fields = self.form or self.json
        filled = {name: _fill(value, session) for name, value in fields.items()}
        if None in filled.values():
            return None
        if self.json:
            return "application/json", json.dumps(filled).encode()
        return "application/x-www-form-urlencoded", urlencode(filled).encode()

    def fold(self, session: "Session", answer: bytes, now: float) -> "Session | None":
        """Return *session* with what a good answer brought; None if it did not bring what it should.

        Args:
            session: the session, its cookies folded already.
            answer: the body.
            now: epoch seconds, from which ``expires_in`` counts.
        """
        if not self.into:
            return session
        try:
            brought = json.loads(answer)
        except (ValueError, RecursionError):
            return None
        if not isinstance(brought, dict):
            return None
        merged = {**_read_object(session.local_storage.get(self.into, "")), **brought}
        _move_end(merged, brought, now)
        storage = {**session.local_storage, self.into: json.dumps(merged)}
        return msgspec.structs.replace(session, local_storage=storage)


def _fill(value: Field, session: "Session") -> str | None:
    return value.fill(session) if isinstance(value, Template) else value


def _read_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _move_end(merged: dict[str, Any], brought: Mapping[str, Any], now: float) -> None:
    """Set the end that a page keeps beside a token, in its own unit, if the answer says only how long it lasts."""
    lasts_s = brought.get("expires_in")
    if not isinstance(lasts_s, int | float) or isinstance(lasts_s, bool):
        return
    for name in _ENDS:
        if name not in brought and isinstance(merged.get(name), int | float) and read_time(merged[name]) is not None:
            end = now + lasts_s
            merged[name] = round(end * _MS) if merged[name] > MAX_SECONDS else round(end)
