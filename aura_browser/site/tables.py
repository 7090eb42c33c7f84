"""The keys of ``sites.toml``: what a site's table, and the tables in it, may hold."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from aura_browser.site.site import Refresh, TransportName

APPLICATIONS: Final = (
    *("django", "node-red", "jupyter", "dokuwiki", "mediawiki", "mlflow", "chainlit", "directus", "home-assistant"),
    "open-webui",
)
"""Well-known applications, of which ``templates.toml`` has a definition."""

Texts = str | tuple[str, ...]
"""One text, or several."""


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


class AuthTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The key ``auth``.

    Attributes:
        value: the header's value, with places of the session in braces.
        header: the header's name.
    """

    value: str
    header: str = "Authorization"


class CsrfTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The key ``csrf``: see :class:`aura_browser.site.tokens.Csrf`."""

    header: str = ""
    field: str = ""
    cookie: str = ""
    get: str = ""
    json: str = ""
    input: str = ""
    meta: str = ""


class RefreshTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The key ``refresh_request``.

    Attributes:
        post: the path that is posted to.
        form: the fields of a form, with places of the session in braces; or
        json: those of a JSON object.
        headers: besides the session's own.
        into: ``local_storage.KEY``: the JSON object that takes the answer's keys.
    """

    post: str
    form: Mapping[str, str] = {}
    json: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    into: str = ""


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
        transport: what carries requests.
        auth: the header that is made from the session.
        csrf: the token against forgery.
        websocket: by path, the message that a WebSocket begins with.
        expires: where the session says when it ends: a place, or a place and ``jwt``.
        ignore_cookies: patterns of names of cookies that say nothing of its end.
        refresh_request: renews the session without a browser.
        login: ``basic`` for HTTP basic authentication.
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
    transport: TransportName | None = None
    auth: AuthTable | None = None
    csrf: CsrfTable | None = None
    websocket: Mapping[str, str] = {}
    expires: str = ""
    ignore_cookies: tuple[str, ...] = ()
    refresh_request: RefreshTable | None = None
    login: Literal["basic"] | None = None


TABLES: Final[Mapping[tuple[str, ...], type[msgspec.Struct]]] = {
    (): Definition,
    ("probe",): ProbeTable,
    ("auth",): AuthTable,
    ("csrf",): CsrfTable,
    ("refresh_request",): RefreshTable,
}
"""The tables of a definition, by where they stand in it."""
