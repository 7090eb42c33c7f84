"""Recognises what a JSON file is by its keys, and reads it."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from aura_browser.errors import ImportFailed
from aura_browser.formats import cookie_json, flaresolverr, har, httpie, storage_state
from aura_browser.formats.content import Content
from aura_browser.formats.file import File, refuse_file
from aura_browser.session import Session

OWN_TITLE: Final = "a session of aura-browser"

_Fields = dict[str, Any]
_MAX_KEYS_AROUND: Final = 4
_MAX_SIZE: Final = 32 * 2**20
_HAR_START: Final = re.compile(rb'\s*\{\s*"log"\s*:\s*\{')


def load(file: File) -> tuple[str, Content]:
    """Return what the file is, and what it holds.

    Raises:
        ImportFailed: if it is of no known form.
        SessionFormatError: if it is a session of aura-browser that can't be read.
    """
    if _HAR_START.match(file.data):
        return _read_har({}, file)  # which reads only what it needs of hundreds of megabytes
    if len(file.data) > _MAX_SIZE:
        refuse_file(f"it is larger than {_MAX_SIZE // 2**20} MiB, and no HAR")
    try:
        value = _unwrap(msgspec.json.decode(file.data))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        refuse_file("it is malformed JSON")
    if isinstance(value, list):
        return _read_list(value)
    return next((read(value, file) for is_such, read in _KINDS if is_such(value)), None) or refuse_file(
        "it is JSON of no known form"
    )


def _unwrap(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return what an answer of WebDriver or of CDP holds, if it is one as it came."""
    if isinstance(value, dict) and len(value) <= _MAX_KEYS_AROUND:
        return next((value[key] for key in ("value", "result") if isinstance(value.get(key), list | dict)), value)
    return value


def _read_list(items: list[Any]) -> tuple[str, Content]:
    if not items or not all(isinstance(item, dict) for item in items):
        refuse_file("it is a list, but not of cookies")
    if "origin" in items[0] and "version" in items[0]:
        raise ImportFailed(OWN_TITLE, "", "the file is a list of several", "Give a file with one of them.")
    if not any("value" in item and ("name" in item or "key" in item) for item in items):
        refuse_file("it is a list, but not of cookies")
    return f"cookies as JSON ({cookie_json.name_writer(items)})", cookie_json.load(items)


def _is_own(value: _Fields) -> bool:
    return {"version", "origin"} <= value.keys() or {"user_agent", "local_storage"} <= value.keys()


def _read_own(_value: _Fields, file: File) -> tuple[str, Content]:
    return OWN_TITLE, Content(session=Session.from_json(file.data))


def _is_har(value: _Fields) -> bool:
    return isinstance(value.get("log"), dict)


def _read_har(_value: _Fields, file: File) -> tuple[str, Content]:
    return har.TITLE, har.load(file.data, file.url, file.now)


def _is_httpie(value: _Fields) -> bool:
    return "__meta__" in value


def _read_httpie(value: _Fields, file: File) -> tuple[str, Content]:
    return httpie.TITLE, httpie.load(value, file.url)


def _is_flaresolverr(value: _Fields) -> bool:
    return isinstance(value.get("solution"), dict)


def _read_flaresolverr(value: _Fields, _file: File) -> tuple[str, Content]:
    return flaresolverr.TITLE, flaresolverr.load(value)


def _is_state(value: _Fields) -> bool:
    return "origins" in value or storage_state.OWN in value


def _read_state(value: _Fields, _file: File) -> tuple[str, Content]:
    return storage_state.TITLE, storage_state.load(value)


def _has_cookies(value: _Fields) -> bool:
    return isinstance(value.get("cookies"), list)


def _read_cookies(value: _Fields, _file: File) -> tuple[str, Content]:
    return _read_list(value["cookies"])


_KINDS: Final[tuple[tuple[Callable[[_Fields], bool], Callable[[_Fields, File], tuple[str, Content]]], ...]] = (
    (_is_own, _read_own),
    (_is_har, _read_har),
    (_is_httpie, _read_httpie),
    (_is_flaresolverr, _read_flaresolverr),
    (_is_state, _read_state),
    (_has_cookies, _read_cookies),
)
