"""Reads ``sites.toml``: a person's own sites, one table each. An error names the file, the line and the key."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

from aura_browser.errors import InvalidConfiguration, InvalidInput, raise_alone
from aura_browser.site.definition import BadValue, build_site
from aura_browser.site.site import Site
from aura_browser.site.tables import TABLES, Definition
from aura_browser.text import clean_text

NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")

_MAX_BYTES: Final = 2**20
_MAX_LINES_SEARCHED: Final = 3000
_SYNTAX_PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_PLACE: Final = re.compile(r" - at `(?:key in `)?\$(.*?)`?`?$")
_UNKNOWN: Final = re.compile(r"unknown field `(.*)`")
_REQUIRED: Final = re.compile(r"required field `(.*)`")
_TYPES: Final = re.compile(r"Expected `(.*)`, got `(.*)`")
_KINDS: Final = {"str": "text", "object": "a table", "array": "a list", "int": "a number", "float": "a number"}


def read_sites_file(path: Path) -> Mapping[str, Site]:
    """Return the sites in the file at *path*, by name; none if there is none. An unchanged file is read once.

    Raises:
        InvalidConfiguration: naming file, line and key, if it can't be read or something in it can't work.
    """
    try:
        facts = path.stat()
        return _read_version(path, (facts.st_ino, facts.st_mtime_ns, facts.st_size))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidConfiguration(str(path), None, "", f"it can't be read: {error.strerror}") from None


@lru_cache(maxsize=1)
def _read_version(path: Path, _version: tuple[int, ...]) -> Mapping[str, Site]:
    with path.open("rb") as file:
        return parse_sites(file.read(_MAX_BYTES + 1), path)


def parse_sites(data: bytes, path: Path) -> Mapping[str, Site]:
    """Return the sites that *data* describes, by name; see :func:`read_sites_file`.

    Args:
        data: the file's bytes.
        path: the file, for errors.
    """
    if len(data) > _MAX_BYTES:
        raise InvalidConfiguration(str(path), None, "", "it is over 1 MiB")
    text = _decode(data, path)
    tables = _load(text, path)
    sites: dict[str, Site] = {}
    for name, table in tables.items():
        try:
            sites[name] = build_site(name, _convert(name, table))
        except BadValue as error:
            key = (name, *error.key)
            shown = clean_text(".".join(key), 80)
            raise_alone(InvalidConfiguration(str(path), _find_line(text, key), shown, error.problem))
    return sites


def check_name(name: str) -> str:
    """Return *name* if a site may be called so.

    Raises:
        InvalidInput: for another form, and for ``localhost``.
    """
    if NAME.fullmatch(name) is None or name == "localhost":
        form = "lower-case letters, digits and hyphens, not localhost"
        raise InvalidInput("name", f"{clean_text(name, 40)!r} is not a site's name: {form}")
    return name


def _decode(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise_alone(InvalidConfiguration(str(path), line, "", "it is not UTF-8 text"))


def _load(text: str, path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        place = _SYNTAX_PLACE.search(str(error))
        line = int(place[1]) if place and place[1] else text.rstrip().count("\n") + 1
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        problem = f"it is not TOML: {clean_text(_SYNTAX_PLACE.sub('', reason), 120)}"
        raise_alone(InvalidConfiguration(str(path), line, "", problem))


def _convert(name: str, table: object) -> Definition:
    try:
        check_name(name)
    except InvalidInput as error:
        raise BadValue((), error.problem) from None
    if not isinstance(table, dict):
        raise BadValue((), f"must be a table, such as [{name}]")
    try:
        return msgspec.convert(table, Definition)
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from None


def _explain(message: str) -> BadValue:
    """Return what msgspec says of a table, with the key and the nearest right key."""
    place = _PLACE.search(message)
    problem = message[: place.start()] if place else message
    key = tuple(re.findall(r"[\w-]+", re.sub(r"\[.*?\]", "", place[1]))) if place else ()
    if unknown := _UNKNOWN.search(problem):
        kind = TABLES.get(key)
        known = kind.__struct_fields__ if kind else ()
        return BadValue((*key, unknown[1]), f"there is no such key{_name_nearest(unknown[1], known)}")
    if required := _REQUIRED.search(problem):
        return BadValue(key, f"the key {required[1]} is missing")
    if types := _TYPES.fullmatch(problem):
        kinds = [_KINDS.get(kind, kind) for kind in types[1].split(" | ") if kind != "null"]
        return BadValue(key, f"must be {' or '.join(kinds)}, not {_KINDS.get(types[2], types[2])}")
    return BadValue(key, clean_text(problem.replace("`", ""), 120))


def _name_nearest(key: str, known: Sequence[str]) -> str:
    near = get_close_matches(key, known, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; the keys are {', '.join(known)}"


def _find_line(text: str, key: Sequence[str]) -> int | None:
    """Return the line, from 1, on which *key* begins: after the last beginning of the text that is TOML without it."""
    lines = text.splitlines(keepends=True)
    if len(lines) > _MAX_LINES_SEARCHED:
        return None
    line = 1
    for count in range(1, len(lines) + 1):
        try:
            part: object = tomllib.loads("".join(lines[:count]))
        except (ValueError, RecursionError):
            continue  # in the middle of a value
        if _has_key(part, key):
            return line
        line = count + 1
    return None


def _has_key(table: object, key: Sequence[str]) -> bool:
    for part in key:
        if not isinstance(table, dict) or part not in table:
            return False
        table = table[part]
    return True
