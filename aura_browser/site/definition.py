"""Makes a :class:`Site` of what ``sites.toml`` says of it."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

import msgspec
from yarl import URL

from aura_browser.engine import LOCAL_ENGINES, DefaultEngine, Engine
from aura_browser.errors import InvalidInput
from aura_browser.session.headers import is_refused
from aura_browser.site.condition import Condition
from aura_browser.site.derivation import can_be_sent
from aura_browser.site.mark import Mark
from aura_browser.site.place import Expiry, Template, check_place
from aura_browser.site.refresh_request import Field, RefreshRequest
from aura_browser.site.site import Probe, Site
from aura_browser.site.tables import AuthTable, CsrfTable, Definition, ProbeTable, RefreshTable, Texts
from aura_browser.site.tokens import Auth, Csrf
from aura_browser.urls import join_url

T = TypeVar("T")

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PATH: Final = re.compile(r"[!-~\u00a0-\ud7ff\ue000-\U0010ffff]+")


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


def build_site(name: str, definition: Definition) -> Site:
    """Return the site that a definition describes.

    Args:
        name: the site's name.
        definition: its table.

    Raises:
        BadValue: for a value that can't work.
    """
    page = _read("url", lambda: Site(definition.url, name=name))
    site = dataclasses.replace(
        page,
        ready=tuple(_read_each("until", Condition.parse, definition.until)),
        probe=_build_probe(definition.probe),
        dropped=tuple(_read_each("dropped", Mark.parse, definition.dropped)),
        not_dropped=tuple(_read_each("not_dropped", Mark.parse, definition.not_dropped)),
        api_paths=tuple(_check_own_path(path, "api") for path in _list(definition.api)),
        stated_headers=_check_headers(definition.headers, "headers"),
        headers=definition.keep_headers,
        dialect=definition.dialect,
        chat_base=_check_path(definition.chat_base, "chat_base").rstrip("/") if definition.chat_base else "",
        engine=_build_engine(definition),
        proxy_variable=_read_variable(definition.proxy),
        refresh=definition.refresh,
        transport=definition.transport,
        auth=_build_auth(definition.auth),
        csrf=_build_csrf(definition.csrf),
        first_messages={
            _check_own_path(path, "websocket"): _read("websocket", partial(Template, text), path)
            for path, text in definition.websocket.items()
        },
        expires=_read_expiry(definition.expires),
        ignore_cookies=definition.ignore_cookies,
        refresh_request=_build_refresh(definition.refresh_request),
        login=definition.login or "",
    )
    site = _read("origins", lambda: dataclasses.replace(site, origins=definition.origins))
    _check_addresses(site)
    if site.asks_probe and site.probe is None:
        raise BadValue(("until",), "probe needs the key probe, the request that is asked")
    return site


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
    within = () if isinstance(probe, str) else (method.lower(),)
    make = partial(
        Probe,
        _check_path(table.post or table.get, "probe", *within),
        method,
        _check_headers(table.headers, "probe", "headers"),
        table.body.encode(),
        good=tuple(_read_each("probe", Mark.parse, table.good, "good")),
        dropped=tuple(_read_each("probe", Mark.parse, table.dropped, "dropped")),
        identity=table.identity,
    )
    return _read("probe", make, "identity")


def _build_auth(table: AuthTable | None) -> Auth | None:
    if table is None:
        return None
    _check_header(table.header, "auth", "header")
    return Auth(table.header, _read("auth", partial(Template, table.value), "value"))


def _build_csrf(table: CsrfTable | None) -> Csrf | None:
    if table is None:
        return None
    if table.header:
        _check_header(table.header, "csrf", "header")
    if table.get:
        _check_path(table.get, "csrf", "get")
    return _read("csrf", partial(Csrf, **msgspec.structs.asdict(table)))


def _read_expiry(text: str) -> Expiry | None:
    if not text:
        return None
    place, _, kind = text.partition(" ")
    if kind not in {"", "jwt"}:
        raise BadValue(("expires",), "must be a place in the session, and then nothing or jwt")
    return Expiry(_read("expires", partial(check_place, place)), "jwt" if kind else "time")


def _build_refresh(table: RefreshTable | None) -> RefreshRequest | None:
    if table is None:
        return None
    if table.form and table.json:
        raise BadValue(("refresh_request",), "takes either form or json")
    kind, _, into = table.into.partition(".")
    if table.into and (kind != "local_storage" or not into):
        raise BadValue(("refresh_request", "into"), "must be local_storage.KEY")
    return RefreshRequest(
        _check_path(table.post, "refresh_request", "post"),
        form={name: _read_field(text) for name, text in table.form.items()},
        json={name: _read_field(text) for name, text in table.json.items()},
        headers=_check_headers(table.headers, "refresh_request", "headers"),
        into=into,
    )


def _read_field(text: str) -> Field:
    try:
        return Template(text)
    except InvalidInput:
        return text


def _check_addresses(site: Site) -> None:
    """Check that what is asked with the session is at the site's own origins."""
    refresh = site.refresh_request
    asked = {
        ("probe",): site.probe.path if site.probe else "",
        ("csrf", "get"): site.csrf.get if site.csrf else "",
        ("refresh_request", "post"): refresh.path if refresh else "",
    }
    for key, path in asked.items():
        try:
            is_own = site.owns(join_url(URL(site.origin), path))
        except ValueError:
            is_own = False
        if not is_own:
            raise BadValue(key, f"is not at {site.origin}; the session stays there")


def _check_own_path(path: str, *key: str) -> str:
    """Return *path* if it is one of the site's own origin, without that."""
    if not path.startswith("/"):
        raise BadValue(key, f"{path!r} is not a path of the site, such as /api/me; leave the address before it out")
    return _check_path(path, *key)


def _check_path(path: str, *key: str) -> str:
    if not path.startswith(("/", "https://", "http://")) or path.startswith("//") or not _PATH.fullmatch(path):
        raise BadValue(key, f"{path!r} is not a path of the site, such as /api/me")
    return path


def _check_header(name: str, *key: str) -> None:
    if not _HEADER_NAME.fullmatch(name) or is_refused(name):
        raise BadValue(key, f"{name!r} is not a header that can be given here")


def _check_headers(headers: Mapping[str, str], *key: str) -> Mapping[str, str]:
    for name, value in headers.items():
        _check_header(name, *key, name)
        if not can_be_sent(value):
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
