"""Made-up hostile inputs: good ones that are cut, doubled, mixed and spoiled."""

import json
from random import Random
from typing import Any, Final

_MAX_TEXT_LENGTH: Final = 20_000
_MAX_JSON_LENGTH: Final = 200_000
_ODD: Final = (
    *("\x00", "\x1b[31m", "\x07", "\r", "\n", "\r\n", "\t", "\x7f", "\x9b", "\u202e", "\u2066", "\u200d", "\ufeff"),
    *("\udcff", "\ud83d", "\U0001f600", "ü", "İ", "ß", "\u2488", "\uff0e", "%", "%00", "%zz", "%ff", "\\", '"', "'"),
    *(";", ",", "=", ":", "//", "://", "@", "[", "]", "{", "}", "#", "?", "&", " ", "..", "xn--", "-1", "0", "99999"),
    *("1e400", "NaN", "null", "true", "9" * 25, "A" * 300, "[" * 500, "{'a':" * 50, "<body", "<input type=password"),
)


def spoil(random: Random, text: str) -> str:
    """Return *text* changed in a few places."""
    for _ in range(random.choice((0, 1, 1, 2, 3, 8))):
        text = text[:_MAX_TEXT_LENGTH]
        at, to = sorted((random.randint(0, len(text)), random.randint(0, len(text))))
        kind = random.randrange(5)
        if kind == 0:
            text = text[:at] + random.choice(_ODD) + text[at:]
        elif kind == 1:
            text = text[:at] + text[to:]
        elif kind == 2:
            text = text[:to] + text[at:to] * random.choice((1, 1, 2, 20)) + text[to:]
        elif kind == 3:
            text = text[:at] + chr(random.randrange(0x110000)) + text[at + 1 :]
        else:
            text = text[:at] + "".join(random.choice(_ODD) for _ in range(random.randrange(4))) + text[to:]
    return text[:_MAX_TEXT_LENGTH]


def pick_text(random: Random, corpus: tuple[str, ...]) -> str:
    """Return a spoiled text of *corpus*, or one of nothing but oddities."""
    if random.random() < 0.1:
        return "".join(random.choice(_ODD) for _ in range(random.randrange(12)))
    return spoil(random, random.choice(corpus))


def pick_bytes(random: Random, corpus: tuple[str, ...]) -> bytes:
    """Return spoiled bytes of *corpus*, now and then not UTF-8."""
    data = bytearray(pick_text(random, corpus).encode("utf-8", "surrogatepass"))
    for _ in range(random.choice((0, 0, 1, 5))):
        if data:
            data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data)


def pick_value(random: Random, depth: int = 0) -> Any:  # noqa: ANN401, PLR0911 - anything
    """Return any JSON-like value, subclasses among them."""
    kind = random.randrange(9 if depth < 3 else 7)
    match kind:
        case 0:
            return None
        case 1:
            return random.choice((True, False, 0, -1, 1, 10**30, Count(5)))
        case 2:
            return random.choice((0.0, 0.5, -0.0, 1e308, float("inf"), float("nan"), Number(0.5)))
        case 3:
            return random.choice((b"", b"\xff", bytearray(b"x"), object()))
        case 7:
            return [pick_value(random, depth + 1) for _ in range(random.randrange(4))]
        case 8:
            return {pick_text(random, ("a", "role", "content")): pick_value(random, depth + 1) for _ in range(2)}
    text = pick_text(random, ("user", "Hello", "system"))
    return random.choice((text, Text(text)))


def spoil_json(random: Random, value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return *value* with one of its parts changed, wherever it is."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        name = random.choice(list(value))
        changed = {k: v for k, v in value.items() if k != name or random.random() < 0.9}
        return changed | {spoil(random, name) if random.random() < 0.1 else name: spoil_json(random, value[name])}
    if isinstance(value, list) and value and random.random() < 0.9:
        return [spoil_json(random, each) for each in value] * random.choice((1, 1, 1, 3))
    if isinstance(value, str) and random.random() < 0.7:
        return spoil(random, value)
    return random.choice((None, 5, -1, 1e400, "", "x", [], {}, [[]], True, 2**70, [0] * 50))


def dump_json(value: Any) -> str:  # noqa: ANN401 - JSON
    """Return *value* as JSON, half surrogate pairs and infinities included."""
    return json.dumps(value, ensure_ascii=False)[:_MAX_JSON_LENGTH]


class Text(str):
    """A text of another class, which says something else when asked for its text."""

    __slots__ = ()

    def __str__(self) -> str:
        return "another text"


class Number(float):
    """A number of another class."""


class Count(int):
    """A whole number of another class."""
