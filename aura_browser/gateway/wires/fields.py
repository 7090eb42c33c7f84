"""Reads the fields of a request's JSON, one by one, so that an error names the field and nothing is left unread."""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import msgspec

from aura_browser.gateway.wires.problem import Problem, refuse_field

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_MAX_NAMED: Final = 32
_MAX_STOPS: Final = 16
_MAX_STOP_CHARS: Final = 1000
_MAX_WHOLE: Final = 2**31 - 1

T = TypeVar("T")
Refused = Callable[[object], bool]
"""Returns whether a field's value, which is not null, can't be honoured."""


class Fields:
    """The fields of one JSON object. A null is as good as absent.

    Args:
        values: the object.
        place: its own name in the request, such as ``messages[0]``; empty for the request itself.

    Attributes:
        values: as given.
    """

    def __init__(self, values: Mapping[str, object], place: str = "") -> None:
        self.values = values
        self._place = f"{place}." if place else ""
        self._read: set[str] = set()

    @property
    def ignored(self) -> tuple[str, ...]:
        """The names of fields that nobody has read, fit for a header."""
        names = [name for name, value in self.values.items() if value is not None and name not in self._read]
        plain = [name for name in names if _NAME.fullmatch(name)][:_MAX_NAMED]
        return (*plain, *([f"and-{len(names) - len(plain)}-more"] if len(names) > len(plain) else []))

    def name(self, field: str) -> str:
        """Return the whole name of a field."""
        return f"{self._place}{field}"

    def take(self, field: str) -> object:
        """Return a field's value, whatever it is; None if it is absent."""
        self._read.add(field)
        return self.values.get(field)

    def require(self, field: str) -> object:
        """Return a field's value.

        Raises:
            Problem: if it is absent.
        """
        value = self.take(field)
        if value is None:
            raise refuse_field(self.name(field), "missing_required_parameter", "is required")
        return value

    def text(self, field: str) -> str | None:
        """Return a text, or None if it is absent; Problem for anything else."""
        value = self.take(field)
        return None if value is None else self._check(field, value, str, "a text")

    def required_text(self, field: str) -> str:
        """Return a text; Problem if it is absent or anything else."""
        return self._check(field, self.require(field), str, "a text")

    def flag(self, field: str) -> bool:
        """Return a boolean, False if it is absent; Problem for anything else."""
        value = self.take(field)
        return False if value is None else self._check(field, value, bool, "true or false")

    def number(self, field: str, low: float, high: float) -> float | None:
        """Return a number from *low* to *high*, or None if it is absent; Problem for anything else."""
        value = self.take(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refuse_field(self.name(field), "invalid_type", "must be a number")
        if not low <= value <= high:
            raise refuse_field(self.name(field), "invalid_value", f"must be from {low:g} to {high:g}")
        return value

    def whole(self, field: str) -> int | None:
        """Return a whole number of at least 1, or None if it is absent; Problem for anything else."""
        value = self.take(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise refuse_field(self.name(field), "invalid_type", "must be a whole number")
        if not 1 <= value <= _MAX_WHOLE:
            raise refuse_field(self.name(field), "invalid_value", f"must be from 1 to {_MAX_WHOLE}")
        return value

    def inner(self, field: str) -> "Fields":
        """Return the fields of an object, of an empty one if it is absent; Problem for anything else."""
        value = self.take(field)
        return as_fields({} if value is None else value, self.name(field))

    def stops(self, field: str) -> tuple[str, ...]:
        """Return the texts of a stop field: one text, or a list of up to 16; Problem for anything else."""
        value = self.take(field)
        stops = [value] if isinstance(value, str) else [] if value is None else value
        if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
            raise refuse_field(self.name(field), "invalid_type", "must be a text or a list of texts")
        if len(stops) > _MAX_STOPS or any(len(stop) > _MAX_STOP_CHARS for stop in stops):
            limits = f"may have {_MAX_STOPS} texts of up to {_MAX_STOP_CHARS} characters"
            raise refuse_field(self.name(field), "invalid_value", limits)
        return tuple(stop for stop in stops if stop)

    def refuse(self, table: Mapping[str, Refused], advice: Mapping[str, str]) -> None:
        """Refuse the fields of *table* whose values can't be honoured, and what no wire can. Others count as ignored.

        Raises:
            Problem: naming the first one.
        """
        for field, is_refused in {**_COMMON, **table}.items():
            value = self.values.get(field)
            if value is None or not is_refused(value):
                continue
            code = "unsupported_parameter" if is_refused is always else "unsupported_value"
            reason = advice.get(field) or _COMMON_ADVICE.get(
                field, "the site answers with one text only; leave this out"
            )
            raise refuse_field(self.name(field), code, f"can't be honoured: {reason}")

    def _check(self, field: str, value: object, kind: type[T], words: str) -> T:
        if not isinstance(value, kind):
            raise refuse_field(self.name(field), "invalid_type", f"must be {words}")
        return value


def is_not_one(number: object) -> bool:
    """Return whether a count is not 1."""
    return type(number) is not int or number != 1


def is_no_text_format(value: object) -> bool:
    """Return whether a format of answers is another than plain text."""
    return not (isinstance(value, dict) and value.get("type") == "text")


def always(_value: object) -> bool:
    """Refuse a field whatever its value is."""
    return True


def parse_body(body: bytes) -> Fields:
    """Return the fields of a request's body.

    Raises:
        Problem: if it is not a JSON object in UTF-8.
    """
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise Problem(400, "invalid_json", "The body is nested too deeply.", retry=False) from None
    except ValueError as error:
        reason = _find_reason(body, error)
        raise Problem(400, "invalid_json", f"The body is not JSON: {reason}.", retry=False) from None
    if not isinstance(value, dict):
        raise Problem(400, "invalid_type", "The body must be a JSON object.", retry=False)
    return Fields(value)


def _find_reason(body: bytes, error: ValueError) -> str:
    """Return why a body is no JSON; msgspec has two errors for what is not UTF-8, by its version."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return "it is not UTF-8"
    return str(error)


def as_fields(value: object, place: str) -> Fields:
    """Return the fields of an object inside a request.

    Raises:
        Problem: if it is no object.
    """
    if not isinstance(value, dict):
        raise refuse_field(place, "invalid_type", "must be an object")
    return Fields(value, place)


_STATELESS: Final = "the gateway keeps nothing; send the whole conversation"
_COMMON: Final[Mapping[str, Refused]] = {
    "n": is_not_one,
    "best_of": is_not_one,
    "echo": bool,
    "suffix": bool,
    "logprobs": bool,
    "top_logprobs": bool,
    "logit_bias": bool,
    "response_format": is_no_text_format,
    "modalities": lambda value: value != ["text"],
    "audio": always,
    "previous_response_id": always,
    "conversation": always,
    "background": bool,
}
"""Fields that would change what an answer means, on whichever wire they come."""
_COMMON_ADVICE: Final[Mapping[str, str]] = {
    "response_format": "the site has no JSON mode; ask for JSON in the prompt",
    "previous_response_id": _STATELESS,
    "conversation": _STATELESS,
    "background": _STATELESS,
}
