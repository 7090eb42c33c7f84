"""What ``sites.toml`` says of one site: its keys, and the :class:`Site` that they make."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Literal, TypeVar

import msgspec

from aura_browser.engine import LOCAL_ENGINES, DefaultEngine, Engine
from aura_browser.errors import InvalidInput
from aura_browser.session.headers import is_refused
from aura_browser.site.addresses import page_url
from aura_browser.site.condition import Condition
from aura_browser.site.mark import Mark
from aura_browser.site.site import Probe, Refresh, Site

T = TypeVar("T")

Texts = str | tuple[str, ...]
"""One text, or several."""

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PATH: Final = re.compile(r"[!-~\u00a0-\ud7ff\ue000-\U0010ffff]+")
_HEADER_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


class BadValue(Exception):
    """A value of a definition can't work.

    Attributes:
        key: where it stands in the site's table, such as ``("probe", "good")``.
        problem: why, and what would be valid.
    """

    def __init__(self, key: tuple[str, ...], problem: str) -> None:
        super().__init__(problem)
        self.key = key
        self.problem = problem


class ProbeTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The key ``probe``.

    Attributes:
        get: the path that is asked; or
        post: the path that *body* is sent to.
        body: what is sent.
        headers: besides the session's own.
        good: marks of the answer to a good session; one of them has to fit.
        dropped: marks of the answer to one that has ended; any of them decides.
        identity: where the answer names the account: ``json:PATH`` or ``text:BEFORE``.
    """

    get: str = ""
    post: str = ""
    body: str = ""
    headers: Mapping[str, str] = {}
    good: Texts = ()
    dropped: Texts = ()
    identity: str = ""


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of ``sites.toml``.

    Attributes:
        url: the page that a browser opens.
        origins: further origins of the same registrable domain that get the session.
        until: the conditions that the page must meet before its session is read.
        probe: the request that proves the session: a path, or a table.
        dropped: marks of answers to a session that has ended, besides those that are known.
        not_dropped: marks of answers that say nothing of the session; they win.
        api: prefixes of the API's paths.
        headers: headers that each request gets, unless its caller gives them.
        keep_headers: names of further headers that are taken from the browser.
        dialect: the chat dialect.
        chat_base: the path that those of the chat API begin with.
        engine: how Chrome is started.
        profile: the browser's profile that is kept.
        proxy: ``${NAME}``: the variable that holds the proxy's URL.
        refresh: what a renewal may do.
    """

    url: str
    origins: tuple[str, ...] = ()
    until: Texts = ()
    probe: str | ProbeTable | None = None
    dropped: Texts = ()
    not_dropped: Texts = ()
    api: Texts = ()
    headers: Mapping[str, str] = {}
    keep_headers: tuple[str, ...] = ()
    dialect: str = ""
    chat_base: str = ""
    engine: Literal["selenium", "chrome", "undetected"] | None = None
    profile: str = ""
    proxy: str = ""
    refresh: Refresh | None = None


TABLES: Final[Mapping[tuple[str, ...], type[msgspec.Struct]]] = {(): Definition, ("probe",): ProbeTable}
"""The tables of a definition, by where they stand in it."""


def build_site(name: str, definition: Definition) -> Site:
    """Return the site that a definition describes.

    Args:
        name: the site's name.
        definition: its table.

    Raises:
        BadValue: for a value that can't work.
    """
    page = _read("url", lambda: Site(page_url(definition.url), name=name))
    site = dataclasses.replace(
        page,
        ready=tuple(_read_each("until", Condition.parse, definition.until)),
        probe=_build_probe(definition.probe),
        dropped=tuple(_read_each("dropped", Mark.parse, definition.dropped)),
        not_dropped=tuple(_read_each("not_dropped", Mark.parse, definition.not_dropped)),
        api_paths=tuple(_check_path(path, "api") for path in _list(definition.api)),
        stated_headers=_check_headers(definition.headers, "headers"),
        headers=definition.keep_headers,
        dialect=definition.dialect,
        chat_base=_check_path(definition.chat_base, "chat_base").rstrip("/") if definition.chat_base else "",
        engine=_build_engine(definition),
        proxy_variable=_read_variable(definition.proxy),
        refresh=definition.refresh,
    )
    return _read("origins", lambda: dataclasses.replace(site, origins=definition.origins))


def _read(key: str, build: Callable[[], T], *more: str) -> T:
    """Return what *build* returns; an invalid input in it is a bad value at *key*."""
    try:
        return build()
    except InvalidInput as error:
        raise BadValue((key, *more), error.problem) from None


def _list(texts: Texts) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else texts


def _read_each(key: str, parse: Callable[[str], T], texts: Texts, *more: str) -> list[T]:
    return [_read(key, partial(parse, text), *more) for text in _list(texts)]


def _build_probe(probe: str | ProbeTable | None) -> Probe | None:
    if probe is None:
        return None
    table = ProbeTable(get=probe) if isinstance(probe, str) else probe
    if bool(table.get) == bool(table.post):
        raise BadValue(("probe",), 'needs either get or post, such as get = "/api/me"')
    if table.body and not table.post:
        raise BadValue(("probe", "body"), "is sent with post only")
    method = "POST" if table.post else "GET"
    make = partial(
        Probe,
        _check_path(table.post or table.get, "probe", method.lower()),
        method,
        _check_headers(table.headers, "probe", "headers"),
        table.body.encode(),
        good=tuple(_read_each("probe", Mark.parse, table.good, "good")),
        dropped=tuple(_read_each("probe", Mark.parse, table.dropped, "dropped")),
        identity=table.identity,
    )
    return _read("probe", make, "identity")


def _check_path(path: str, *key: str) -> str:
    if not path.startswith(("/", "https://", "http://")) or path.startswith("//") or not _PATH.fullmatch(path):
        raise BadValue(key, f"{path!r} is not a path of the site, such as /api/me")
    return path


def _check_headers(headers: Mapping[str, str], *key: str) -> Mapping[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or is_refused(name):
            raise BadValue((*key, name), "is not a header that can be given here")
        if not _HEADER_VALUE.fullmatch(value):
            raise BadValue((*key, name), "must be text on one line, without control characters")
    return headers


def _build_engine(definition: Definition) -> Engine | None:
    if definition.engine is None and not definition.profile:
        return None
    kind = LOCAL_ENGINES[definition.engine] if definition.engine else DefaultEngine
    return kind(profile=definition.profile or None)


def _read_variable(text: str) -> str:
    if not text:
        return ""
    match = _VARIABLE.fullmatch(text)
    if match is None:
        raise BadValue(("proxy",), "must name a variable that holds the proxy's URL, such as ${WORK_PROXY}")
    return match[1]
