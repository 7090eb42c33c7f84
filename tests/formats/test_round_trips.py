"""What a format can hold comes back: ``load(dump(session)) == session``."""

from typing import TYPE_CHECKING, Any, Final

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from aura_browser.formats import DumpOptions, dump, load
from aura_browser.session import Browser, Cookie, Session
from aura_browser.session.session import guess_expiry

if TYPE_CHECKING:
    from aura_browser.session.cookie import SameSite

NOW: Final = 1_800_000_000.0
ORIGIN: Final = "https://app.example.com"
OPTIONS: Final = DumpOptions(now=NOW)

_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters=";\x7f"), max_size=12)
# A browser drops spaces around a value.
_VALUES = st.one_of(
    st.sampled_from(["a+b/c==", '"a b"', '{"k": "v, w"}', "hé", "h€", "", "a=b"]),
    _TEXT.map(lambda text: text.strip(" ")),
)
_NAMES = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8)


@st.composite
def cookies(draw: st.DrawFn) -> Cookie:
    """A cookie that the site may see, with any attributes; browsers take SameSite=None with Secure only."""
    same_site: SameSite | None = draw(st.sampled_from([None, "Strict", "Lax", "None"]))
    key = draw(st.sampled_from([None, "https://example.com"]))
    return Cookie(
        name=draw(_NAMES),
        value=draw(_VALUES),
        domain=draw(st.sampled_from(["app.example.com", "example.com", "deep.app.example.com"])),
        host_only=draw(st.booleans()),
        path=draw(st.sampled_from(["/", "/app", "/app/ü"])),
        expires=draw(st.none() | st.floats(NOW + 60, NOW + 3e7) | st.integers(int(NOW) + 60, 10**10)),
        secure=same_site == "None" or draw(st.booleans()),
        http_only=draw(st.booleans()),
        same_site=same_site,
        partition_key=key,
        has_cross_site_ancestor=draw(st.booleans()) if key else None,
        source_scheme=draw(st.sampled_from([None, "Secure", "NonSecure", "Unset"])),
        source_port=draw(st.sampled_from([None, -1, 443, 8443])),
        priority=draw(st.sampled_from([None, "Low", "Medium", "High"])),
    )


_ENTRIES = st.dictionaries(_TEXT, _TEXT, max_size=3)
_EXTRA = st.sampled_from(
    [
        {},
        {"origins": [{"origin": ORIGIN, "sessionStorage": [{"name": "a", "value": "b"}]}]},
        {"origins": [{"origin": "https://login.example.com", "localStorage": [{"name": "a", "value": "b"}]}]},
        {
            "origins": [
                {"origin": "https://login.example.com", "indexedDB": [{"name": "db", "version": 1, "stores": []}]},
                {"origin": ORIGIN, "indexedDB": [{"name": "db", "version": 2, "stores": []}]},
            ]
        },
    ]
)


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    """A session with any cookies and storage."""
    kept = draw(st.lists(cookies(), min_size=1, max_size=5, unique_by=lambda cookie: cookie.identity))
    return Session(
        origin=ORIGIN,
        url=f"{ORIGIN}/app?x=1",
        user_agent="Chrome/150 test",
        headers={"User-Agent": "Chrome/150 test", "Accept-Language": "de,en;q=0.9"},
        cookies=tuple(kept),
        local_storage=draw(_ENTRIES),
        proxy=draw(st.sampled_from([None, "http://proxy:8080"])),
        browser=Browser(name="chrome", version="150.0"),
        harvested_at=draw(st.floats(1e9, NOW)),
        expires_at=guess_expiry(kept, URL(ORIGIN)),
        generation=draw(st.integers(0, 5)),
        proof=draw(st.sampled_from(["distinguished", "open", "unproven"])),
        is_login=draw(st.sampled_from([True, False, None])),
        tokens=draw(_ENTRIES),
        extra_storage=draw(_EXTRA),
    )


def read_back(session: Session, name: str, **options: Any) -> Session:  # noqa: ANN401 - options of load
    text = dump(session, name, OPTIONS).text
    return load(text.encode(), now=NOW, **{"url": session.url, **options}).session


def keep(cookie: Cookie, *names: str) -> Cookie:
    """Return *cookie* with only those of its attributes that every format holds, and *names*."""
    always = {"name", "value", "domain", "host_only", "path", "secure", *names}
    blank = Cookie(name="", value="", domain="x", host_only=True)
    gone = {name: getattr(blank, name) for name in Cookie.__struct_fields__ if name not in always}
    return msgspec.structs.replace(cookie, **gone)


PROPERTY = settings(max_examples=60)


@given(sessions())
@PROPERTY
def test_the_whole_session_comes_back(session: Session) -> None:
    assert read_back(session, "session") == session
    assert read_back(session, "storage-state") == session


def is_plain(cookie: Cookie) -> bool:
    return cookie.partition_key is None


@given(sessions())
@PROPERTY
def test_cookies_come_back_from_a_cookies_txt(session: Session) -> None:
    expected = [
        msgspec.structs.replace(keep(c, "http_only"), expires=c.expires and float(round(c.expires)))
        for c in session.cookies
        if is_plain(c)
    ]
    if expected:
        assert list(read_back(session, "netscape").cookies) == expected


@given(sessions())
@PROPERTY
def test_cookies_come_back_from_a_browser_extension(session: Session) -> None:
    held = ("expires", "http_only", "same_site", "partition_key", "has_cross_site_ancestor")
    read = read_back(session, "cookie-editor")
    assert list(read.cookies) == [keep(c, *held) for c in session.cookies]
    assert read.unknown == ("user_agent", "local_storage")


@given(sessions())
@PROPERTY
def test_cookies_come_back_from_tough_cookie_and_flaresolverr(session: Session) -> None:
    expected = [keep(c, "http_only", "same_site") for c in session.cookies if is_plain(c)]
    if not expected:
        return
    for name in ("tough-cookie", "flaresolverr"):
        read = read_back(session, name).cookies
        assert [msgspec.structs.replace(c, expires=None) for c in read] == expected
        for cookie, original in zip(read, filter(is_plain, session.cookies), strict=True):
            assert (cookie.expires is None) == (original.expires is None)
            assert abs((cookie.expires or 0) - (original.expires or 0)) < 1


@given(sessions())
@PROPERTY
def test_cookies_and_headers_come_back_from_httpie(session: Session) -> None:
    expected = [
        msgspec.structs.replace(keep(c), expires=c.expires and float(round(c.expires)))
        for c in session.cookies
        if is_plain(c) and c.value.isascii()
    ]
    if expected:
        read = read_back(session, "httpie")
        assert list(read.cookies) == expected
        assert (read.headers, read.user_agent) == (session.headers, session.user_agent)


@given(sessions())
@PROPERTY
def test_what_a_request_carries_comes_back_from_its_headers(session: Session) -> None:
    url = URL(session.url)
    if session.cookie_header(url, NOW):
        read = read_back(session, "header")
        assert read.cookie_header(url, NOW) == session.cookie_header(url, NOW) or _has_twins(session)
        assert read.headers == session.headers
        assert "cookie_attributes" in read.unknown


def _has_twins(session: Session) -> bool:
    """Return whether a name is sent twice, which a header alone can't hold."""
    names = [c.name for c in session.cookies if c.goes_to(URL(session.url), NOW)]
    return len(names) > len(set(names))
