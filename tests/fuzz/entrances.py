"""The entrances of foreign bytes and values. Each takes a source of randomness and lets one made-up input in.

Only an AuraError may come out, or what the command line's parser raises for wrong usage.
"""

import io
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import redirect_stdout
from random import Random
from typing import Any, Final

import click
from cryptography.fernet import Fernet
from multidict import CIMultiDict
from yarl import URL

from aura_browser import Attach, Grid, SessionKey
from aura_browser.charsets import decode_text
from aura_browser.chat.dialects import find_dialect
from aura_browser.chat.messages import ChatRequest, read_messages
from aura_browser.cli import cli
from aura_browser.errors import AuraError
from aura_browser.formats import DUMPS, DumpOptions, dump, load
from aura_browser.formats.copied_request import CopiedCookie, CopiedRequest
from aura_browser.hosts import registrable_domain
from aura_browser.http.comparison import ProbeAnswer
from aura_browser.http.outgoing import check_request
from aura_browser.http.redirects import follow_redirect
from aura_browser.http.verdict import judge, raise_for, retry_after_s
from aura_browser.keeping.budget import HarvestBudget
from aura_browser.proxy.address import check_proxy, without_credentials, without_password
from aura_browser.proxy.connection import connection_args
from aura_browser.request import Request
from aura_browser.session import Session
from aura_browser.session.cookie_store import fold_set_cookies
from aura_browser.site import Probe, Site, page_url, site_at
from aura_browser.store import MemoryStore
from aura_browser.store.encrypted import EncryptedStore
from aura_browser.store.redis_connection import check_address
from aura_browser.text import clean_text, has_secret, make_inert, redact_url
from tests.fuzz.driver import enter_driver_answer
from tests.fuzz.inputs import dump_json, pick_bytes, pick_text, pick_value, spoil_json
from tests.fuzz.sites import enter_sites_file
from tests.parts.devtools_copies import FORMS
from tests.parts.sessions import make_cookie, make_session

Entrance = Callable[[Random], Awaitable[None]]

_NOW: Final = 1_700_000_000.0
_ORIGIN: Final = "https://chat.example.com"
_URLS: Final = (
    *("https://chat.example.com/a/b?c=d#e", "http://127.0.0.1:8080", "example.com", "https://[::1]:8443/x"),
    *("http://me:s3cret@proxy:8080", "socks5://me:s3cret@[::1]:1080", "redis://me:s3cret@host:6379/0?db=1"),
    *("https://xn--bcher-kva.example/", "https://bücher.example/ü?ü=ü", "unix:///tmp/x?db=1", "127.0.0.1:9222"),
)
_SESSION: Final = make_session(
    _ORIGIN,
    url=f"{_ORIGIN}/x?y#z",
    cookies=(make_cookie("sid", domain="chat.example.com"), make_cookie("b", domain="example.com", host_only=False)),
    proxy="http://me:s3cret@proxy:8080",
)
_SITE: Final = Site(
    f"{_ORIGIN}/",
    api_paths=("/api/",),
    probe=Probe(
        "/api/me", good="200 application/json", dropped=("302 /login*", "json:user.id=0"), identity="json:user"
    ),
)
_SET_COOKIES: Final = (
    "sid=abc; Path=/; Domain=example.com; Expires=Wed, 09 Jun 2100 10:18:14 GMT; Secure; HttpOnly; SameSite=Lax",
    "a=b; Max-Age=60; Partitioned; Secure",
    "__Host-x=y; Path=/; Secure",
)
_RETRY_AFTER: Final = (
    "120",
    "Wed, 21 Oct 2100 07:28:00 GMT",
    "Wednesday, 21-Oct-35 07:28:00 GMT",
    "Wed Oct 21 07:28:00 2100",
)
_BODIES: Final = (
    '{"user": {"id": 5, "name": "x"}, "error": {"message": "Slow down"}}',
    '<html><body class="no-js"><title>Just a moment</title><input type="password">',
    'data: {"choices": [{"delta": {"content": "Hello"}}]}\n\ndata: [DONE]\n\n',
    '[{"id": "a", "name": "b"}]',
    '{"data": [{"id": "a"}]}',
)
_WORDS: Final = (
    *("harvest", "chat", "sessions", "doctor", "playground", "list", "show", "check", "import", "rm", "clean"),
    *("--until", "cookie:sid", "--timeout", "5", "--interactive", "-o", "/nowhere/x/y.json", "--fresh", "--session"),
    *("--store", "redis://host/0", "--proxy", "http://proxy:80", "--grid", "http://grid:4444", "--attach", "a:9222"),
    *("--engine", "selenium", "--profile", "me", "--model", "m", "--temperature", "0.5", "--max-tokens", "8192"),
    *("--refresh", "never", "--url", "--port", "0", "--gate", "none", "--life", "60", "--upstream", "--"),
)
_DIALECTS: Final = ("openchat-ui", "openai")


async def enter_address(random: Random) -> None:
    """An address, as a person, a file or a site gives it."""
    text = pick_text(random, _URLS)
    for show in (redact_url, clean_text, make_inert, has_secret, without_password):
        show(text)
    use = random.choice((page_url, site_at, check_proxy, Grid, Attach, check_address, _use_site, _use_proxy))
    use(text)


def _use_site(text: str) -> None:
    site = site_at(text)
    url = URL(site.url)
    site.owns(url)
    site.is_api(url)
    site.login_command()
    registrable_domain(url.host or "")
    repr(SessionKey(site.origin))


def _use_proxy(text: str) -> None:
    check_proxy(text)
    without_credentials(text)
    if text.startswith("http"):
        connection_args(text)


async def enter_session_file(random: Random) -> None:
    """A session file, from another machine or another program."""
    fields: Any = json.loads(_SESSION.to_json())
    text = dump_json(spoil_json(random, fields))
    data: str | bytes = text if random.random() < 0.5 else pick_bytes(random, (text,))
    session = Session.from_json(data)
    repr(session)
    session.cookie_header(URL(session.url), _NOW)
    session.without_expired(_NOW)
    Session.from_json(session.to_json())
    repr(SessionKey(session.origin, "x", session.proxy))


async def enter_foreign_file(random: Random) -> None:
    """A file of another program, or a request copied from a browser, in bytes."""
    text = random.choice(_FILES)
    if text.startswith(("{", "[")) and random.random() < 0.7:
        text = dump_json(spoil_json(random, json.loads(text)))
    data = text.encode("utf-8", "surrogatepass") if random.random() < 0.3 else pick_bytes(random, (text,))
    url = random.choice((None, f"{_ORIGIN}/", "http://127.0.0.1:8080/"))
    loaded = load(data, now=_NOW, url=url, user_agent=random.choice((None, "x")))
    repr(loaded)
    for sentence in loaded.left_out:
        assert _VALUE not in sentence, ascii(sentence)
    Session.from_json(loaded.session.to_json())
    for name in DUMPS:
        dump(loaded.session, name, DumpOptions(now=_NOW))


async def enter_set_cookie(random: Random) -> None:
    """``Set-Cookie`` headers of a site."""
    headers = [pick_text(random, _SET_COOKIES) for _ in range(random.randrange(1, 4))]
    url = URL(random.choice((f"{_ORIGIN}/a/b", "http://[::1]/", "http://127.0.0.1:80/x;y")))
    folded = _SESSION.with_cookies(fold_set_cookies(_SESSION.cookies, headers, url, _NOW))
    folded.cookie_header(url, _NOW)
    Session.from_json(folded.to_json())


async def enter_retry_after(random: Random) -> None:
    """A ``Retry-After`` header."""
    wait_s = retry_after_s(CIMultiDict({"Retry-After": pick_text(random, _RETRY_AFTER)}), _NOW)
    assert wait_s is None or 0 <= wait_s < float("inf")


async def enter_answer(random: Random) -> None:
    """An answer of a site: its status, headers and body."""
    status = random.choice((200, 204, 301, 302, 307, 401, 403, 419, 429, 500, 503))
    body = pick_bytes(random, _BODIES)
    headers = CIMultiDict(
        {
            "Content-Type": pick_text(
                random, ("text/html; charset=utf-8", "application/json", "application/xhtml+xml")
            ),
            "Location": pick_text(random, (*_URLS, "/login?next=/", "//evil.example/", "")),
            "Retry-After": pick_text(random, _RETRY_AFTER),
            "cf-mitigated": pick_text(random, ("challenge", "")),
        }
    )
    cookies, url = (pick_text(random, _SET_COOKIES),), URL(f"{_ORIGIN}/api/me")
    ruling = judge(_SITE, url, status, headers, first_bytes=body, now=_NOW)
    answer = ProbeAnswer(url, status, headers, body, cookies, clean_text(pick_text(random, ("OK",))), ruling)
    probe = _SITE.probe or Probe("/")
    answer.describe(_SESSION, _NOW, answer.read_identity(probe))
    answer.find_refusal(probe)
    follow_redirect(_SITE, Request("POST", "/", {}, b"x"), url, status, headers)
    decode_text(body, headers["Content-Type"].partition("charset=")[2])
    raise_for(ruling, url, status, answer.reason)


async def enter_chat_answer(random: Random) -> None:
    """The bytes of a chat's answer, and of its list of models, in pieces."""
    dialect = find_dialect(random.choice(_DIALECTS))
    data, decoder = pick_bytes(random, _BODIES), dialect.answer_decoder()
    try:
        while data:
            size = random.choice((1, 7, 1000))
            decoder.decode(data[:size])
            data = data[size:]
        decoder.decode(b"", final=True)
        dialect.read_models(pick_bytes(random, _BODIES))
    except (ValueError, RecursionError):
        return  # what the client turns into SiteFailed


async def enter_request(random: Random) -> None:
    """A caller's request or question, with values of any type."""
    if random.random() < 0.5:
        facts = {name: pick_value(random) for name in ("method", "url", "headers") if random.random() < 0.5}
        check_request(Request(**{"method": "GET", "url": "/", **facts}))
        return
    facts = {name: pick_value(random) for name in ("model", "temperature", "max_tokens") if random.random() < 0.3}
    messages = read_messages(random.choice((pick_value(random), [{"role": "user", "content": pick_value(random)}])))
    find_dialect(random.choice(_DIALECTS)).chat_request(ChatRequest(messages=messages, **facts), _ORIGIN)


async def enter_options(random: Random) -> None:
    """A command line."""
    words = [random.choice((random.choice(_WORDS), pick_text(random, (*_WORDS, *_URLS)))) for _ in range(5)]
    first = random.choice(("harvest", "chat", "doctor", "playground", "sessions"))
    parent = cli.context_class(cli, info_name="aura-browser", **cli.context_settings)
    command = cli.get_command(parent, first)
    assert command is not None
    if isinstance(command, click.Group):
        name = random.choice(command.list_commands(parent))
        command = command.commands[name]
    try:
        with redirect_stdout(io.StringIO()):
            command.make_context(first, [_pass_on(word) for word in words], parent=parent)
    except (click.ClickException, click.exceptions.Exit):
        return


def _pass_on(word: str) -> str:
    """Return *word* as a system passes it to a program: any bytes but NUL."""
    return os.fsdecode(word.encode("utf-8", "surrogatepass").replace(b"\0", b""))


async def enter_store(random: Random) -> None:
    """A value in a store that somebody else can write to, such as Redis."""
    key, store = SessionKey(_ORIGIN), MemoryStore()
    text = dump_json(spoil_json(random, json.loads(_SESSION.to_json())))
    token = Fernet(_KEY).encrypt(pick_bytes(random, (f"{key.slug}\n{text}",))).decode()
    values = (
        text,
        f"aura-browser-encrypted-2 {token}",
        "aura-browser-encrypted-1 x",
        '{"failures": [1.0], "reason": "x"}',
    )
    await store.swap(key.slug, None, pick_bytes(random, values))
    budget = HarvestBudget(store, key, clock=lambda: _NOW)
    for slug in (slug for slug in _BUDGET_SLUGS if random.random() < 0.5):
        await store.swap(slug, None, pick_bytes(random, values))
    await random.choice(
        (budget.check, budget.begin, budget.end, lambda: budget.record_failure("x", retry_after_s=5.0))
    )()
    await EncryptedStore(store).load(key)


_KEY: Final = Fernet.generate_key()
_BUDGET_SLUGS: Final = tuple(
    getattr(HarvestBudget(MemoryStore(), SessionKey(_ORIGIN), clock=lambda: _NOW), name)._slug
    for name in ("_own", "_shared", "_optional")
)

_VALUE: Final = "s3cret+/=="
_HAR: Final = {
    "log": {
        "creator": {"name": "WebInspector"},
        "entries": [
            {
                "startedDateTime": "2027-01-15T08:00:00.000Z",
                "request": {
                    "url": f"{_ORIGIN}/a",
                    "headers": [{"name": "Cookie", "value": f"sid={_VALUE}"}, {"name": "User-Agent", "value": "x"}],
                    "cookies": [{"name": "sid", "value": _VALUE, "domain": ".example.com", "path": "/"}],
                },
                "response": {"headers": [{"name": "Set-Cookie", "value": _SET_COOKIES[0]}], "content": {}},
            }
        ],
    }
}
_EXTENSION: Final = {
    "name": "sid",
    "value": _VALUE,
    "domain": ".example.com",
    "hostOnly": False,
    "expirationDate": 2e9,
}
_BIDI: Final = {
    "name": "sid",
    "value": {"type": "string", "value": _VALUE},
    "domain": "example.com",
    "expiry": 2e9,
    "sameSite": "none",
    "goog:sourcePort": 443,
}
_XH: Final = {
    "__meta__": {"about": "xh session file", "xh": "0.26.3"},
    "cookies": [{"name": "sid", "value": _VALUE, "path": "/", "domain": domain} for domain in ("example.com", "a.b.c")],
}
_COPIED: Final = CopiedRequest(
    "POST",
    f"{_ORIGIN}/a?b=c",
    (("user-agent", "x"), ("content-type", "text/plain")),
    (CopiedCookie("sid", f"{_VALUE}'!$x", "chat.example.com"),),
    b"s3cret",
)
_FILES: Final = (
    *(dump(_SESSION, name, DumpOptions(now=_NOW)).text for name in DUMPS),
    *(json.dumps(value) for value in (_HAR, _XH, [_EXTENSION], {"cookies": [_BIDI]}, [_EXTENSION, _BIDI])),
    *(copy(_COPIED) for copy in FORMS.values()),
    f"sid={_VALUE}; b=c",
)

ENTRANCES: Final[Mapping[str, Entrance]] = {
    "address": enter_address,
    "session file": enter_session_file,
    "foreign file": enter_foreign_file,
    "Set-Cookie": enter_set_cookie,
    "Retry-After": enter_retry_after,
    "answer": enter_answer,
    "chat answer": enter_chat_answer,
    "request": enter_request,
    "options": enter_options,
    "store": enter_store,
    "driver answer": enter_driver_answer,
    "sites.toml": enter_sites_file,
}
"""Entrances by name."""


async def let_in(entrance: Entrance, seed: str) -> None:
    """Let one input in, made from *seed*. Whatever comes out but an AuraError is a fault; so is one with a cause."""
    try:
        await entrance(Random(seed))  # noqa: S311 - not for secrets
    except AuraError as error:
        assert error.__cause__ is None, f"{error!r} holds {error.__cause__!r}"
        shown = f"{error} {error!r}"
        assert shown.isprintable() or not set(shown) & _STEERING, ascii(shown)
        assert "s3cret" not in shown, ascii(shown)


_STEERING: Final = frozenset(map(chr, (*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
