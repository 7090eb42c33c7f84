"""What other programs write is recognised, and read as they mean it."""

import contextlib
import json
import pickle
import sqlite3
from typing import Any, Final

import msgspec
import pytest

from aura_browser.errors import AuraError, ImportFailed, SessionFormatError
from aura_browser.formats import DumpOptions, Loaded, dump, httpie, load, storage_state
from aura_browser.formats.file import File
from aura_browser.session import Browser, Cookie
from tests.parts.sessions import make_cookie, make_session

NOW: Final = 1_800_000_000.0
DATE: Final = "2027-01-26T21:46:40.000Z"  # 1,801,000,000
SECURE: Final = {"secure": True, "httpOnly": True}
URL: Final = "https://app.example.com/"


def read(data: bytes | str | dict[str, Any] | list[Any], url: str | None = URL, **options: Any) -> Loaded:  # noqa: ANN401
    text = json.dumps(data) if isinstance(data, dict | list) else data
    return load(text.encode() if isinstance(text, str) else text, now=NOW, url=url, **options)


def one_cookie(data: bytes | str | dict[str, Any] | list[Any]) -> Cookie:
    [cookie] = read(data).session.cookies
    return cookie


EXPECTED: Final = make_cookie("a", "v", domain="example.com", host_only=False, path="/", secure=True, http_only=True)


@pytest.mark.parametrize(
    ("item", "facts", "writer"),
    [
        ({"hostOnly": False, "expirationDate": NOW + 9.5, "storeId": "0"}, {"expires": NOW + 9.5}, "browser extension"),
        ({"hostOnly": False, "sameSite": "no_restriction"}, {"same_site": "None"}, "browser extension"),
        ({"hostOnly": False, "sameSite": "unspecified", "session": True, "expirationDate": 5}, {}, "browser extension"),
        ({"hostOnly": False, "sameSite": None}, {}, "browser extension"),
        (
            {"size": 2, "expires": -1, "sameSite": "Default", "priority": "High", "sourceScheme": "Secure"},
            {"priority": "High", "source_scheme": "Secure"},
            "Puppeteer",
        ),
        (
            {"size": 2, "partitionKey": {"sourceOrigin": "https://example.com", "hasCrossSiteAncestor": True}},
            {"partition_key": "https://example.com", "has_cross_site_ancestor": True},
            "Puppeteer",
        ),
        (
            {"session": False, "expires": NOW + 9, "sourcePort": 443, "size": 2, "sameSite": "Lax"},
            {"expires": NOW + 9, "source_port": 443, "same_site": "Lax"},
            "CDP",
        ),
        ({"session": True, "expires": 5, "sourcePort": -1, "size": 2}, {"source_port": -1}, "CDP"),
        ({"expiry": int(NOW) + 9, "sameSite": "Strict"}, {"expires": NOW + 9, "same_site": "Strict"}, "Selenium"),
        ({"expiry": (int(NOW) + 9) * 1000}, {"expires": NOW + 9}, "Selenium"),
        (
            {"value": {"type": "string", "value": "v"}, "expiry": int(NOW) + 9, "sameSite": "strict"},
            {"expires": NOW + 9, "same_site": "Strict"},
            "WebDriver BiDi",
        ),
        (
            {"value": {"type": "string", "value": "v"}, "sameSite": "none", "secure": False, "goog:sourcePort": 8080}
            | {"goog:sourceScheme": "NonSecure", "goog:priority": "Low", "goog:session": True},
            {"secure": False, "source_scheme": "NonSecure", "source_port": 8080, "priority": "Low"},
            "WebDriver BiDi",
        ),
        ({"partitionKey": "https://example.com", "size": 2}, {"partition_key": "https://example.com"}, "Puppeteer"),
    ],
)
def test_cookies_as_json_of_every_writer(item: dict[str, Any], facts: dict[str, Any], writer: str) -> None:
    base = {"name": "a", "value": "v", "domain": ".example.com", "path": "/", "secure": True, "httpOnly": True}
    loaded = read([base | item])
    assert loaded.kind == f"cookies as JSON ({writer})"
    assert loaded.session.cookies == (msgspec.structs.replace(EXPECTED, **facts),)
    for answer in (
        {"cookies": [base | item]},
        {"id": 1, "result": {"cookies": [base | item]}},
        {"value": [base | item]},
    ):
        assert read(answer).session.cookies == loaded.session.cookies


@pytest.mark.parametrize(
    "item",
    [
        {"partitionKeyOpaque": True},
        {"value": {"type": "base64", "value": "/w=="}},
        {"value": "a;b"},
        {"value": "a\nb"},
        {"value": 5},
        {"domain": None},
        {"path": "nowhere"},
    ],
)
def test_what_no_browser_would_keep_is_left_out_and_said(item: dict[str, Any]) -> None:
    base = {"name": "bad", "value": "s3cret", "domain": "example.com", "size": 2}
    loaded = read([base | item, {"name": "a", "value": "v", "domain": "example.com"}])
    assert [cookie.name for cookie in loaded.session.cookies] == ["a"]
    [said] = loaded.left_out
    assert said.startswith("1 that no browser would keep")
    assert "s3cret" not in said


@pytest.mark.parametrize("partition", ["https://[", "http://a:99999"])
def test_a_cookie_of_a_partition_without_an_address_is_no_sites(partition: str) -> None:
    base = {"name": "a", "value": "s3cret", "domain": "app.example.com", "path": "/", "secure": True, "size": 2}
    loaded = read([base | {"partitionKey": partition}, base | {"name": "b"}])
    assert [cookie.name for cookie in loaded.session.cookies] == ["b"]
    assert loaded.left_out == ("1 cookie of 1 other site: example.com",)


@pytest.mark.parametrize(
    ("user_agent", "problem"), [("a\nb", "user_agent: text of the wrong form"), ("\udc80", "not valid Unicode")]
)
def test_what_no_session_can_hold_is_refused(user_agent: str, problem: str) -> None:
    with pytest.raises(ImportFailed, match=rf"{problem}\. Export it again"):
        read([{"name": "a", "value": "v", "domain": "app.example.com", "size": 2}], user_agent=user_agent)


def test_tough_cookie_as_newman_writes_it() -> None:
    jar = {
        "version": "tough-cookie@4.1.3",
        "storeType": "MemoryCookieStore",
        "cookies": [
            {"key": "a", "value": "v", "domain": "example.com", "path": "/", "hostOnly": False, "expires": "Infinity"},
            {
                "key": "b",
                "value": "v",
                "domain": "example.com",
                "expires": "2027-01-26T21:46:40.000Z",
                "sameSite": "lax",
            },
            {"key": "c", "value": "v", "domain": "example.com", "maxAge": 60, "creation": DATE},
        ],
    }
    first, second, third = read(jar).session.cookies
    assert (first.host_only, first.expires) == (False, None)
    assert (second.host_only, second.expires, second.same_site) == (True, 1_801_000_000.0, "Lax")
    assert third.expires == 1_801_000_060.0


LINE: Final = ".example.com\tTRUE\t/\tTRUE\t{}\ta\tv"


@pytest.mark.parametrize(
    ("text", "expires"),
    [
        ("# Netscape HTTP Cookie File\n" + LINE.format(0), None),
        ("# HTTP Cookie File\r\n" + LINE.format("") + "\r\n", None),
        (LINE.format(-1), None),
        (LINE.format(1_900_000_000.5), 1_900_000_000.5),
        (LINE.format(1_900_000_000_000), 1_900_000_000.0),
        (LINE.format(0).replace("TRUE", "true") + "\t9", None),
        ("\ufeff# Netscape HTTP Cookie File\n\n# a comment\n" + LINE.format(0), None),
        (LINE.format(0) + "\n#HttpOnly_" + LINE.format(1_900_000_000), 1_900_000_000.0),
    ],
)
def test_a_cookies_txt_of_any_writer(text: str, expires: float | None) -> None:
    loaded = read(text)
    [cookie] = loaded.session.cookies
    assert loaded.kind == "a cookies.txt"
    assert cookie == msgspec.structs.replace(EXPECTED, expires=expires, http_only="#HttpOnly_" in text)


def test_what_wget_was_given_at_a_port_is_newer_than_what_it_had() -> None:
    text = "app.example.com:8443\tFALSE\t/\tFALSE\t1900000000\ta\tnew\napp.example.com\tFALSE\t/\tFALSE\t0\ta\told\n"
    cookie = one_cookie(text)
    assert (cookie.value, cookie.domain, cookie.host_only) == ("new", "app.example.com", True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# Netscape HTTP Cookie File\na b c s3cret", "line 2: it has 1 columns"),
        ("x\tTRUE\t/\tTRUE\tsoon\ta\ts3cret", "line 1: its expiry is not a number"),
        ("x\tmaybe\t/\tTRUE\t0\ta\ts3cret", "line 1: a column that is TRUE or FALSE holds something else"),
    ],
)
def test_a_damaged_cookies_txt_is_refused_by_line(text: str, problem: str) -> None:
    with pytest.raises(ImportFailed) as caught:
        read(text)
    assert problem in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_httpie_session_of_old_and_of_today() -> None:
    old = {"__meta__": {}, "cookies": {"a": {"value": "v", "expires": None, "path": "/", "secure": True}}}
    with pytest.raises(ImportFailed, match="holds nothing for"):
        read(old)
    auth = {"type": "basic", "username": "me", "password": "s3cret"}
    item = {"name": "a", "value": "v", "domain": ".example.com", "path": "/", "secure": True, "expires": None}
    headers = [{"name": "User-Agent", "value": "x"}, {"name": "Authorization", "value": "s3cret"}]
    loaded = read({"__meta__": {}, "auth": auth, "cookies": [item], "headers": headers})
    assert loaded.kind == "a session of HTTPie"
    assert loaded.session.headers == {"User-Agent": "x"}
    assert loaded.left_out == ("the user and password",)
    assert loaded.session.unknown == ("local_storage",)
    loaded = read(
        {"__meta__": {}, "cookies": [item], "headers": {"User-Agent": "x", "Accept-Language": "de", "Cookie": "b=2"}}
    )
    assert loaded.session.headers == {"User-Agent": "x", "Accept-Language": "de"}


def test_a_session_of_xh_does_not_say_which_hosts_get_a_cookie() -> None:
    hosts = {"a": "app.example.com", "b": "example.com", "c": ".example.com", "d": "deep.app.example.com"}
    cookies = [{"name": name, "value": "v", "path": "/", "domain": domain} for name, domain in hosts.items()]
    file = {"__meta__": {"about": "xh session file", "xh": "0.26.3"}, "auth": {}, "cookies": cookies, "headers": []}
    session = read(file, "https://app.example.com/").session
    wide = {cookie.name for cookie in session.cookies if not cookie.host_only}
    assert wide == {"a", "b", "c"}, "those of hosts with a known host below them"
    assert "cookie_attributes" in session.unknown
    file["cookies"] = cookies[1:2]
    assert [cookie.host_only for cookie in read(file, "https://example.com/").session.cookies] == [True]
    assert [cookie.host_only for cookie in read(file, "https://app.example.com/").session.cookies] == [False]
    with pytest.raises(ImportFailed, match="is not a web page's"):
        read(file, "https://[")
    file["__meta__"] = {"httpie": "3.2.4"}
    assert [cookie.host_only for cookie in read(file, "https://example.com/").session.cookies] == [True]


@pytest.mark.parametrize(
    "text", ["curl 'https://example.com/ -b 'a=1'", "curl example.com -b 'a=1'", 'fetch("https://example.com/", {']
)
def test_of_a_copy_that_can_not_be_read_the_advice_is_given_once(text: str) -> None:
    with pytest.raises(ImportFailed) as caught:
        read(text)
    assert str(caught.value).endswith(". In DevTools, copy the request again.")
    assert str(caught.value).count("again") == 1


def test_a_cookie_header_is_taken_for_its_host_and_marked() -> None:
    for text in ("sid=a+b/c==; pref=1", "Cookie: sid=a+b/c==; pref=1\nUser-Agent: Chrome/150 x\nHost: y\n"):
        session = read(text, "https://app.example.com/x?y").session
        assert [(c.name, c.value) for c in session.cookies] == [("sid", "a+b/c=="), ("pref", "1")]
        assert all(c.host_only and c.secure and c.domain == "app.example.com" for c in session.cookies)
        assert "cookie_attributes" in session.unknown
    assert session.user_agent == "Chrome/150 x"
    assert session.browser.version == "150"
    assert list(session.headers) == ["User-Agent"]


def make_har(*entries: dict[str, Any], creator: str = "WebInspector") -> dict[str, Any]:
    return {"log": {"version": "1.2", "creator": {"name": creator}, "entries": list(entries)}}


def make_entry(url: str, sent: str = "", set_cookie: str = "", **request: Any) -> dict[str, Any]:  # noqa: ANN401
    headers = [{"name": "User-Agent", "value": "Chrome/150 x"}, {"name": ":authority", "value": "x"}]
    headers += [{"name": "Cookie", "value": sent}] if sent else []
    answered = [{"name": "Set-Cookie", "value": set_cookie}] if set_cookie else []
    return {
        "startedDateTime": "2027-01-15T08:00:00.000Z",
        "_resourceType": "document",
        "request": {"method": "GET", "url": url, "headers": headers, "cookies": [], **request},
        "response": {"status": 200, "headers": answered, "content": {"mimeType": "text/html"}},
    }


def test_a_har_of_chrome_has_whole_cookies() -> None:
    cookie = {"name": "sid", "value": "v", "domain": ".example.com", "path": "/", "expires": DATE}
    entry = make_entry(URL, "sid=v", cookies=[cookie | {"httpOnly": True, "secure": True, "sameSite": "Lax"}])
    loaded = read(make_har(entry), url=None)
    [kept] = loaded.session.cookies
    assert loaded.kind == "a HAR file"
    assert (kept.domain, kept.host_only, kept.http_only, kept.expires) == ("example.com", False, True, 1_801_000_000.0)
    assert loaded.session.origin == "https://app.example.com"
    assert loaded.session.headers == {"User-Agent": "Chrome/150 x"}
    assert "cookie_attributes" not in loaded.session.unknown


def test_later_answers_of_a_har_change_its_cookies() -> None:
    first = make_entry(URL, "sid=old; pref=1", "sid=new; Path=/; HttpOnly\nout=x; Domain=example.com; Max-Age=99999999")
    second = make_entry(f"{URL}x", "sid=new; pref=1; out=x", "pref=; Max-Age=0")
    session = read(make_har(first, second, creator="Firefox"), url=None).session
    found = {c.name: (c.value, c.host_only, c.http_only) for c in session.cookies}
    assert found["sid"] == ("new", True, True)
    assert found["out"] == ("x", False, False)
    assert "pref" not in found


@pytest.mark.parametrize(
    ("shown", "sent"), [("h\xe2\u201a\xac", "h€"), ("hÃ©", "hé"), ("h€", "h€"), ("hé", "hé"), ("\xd0\x90", "\u0410")]
)
def test_a_har_shows_utf_8_as_windows_1252(shown: str, sent: str) -> None:
    [cookie] = read(make_har(make_entry(URL, f"sid={shown}")), url=None).session.cookies
    assert cookie.value == sent


def test_of_a_har_with_nothing_but_answered_cookies_those_are_read() -> None:
    unanswered = make_entry(f"{URL}x")
    del unanswered["response"]
    session = read(make_har(unanswered, make_entry(URL, set_cookie="sid=new; Path=/")), url=None).session
    assert [(cookie.name, cookie.value) for cookie in session.cookies] == [("sid", "new")]


def test_a_har_that_was_exported_without_secrets_names_the_setting() -> None:
    with pytest.raises(ImportFailed, match="Allow to generate HAR with sensitive data"):
        read(make_har(make_entry(URL)))


def test_a_har_of_two_sites_asks_which() -> None:
    entries = (make_entry(URL, "a=1"), make_entry("https://example.org/", "b=1"))
    with pytest.raises(ImportFailed, match=r"--url https://app\.example\.com/"):
        read(make_har(*entries), url=None)
    assert [c.name for c in read(make_har(*entries), url="https://example.org/").session.cookies] == ["b"]


def test_a_storage_state_of_playwright() -> None:
    state = {
        "cookies": [
            {
                "name": "a",
                "value": "v",
                "domain": ".example.com",
                "path": "/",
                "expires": -1,
                "secure": True,
                "httpOnly": True,
            }
        ],
        "origins": [
            {
                "origin": "https://app.example.com",
                "localStorage": [{"name": "x", "value": "y"}],
                "indexedDB": [{"name": "db"}],
            },
            {"origin": "https://other.org", "localStorage": [{"name": "x", "value": "y"}]},
            {"origin": "https://[", "localStorage": [{"name": "x", "value": "z"}]},
        ],
        "credentials": [{"id": "x", "privateKey": "s3cret"}],
    }
    loaded = read(state)
    assert loaded.session.cookies == (EXPECTED,)
    assert loaded.session.local_storage == {"x": "y"}
    assert loaded.session.extra_storage == {
        "origins": [{"origin": "https://app.example.com", "indexedDB": [{"name": "db"}]}]
    }
    assert loaded.left_out == (
        "1 passkey, of which Playwright writes the private key",
        "the storage of 2 other origins",
    )


def test_a_state_that_playwright_wrote_anew_wins_over_what_stands_beside_it() -> None:
    whole = make_session("https://app.example.com", cookies=(make_cookie(domain="app.example.com", priority="High"),))
    state = json.loads(dump(whole, "storage-state", DumpOptions(now=NOW)).text)
    state["cookies"][0]["value"] = "rotated"
    state["cookies"].append({"name": "new", "value": "v", "domain": "app.example.com", "path": "/", "expires": -1})
    state["origins"][0]["localStorage"] = []
    session = read(state, url=None).session
    assert [(c.name, c.value, c.priority) for c in session.cookies] == [("sid", "rotated", "High"), ("new", "v", None)]
    assert session.local_storage == {}
    assert session.user_agent == whole.user_agent


COOKIE: Final = {"name": "a", "value": "v", "domain": "app.example.com", "size": 2}


def test_the_only_site_of_a_file_is_found_and_others_are_asked_for() -> None:
    assert read([COOKIE], url=None).session.origin == "https://app.example.com"
    two = [COOKIE, COOKIE | {"domain": "www.example.com", "name": "b"}]
    assert read(two, url=None).session.origin == "https://example.com"
    with pytest.raises(ImportFailed, match=r"of several sites: example\.com \(1\), example\.org \(1\)\. Name one"):
        read([COOKIE, COOKIE | {"domain": "example.org"}], url=None)
    with pytest.raises(ImportFailed, match="which port"):
        read([COOKIE | {"domain": "127.0.0.1"}], url=None)
    local = COOKIE | {"domain": "127.0.0.1", "sourceScheme": "NonSecure", "sourcePort": 8123}
    assert read([local], url=None).session.origin == "http://127.0.0.1:8123"


def test_sites_that_only_storage_is_of_are_named() -> None:
    state = {"cookies": [], "origins": [{"origin": "https://a.org"}, {"origin": "https://b.org"}, {"origin": "x"}]}
    kind = "a storage state of Playwright"
    for url, said in {
        None: "it is of several sites: a.org (1), b.org (1). Name one, such as --url https://a.org/",
        URL: "it holds nothing for https://app.example.com. It holds: a.org (1), b.org (1).",
    }.items():
        with pytest.raises(ImportFailed) as caught:
            read(state, url)
        assert str(caught.value) == f"{kind}: {said}"


def test_a_session_of_another_site_than_the_one_named_is_refused() -> None:
    session = make_session("https://app.example.com")
    assert read(session.to_json()).session == session
    other = "it is a session of https://app.example.com, not of the address given. Leave out --url."
    no_page = "the address in it is not a web page's. Give it with --url."
    for url, problem in {"https://example.org/": other, "https://[": no_page}.items():
        with pytest.raises(ImportFailed) as caught:
            read(session.to_json(), url)
        assert str(caught.value) == f"a session of aura-browser: {problem}"


def test_other_sites_and_expired_cookies_are_counted() -> None:
    items = [COOKIE, COOKIE | {"domain": "tracker.net"}, COOKIE | {"name": "old", "expires": NOW - 5}]
    loaded = read(items)
    assert loaded.left_out == ("1 cookie of 1 other site: tracker.net", "1 expired cookie")
    with pytest.raises(ImportFailed, match=r"holds nothing for https://example\.net\. It holds: example\.com \(2\)"):
        read(items, url="https://example.net/")


def test_a_value_that_a_program_took_for_latin_1_is_named() -> None:
    loaded = read([COOKIE | {"value": "h\xe2\x82\xac", "name": "wide"}, COOKIE | {"value": "h€é"}])
    assert loaded.left_out == ("the right value of 1 cookie, whose UTF-8 was saved as Latin-1: wide",)


def test_a_user_agent_is_taken_where_the_file_has_none() -> None:
    session = read([COOKIE], user_agent="Mozilla/5.0 Firefox/140.0").session
    assert session.headers == {"User-Agent": "Mozilla/5.0 Firefox/140.0"}
    assert (session.browser.name, session.browser.version) == ("firefox", "140.0")
    assert session.unknown == ("local_storage",)


def make_firefox_database() -> bytes:
    """Return a database with Firefox's table."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE moz_cookies (id INTEGER PRIMARY KEY, name TEXT, value TEXT, host TEXT)")
        database.execute("INSERT INTO moz_cookies VALUES (1, 'sid', 's3cret', 'example.com')")
        database.commit()
        return database.serialize()


PICKLED: Final = (
    "a pickle: reading it would run whatever code is in it. "
    "In the program that wrote it, use: json.dump(driver.get_cookies(), file)"
)
ENCRYPTED: Final = "an encrypted file: it can't be decrypted here. Decrypt it first."
AGE: Final = "a file of age: it is encrypted. Decrypt it first, with age.decrypt."
PACKED: Final = "a packed file: it is not unpacked here. Unpack it first."


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            b"SQLite format 3\0",
            (
                "a browser's database of cookies: Chrome encrypts the values. "
                "Use that browser itself: aura-browser harvest URL --attach chrome"
            ),
        ),
        *((pickle.dumps([{"name": "sid", "value": "s3cret"}], protocol), PICKLED) for protocol in range(2, 6)),
        (
            b"aura-browser-encrypted-2 gAAA",
            (
                "a stored session of aura-browser: it is encrypted for the store that it is in. "
                "On the machine that has the key, run: aura-browser sessions export NAME -o session.json"
            ),
        ),
        (b"-----BEGIN PGP MESSAGE-----\n", ENCRYPTED),
        (b"Salted__", ENCRYPTED),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\n", AGE),
        (b"age-encryption.org/v1\n", AGE),
        *((magic, PACKED) for magic in (b"\x1f\x8b\x08", b"PK\x03\x04", b"\xfd7zXZ", b"7z\xbc\xaf")),
    ],
)
def test_what_can_not_be_read_is_named_with_the_way_that_works(data: bytes, said: str) -> None:
    with pytest.raises(ImportFailed) as caught:
        read(data)
    assert str(caught.value) == said


def test_of_a_large_file_only_a_har_is_read() -> None:
    padding = "x" * (33 * 2**20)
    har = make_har(make_entry(URL, "sid=v"))
    har["log"]["entries"][0]["response"]["content"]["text"] = padding
    assert [c.name for c in read(har, url=None).session.cookies] == ["sid"]
    with pytest.raises(ImportFailed, match="larger than 32 MiB, and no HAR"):
        read([COOKIE | {"padding": padding}])


@pytest.mark.parametrize(
    "data",
    [b"", b"   ", b"{", b"[]", b"[1]", b"{}", b"nonsense", b"\xff\xfe", b"PK\x03\x04", b'[{"x": 1}]', b'{"log": {}}'],
)
def test_anything_else_is_one_clear_error(data: bytes) -> None:
    with pytest.raises(AuraError) as caught:
        read(data)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


KNOWN: Final = (
    " It may be what harvest wrote, a cookies.txt, a HAR, a storage state, cookies as JSON, a Cookie header, or a "
    "request copied from DevTools."
)
SANITIZED: Final = (
    "a HAR file: it was exported without cookies. In Chrome's DevTools, switch on Settings → Preferences → Network → "
    "'Allow to generate HAR with sensitive data', then choose 'Export HAR (with sensitive data)'."
)
HTTPIE: Final = "a session of HTTPie, cookies: it is not a list of cookies. Have HTTPie write it again."
BY_HAND: Final = " Export the file again, without editing it."
FIREFOX: Final = (
    "Firefox's database of cookies: a copy of it lacks what Firefox has not written there yet. In Firefox's developer "
    "tools, under Network, copy a request as cURL, and import that."
)


def make_state(**facts: object) -> dict[str, Any]:
    return {"cookies": [], "origins": []} | facts


def refuse_state(place: str, problem: str) -> str:
    return f"a storage state of Playwright, {place}: {problem}. Have Playwright write it again."


NO_LIST: Final = refuse_state("cookies", "it is not a list of cookies")
NO_ENTRY: Final = refuse_state("origins[0].localStorage", "an entry is not a name with a value")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", f"This file: it is empty.{KNOWN}"),
        ("nonsense", f"This file: it is of no known form.{KNOWN}"),
        ("a=1; b", f"This file: it is of no known form.{KNOWN}"),
        ("a\tb", f"This file: it is of no known form.{KNOWN}"),
        (b"\xff\xfe", f"This file: it is neither JSON nor text in UTF-8.{KNOWN}"),
        ("{", f"This file: it is malformed JSON.{KNOWN}"),
        ({}, f"This file: it is JSON of no known form.{KNOWN}"),
        ([], f"This file: it is a list, but not of cookies.{KNOWN}"),
        ([COOKIE, 1], f"This file: it is a list, but not of cookies.{KNOWN}"),
        ([{"name": "a"}], f"This file: it is a list, but not of cookies.{KNOWN}"),
        ([{"value": "a"}], f"This file: it is a list, but not of cookies.{KNOWN}"),
        (
            [{"origin": URL, "version": 2}],
            "a session of aura-browser: the file is a list of several. Give a file with one of them.",
        ),
        ({"log": {}}, "a HAR file: it is not of the form of HAR 1.2. Export it again."),
        (make_har(), SANITIZED),
        (
            make_har(creator="Firefox"),
            "a HAR file: it was exported without cookies. Export it again, with cookies.",
        ),
        (make_state(cookies=5), NO_LIST),
        (make_state(cookies=[COOKIE, 5]), NO_LIST),
        (make_state(origins=5), refuse_state("origins", "it is not a list")),
        (make_state(origins=[{"origin": URL}, {}]), refuse_state("origins[1]", "it has no origin")),
        (make_state(origins=[5]), refuse_state("origins[0]", "it has no origin")),
        (
            make_state(origins=[{"origin": URL, "localStorage": 5}]),
            refuse_state("origins[0].localStorage", "it is not a list"),
        ),
        (make_state(origins=[{"origin": URL, "localStorage": [{"name": "a"}]}]), NO_ENTRY),
        (make_state(origins=[{"origin": URL, "localStorage": [{"value": "a"}]}]), NO_ENTRY),
        (make_state(origins=[{"origin": URL, "localStorage": [5]}]), NO_ENTRY),
        ({"_aura": {"version": 2}}, refuse_state("_aura.origin", "the field is missing")),
        ({"__meta__": {}, "cookies": 5}, HTTPIE),
        ({"__meta__": {}, "cookies": [COOKIE, 5]}, HTTPIE),
        (
            "Cookie: ;",
            "a Cookie header: there is no cookie in it. Copy a request that the browser sends logged in.",
        ),
        (
            "# Netscape HTTP Cookie File\nx",
            f"a cookies.txt, line 2: it has 1 columns, not 7 with tabs between them.{BY_HAND}",
        ),
        ("x\tTRUE\t/\tTRUE\t1e5\ta\tv", f"a cookies.txt, line 1: its expiry is not a number.{BY_HAND}"),
        (
            "x\tTRUE\t/\tx\t1\ta\tv",
            f"a cookies.txt, line 1: a column that is TRUE or FALSE holds something else.{BY_HAND}",
        ),
        (make_firefox_database(), FIREFOX),
    ],
)
def test_an_error_says_what_the_file_is_and_what_is_wrong_with_it(data: Any, said: str) -> None:  # noqa: ANN401 - as read
    with pytest.raises(ImportFailed) as caught:
        read(data)
    assert str(caught.value) == said


def list_sites(*sites: str) -> list[dict[str, Any]]:
    return [COOKIE | {"domain": site, "name": f"c{number}"} for number, site in enumerate(sites)]


SITES: Final = "a.org (1), b.org (1), c.org (1), d.org (1), e.org (1)"
NO_PORT: Final = "cookies as JSON (Puppeteer): it does not say which port its site has. Give the address: --url"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("sid=1", "a Cookie header: it does not say which site it is for. Give the page's address with --url."),
        (
            make_har(make_entry(URL, "a=1"), make_entry("https://example.org/", "b=1")),
            (
                "a HAR file: it is of several sites: https://app.example.com, https://example.org. "
                "Name one with --url https://app.example.com/"
            ),
        ),
        ([COOKIE | {"domain": "127.0.0.1"}], f"{NO_PORT} http://127.0.0.1:8080/"),
        ([COOKIE | {"domain": "::1"}], f"{NO_PORT} http://[::1]:8080/"),
        ([COOKIE | {"domain": "nas"}], f"{NO_PORT} http://nas:8080/"),
        (
            [COOKIE | {"value": "a;b"}],
            (
                "cookies as JSON (Puppeteer): it holds no cookies that can be kept; 1 that no browser would keep as "
                "cookies: a. Export it again, logged in at the site."
            ),
        ),
        (
            list_sites("a.org", "b.org", "c.org", "d.org", "e.org"),
            f"cookies as JSON (Puppeteer): it is of several sites: {SITES}. Name one, such as --url https://a.org/",
        ),
        (
            list_sites("a.org", "b.org", "c.org", "d.org", "e.org", "f.org"),
            f"cookies as JSON (Puppeteer): it is of several sites: {SITES}, … Name one, such as --url https://a.org/",
        ),
        (
            list_sites("a.org", "b.org", "b.org", "x.b.org"),
            (
                "cookies as JSON (Puppeteer): it is of several sites: b.org (3), a.org (1). "
                "Name one, such as --url https://b.org/"
            ),
        ),
        (
            "curl 'https://example.com/' 'https://example.org/' -b a=b",
            (
                "a request copied as cURL (bash): it names several addresses in one command. "
                "In DevTools, copy the request again."
            ),
        ),
        (
            'curl ^"ftp://example.com/^" -b a=b',
            "a request copied as cURL (cmd): its address is not one of a website. In DevTools, copy the request again.",
        ),
        (
            "$session = New-Object X",
            "a request copied as PowerShell: there is no request in it. In DevTools, copy the request again.",
        ),
        (
            'fetch("https://example.com/")',
            (
                "a request copied as fetch: it has no cookies. "
                "In DevTools, choose 'Copy as cURL', or 'Copy as fetch (Node.js)'."
            ),
        ),
        (
            "curl 'https://example.com/' -b a=1\ncurl 'https://example.org/' -b a=1",
            (
                "a request copied as cURL (bash): it is of several sites: https://example.com, https://example.org. "
                "Name one with --url https://example.org/"
            ),
        ),
    ],
)
def test_a_file_that_does_not_name_its_site_says_what_to_add(data: Any, said: str) -> None:  # noqa: ANN401 - as read
    with pytest.raises(ImportFailed) as caught:
        read(data, None)
    assert str(caught.value) == said


COPIED: Final = {
    "bash": "curl 'https://app.example.com/api' -H 'user-agent: Chrome/150 x' -b 'sid=a!b; x=1' --data-raw 's3cret'",
    "cmd": 'curl ^"https://app.example.com/api^" -H ^"user-agent: Chrome/150 x^" -b ^"sid=a!b; x=1^"',
    "powershell": (
        "$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\n"
        '$session.UserAgent = "Chrome/150 x"\n'
        '$session.Cookies.Add((New-Object System.Net.Cookie("sid", "a!b", "/", "app.example.com")))\n'
        '$session.Cookies.Add((New-Object System.Net.Cookie("x", "1", "/", ".example.com")))\n'
        'Invoke-WebRequest -UseBasicParsing -Uri "https://app.example.com/api" -WebSession $session'
    ),
    "fetch": (
        'fetch("https://app.example.com/api", {"headers": {"user-agent": "Chrome/150 x", "cookie": "sid=a!b; x=1"}, '
        '"body": null, "method": "GET"});'
    ),
}


@pytest.mark.parametrize("shell", COPIED)
def test_a_copied_request(shell: str) -> None:
    loaded = read(COPIED[shell], url=None)
    session = loaded.session
    assert loaded.kind.startswith("a request copied as ")
    assert session.origin == "https://app.example.com"
    assert session.headers in ({"user-agent": "Chrome/150 x"}, {"User-Agent": "Chrome/150 x"})
    assert [(c.name, c.value, c.secure) for c in session.cookies] == [("sid", "a!b", True), ("x", "1", True)]
    assert session.cookies[1].host_only == (shell != "powershell")
    assert session.unknown == ("cookie_attributes", "local_storage")


def test_of_several_copied_requests_the_last_counts() -> None:
    text = "curl 'https://app.example.com/' -b 'sid=old; x=1' ;\ncurl 'https://app.example.com/a' -H 'Cookie: sid=new'"
    assert [(c.name, c.value) for c in read(text, url=None).session.cookies] == [("sid", "new"), ("x", "1")]
    other = f"{text} ;\ncurl 'https://example.org/' -b 'a=1'"
    with pytest.raises(ImportFailed, match=r"several sites: https://app\.example\.com, https://example\.org"):
        read(other, url=None)
    loaded = read(other)
    assert loaded.left_out == ("1 request to other sites",)


def test_an_option_that_is_not_taken_is_named_unless_it_may_be_a_secret() -> None:
    text = "curl 'https://app.example.com/' -b 'sid=v' --http2-prior-knowledge --retry-all-errors '--x s3cret'"
    said = read(text, url=None).left_out
    assert "the option --retry-all-errors" in said
    assert "an unknown option" in said
    assert not any("s3cret" in sentence for sentence in said)


def test_a_fetch_without_cookies_says_which_copy_has_them() -> None:
    with pytest.raises(ImportFailed, match=r"no cookies\. In DevTools, choose 'Copy as cURL'"):
        read('fetch("https://app.example.com/", {"headers": {"accept": "*/*"}, "method": "GET"});', url=None)


@pytest.mark.parametrize("answered", ["sid=LOGGED; Domain=example.com; Path=/", "sid=; Domain=example.com; Max-Age=0"])
@pytest.mark.parametrize("is_last", [False, True])
def test_a_har_without_attributes_forgets_what_was_before_a_login(answered: str, is_last: bool) -> None:  # noqa: FBT001
    now = "sid=LOGGED" if "LOGGED" in answered else "pref=1"
    entries = [make_entry(URL, "sid=ANON; pref=1", answered), make_entry(f"{URL}x", f"{now}; pref=1")]
    session = read(make_har(*entries[: 1 if is_last else 2], creator="Firefox"), url=None).session
    values = {cookie.name: cookie.value for cookie in session.cookies}
    assert len(session.cookies) == len(values)
    assert values == {"pref": "1"} | ({"sid": "LOGGED"} if "LOGGED" in answered else {})


def test_a_user_agent_that_is_given_stands_beside_other_headers() -> None:
    text = f"curl '{URL}' -H 'accept-language: de' -b 'a=v'"
    session = read(text, user_agent="Mozilla/5.0 Chrome/150").session
    assert {name.lower(): value for name, value in session.headers.items()} == {
        "user-agent": "Mozilla/5.0 Chrome/150",
        "accept-language": "de",
    }


@pytest.mark.parametrize(
    ("expires", "kept"),
    [
        (str(int(NOW) + 9), NOW + 9),
        ("Sat, 16 Jan 2027 08:00:00 GMT", 1_800_086_400.0),
        ("1970-01-01T00:00:00.000Z", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("1500000000", None),
    ],
)
def test_an_end_that_is_text_is_one(expires: str, kept: float | None) -> None:
    """One that is over is the end of a cookie that is gone, and never no end."""
    cookies = [COOKIE | {"name": "b"}, COOKIE | {"expires": expires}]
    found = {cookie.name: cookie.expires for cookie in read(cookies).session.cookies}
    assert found == {"b": None} | ({} if kept is None else {"a": kept})


def test_an_authorization_that_is_not_taken_is_named() -> None:
    for option in ("-H 'authorization: Bearer s3cret'", "-u ann:s3cret"):
        loaded = read(f"curl '{URL}' {option} -b 'a=v'")
        assert "the header Authorization" in " ".join(loaded.left_out)
        assert "s3cret" not in " ".join(loaded.left_out)


def test_a_body_may_begin_as_the_name_of_a_file_does() -> None:
    assert [c.name for c in read(f"curl '{URL}' -b 'a=v' --data-raw '@x'").session.cookies] == ["a"]
    with pytest.raises(ImportFailed, match="reads a file"):
        read(f"curl '{URL}' -b 'a=v' --data '@x'")


def test_a_session_of_a_single_cookie_guesses_nothing_else() -> None:
    expected = make_session(
        "https://app.example.com",
        user_agent="",
        headers={},
        cookies=(make_cookie("a", "v", domain="app.example.com"),),
        local_storage={},
        browser=Browser(name="unknown", version=""),
        harvested_at=NOW,
        is_login=None,
        unknown=("user_agent", "local_storage"),
    )
    assert read([COOKIE], url=None) == Loaded("cookies as JSON (Puppeteer)", expected, ())


@pytest.mark.parametrize(
    ("user_agent", "name", "version"),
    [
        ("Mozilla/5.0 AppleWebKit/537.36 Chrome/150.0.7 Safari/537.36", "chrome", "150.0.7"),
        ("Mozilla/5.0 Gecko/20100101 Firefox/140.0", "firefox", "140.0"),
        ("Mozilla/5.0 AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15", "safari", "17.4"),
        ("HeadlessChrome/150", "unknown", ""),
        ("curl/8", "unknown", ""),
    ],
)
def test_the_browser_is_read_from_its_user_agent(user_agent: str, name: str, version: str) -> None:
    assert read([COOKIE], user_agent=user_agent).session.browser == Browser(name=name, version=version)


def test_of_many_other_sites_those_of_most_cookies_are_named() -> None:
    own = COOKIE | {"name": "own"}
    five = list_sites("a.net", "b.net", "b.net", "c.net", "d.net", "e.net")
    assert read([own, *five]).left_out == ("6 cookies of 5 other sites: b.net, a.net, c.net, d.net, e.net",)
    six = list_sites("a.net", "b.net", "b.net", "c.net", "d.net", "e.net", "f.net")
    assert read([own, *six]).left_out == ("7 cookies of 6 other sites: b.net, a.net, c.net, d.net, e.net, …",)
    over = [COOKIE | {"name": name, "expires": 5} for name in "xyz"]
    assert read([own, *over]).left_out == ("3 expired cookies",)


@pytest.mark.parametrize(
    ("origins", "url"),
    [
        (["https://app.example.com:8443"], "https://app.example.com:8443/"),
        (["x", "https://b.example.com", "https://app.example.com:8443"], "https://example.com/"),
    ],
)
def test_a_storage_state_without_cookies_is_of_the_site_of_its_storage(origins: list[str], url: str) -> None:
    entries = [{"name": "a", "value": "b"}]
    state = make_state(origins=[{"origin": origin, "localStorage": entries} for origin in origins])
    assert read(state, url=None).session.url == url


@pytest.mark.parametrize(
    ("places", "url"),
    [
        ([("Secure", 8443)], "https://app.example.com:8443/"),
        ([("NonSecure", 1)], "http://app.example.com:1/"),
        ([("NonSecure", 80)], "http://app.example.com/"),
        ([("Unset", 8443)], "https://app.example.com/"),
        ([("NonSecure", 0)], "https://app.example.com/"),
        ([("NonSecure", -1)], "https://app.example.com/"),
        ([("NonSecure", 8080), ("NonSecure", 8081)], "https://app.example.com/"),
    ],
)
def test_where_cookies_were_set_is_their_site_if_it_is_one_place(places: list[tuple[str, int]], url: str) -> None:
    cookies = [
        COOKIE | {"name": f"c{number}", "sourceScheme": scheme, "sourcePort": port}
        for number, (scheme, port) in enumerate(places)
    ]
    assert read(cookies, url=None).session.url == url


@pytest.mark.parametrize(
    ("scheme", "origin"),
    [
        ("https", "https://app.example.com"),
        ("wss", "https://app.example.com"),
        ("http", "http://app.example.com"),
        ("ws", "http://app.example.com"),
    ],
)
def test_a_copied_websocket_is_of_the_site_that_its_page_is_of(scheme: str, origin: str) -> None:
    session = read(f"curl '{scheme}://app.example.com/chat' -b a=1", url=None).session
    assert session.origin == origin
    assert [cookie.secure for cookie in session.cookies] == [origin.startswith("https")]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"name": "kept", "domain": "ü" * 70 + ".example.com"}, "kept"),
        ({"name": "a" * 60, "path": "nowhere"}, "a" * 60),
        ({"name": "a" * 61, "path": "nowhere"}, "(no usual name)"),
        ({"name": "s3 cret", "path": "nowhere"}, "(no usual name)"),
        ({"name": None}, "(no usual name)"),
        ({"name": "long", "domain": "a" * 249 + ".example.com"}, "long"),
    ],
)
def test_what_is_no_cookie_is_named_if_its_name_is_a_usual_one(facts: dict[str, Any], said: str) -> None:
    assert read([COOKIE, COOKIE | facts]).left_out == (f"1 that no browser would keep as cookies: {said}",)


@pytest.mark.parametrize(
    ("written", "url", "domain"),
    [
        ("bücher.example", None, "xn--bcher-kva.example"),
        ("App.Example.com", None, "app.example.com"),
        (" .app.example.com ", URL, "app.example.com"),
        ("[::1]", "http://[::1]/", "::1"),
        ("a" * 248 + ".example.com", "https://example.com/", "a" * 248 + ".example.com"),
    ],
)
def test_a_domain_is_read_in_any_form(written: str, url: str | None, domain: str) -> None:
    [cookie] = read([COOKIE | {"domain": written}], url).session.cookies
    assert cookie.domain == domain


@pytest.mark.parametrize(
    ("facts", "expires"),
    [
        ({"expires": "Sat, 01 Jan 99999 00:00:00 GMT"}, None),
        ({"expires": "2027-13-45T00:00:00Z"}, None),
        ({"expires": "0001-01-01T00:00:00"}, None),
        ({"expires": "soon"}, None),
        ({"expires": True}, None),
        ({"expires": 1e300}, 1e12),
        ({"expires": None, "expirationDate": None, "expiry": NOW + 9}, NOW + 9),
        ({"creation": DATE, "maxAge": "Infinity"}, None),
        ({"creation": DATE, "maxAge": True}, None),
        ({"creation": "soon", "maxAge": 60}, None),
        ({"expires": DATE, "session": True}, None),
        ({"expires": DATE, "session": 1}, 1_801_000_000.0),
    ],
)
def test_an_end_that_no_program_means_is_none(facts: dict[str, Any], expires: float | None) -> None:
    assert one_cookie([COOKIE | facts]).expires == expires


@pytest.mark.parametrize(
    ("facts", "kept"),
    [
        ({"httponly": True}, {"http_only": True}),
        ({"path": ""}, {"path": "/"}),
        ({"secure": 1, "httpOnly": 1}, {"secure": False, "http_only": False}),
        ({"sourceScheme": "Unset", "sourcePort": 65535}, {"source_scheme": "Unset", "source_port": 65535}),
        ({"sourceScheme": "secure", "sourcePort": 65536}, {"source_scheme": None, "source_port": None}),
        ({"sourceScheme": 5, "sourcePort": -2}, {"source_scheme": None, "source_port": None}),
        ({"sourcePort": True, "priority": "high"}, {"source_port": None, "priority": None}),
        ({"priority": 5}, {"priority": None}),
        ({"priority": "Medium"}, {"priority": "Medium"}),
        (
            {"partitionKey": {"topLevelSite": "https://example.com", "hasCrossSiteAncestor": 1}},
            {"partition_key": "https://example.com", "has_cross_site_ancestor": None},
        ),
        (
            {"goog:partitionKey": "https://example.com", "_crHasCrossSiteAncestor": False},
            {"partition_key": "https://example.com", "has_cross_site_ancestor": False},
        ),
    ],
)
def test_other_names_and_values_of_a_cookies_facts(facts: dict[str, Any], kept: dict[str, Any]) -> None:
    cookie = one_cookie([COOKIE | facts])
    assert {name: getattr(cookie, name) for name in kept} == kept


def test_firefoxs_name_of_a_domain_is_one() -> None:
    cookie = one_cookie([{"name": "a", "value": "v", "host": ".example.com"}])
    assert (cookie.domain, cookie.host_only) == ("example.com", False)


@pytest.mark.parametrize(
    ("facts", "writer"),
    [
        ({"hostOnly": False}, "browser extension"),
        ({"storeId": "0"}, "browser extension"),
        ({"expirationDate": 4e9}, "browser extension"),
        ({"size": 2}, "Puppeteer"),
        ({"sourceScheme": "Secure"}, "Puppeteer"),
        ({"priority": "Low"}, "Puppeteer"),
        ({"partitionKeyOpaque": False}, "Puppeteer"),
        ({"sourcePort": 443}, "Playwright or Selenium"),
        ({"session": False}, "Playwright or Selenium"),
        ({"sourcePort": 443, "session": False}, "CDP"),
        ({"expiry": 4e9}, "Selenium"),
        ({"key": "a"}, "tough-cookie"),
        ({}, "Playwright or Selenium"),
    ],
)
def test_a_fact_that_one_program_writes_tells_which_it_was(facts: dict[str, Any], writer: str) -> None:
    base = {"name": "a", "value": "v", "domain": "app.example.com", "path": "/"}
    assert read([base, base | facts]).kind == f"cookies as JSON ({writer})"


def test_what_a_cookie_header_says_and_does_not_say() -> None:
    text = "User-Agent:\r\nAccept-Language: de\r\nCookie: a=1; b; ; =c; d=\r\n"
    session = read(text, "http://app.example.com/").session
    cookies = [(cookie.name, cookie.value, cookie.secure) for cookie in session.cookies]
    assert cookies == [("a", "1", False), ("", "b", False), ("d", "", False)], "of two without a name the first counts"
    assert session.headers == {"Accept-Language": "de"}
    assert session.unknown == ("cookie_attributes", "local_storage", "user_agent")


def test_of_cookies_with_one_name_the_first_counts_as_for_servers_and_the_others_are_named() -> None:
    loaded = read("a=specific; a=general; b=1; b=s3cret; b=3", "http://app.example.com/")
    assert [(c.name, c.value) for c in loaded.session.cookies] == [("a", "specific"), ("b", "1")]
    [said] = [each for each in loaded.left_out if "same name" in each]
    assert said == "3 after another one of the same name, as of a wider path: a, b"


@pytest.mark.parametrize("text", ["a=1", "a=1;", "\n\n a=1 ;\t\n", "COOKIE: a=1", "x: y\n\ncookie: a=1"])
def test_cookies_as_people_copy_them(text: str) -> None:
    loaded = read(text)
    assert (loaded.kind, [(c.name, c.value) for c in loaded.session.cookies]) == ("a Cookie header", [("a", "1")])


def test_of_headers_the_first_thousand_lines_are_read() -> None:
    assert read("x\n" * 999 + "Cookie: a=1").session.cookies[0].name == "a"
    with pytest.raises(ImportFailed, match="it is of no known form"):
        read("x\n" * 1000 + "Cookie: a=1")
    for between, headers in ((998, {"User-Agent": "u"}), (999, {})):
        assert read("Cookie: a=1\n" + "x\n" * between + "User-Agent: u").session.headers == headers


def make_document(url: str, kind: str = "document", mime_type: str = "text/html", **facts: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an entry of a HAR, of a kind as Chrome says it; Firefox says none."""
    entry = make_entry(url, **facts)
    entry["_resourceType"] = kind
    entry["response"]["content"]["mimeType"] = mime_type
    return entry


OTHER: Final = "https://b.example.org/"
IMAGES: Final = (make_document(OTHER, "image"),) * 3
MOVED: Final = "https://www.example.com/"


@pytest.mark.parametrize(
    ("entries", "url"),
    [
        (
            [
                make_document(f"{URL}a#x", sent="a=1"),
                make_document(f"{URL}b?c#d"),
                *[make_document(OTHER, "image")] * 3,
            ],
            f"{URL}b?c",
        ),
        (
            [
                make_document(f"{URL}a", "", "text/html; charset=utf-8", sent="a=1"),
                *[make_document(OTHER, "", "text/css")] * 2,
            ],
            f"{URL}a",
        ),
        ([*[make_document(f"{URL}a", "xhr", sent="a=1")] * 2, make_document(OTHER, "xhr")], URL),
        ([make_document(f"{MOVED}a", sent="a=1"), make_document(URL), make_document(f"{MOVED}b")], f"{MOVED}b"),
        ([make_document(URL, sent="a=1"), make_document(MOVED, sent="a=1")], URL),
        ([make_document(address, sent="a=1") for address in ("ftp://x/", "https://[", URL)], URL),
    ],
)
def test_the_page_of_a_har_is_the_last_document_of_most(entries: list[dict[str, Any]], url: str) -> None:
    assert read(make_har(*entries), url=None).session.url == url


def test_a_har_dates_what_answers_set_by_their_own_time() -> None:
    early, undated = (make_document(URL, set_cookie=f"{name}=1; Max-Age=60") for name in "ab")
    early["startedDateTime"], undated["startedDateTime"] = "2027-01-15T07:59:50.000Z", "soon"
    cookies = read(make_har(early, undated)).session.cookies
    assert [(cookie.name, cookie.expires) for cookie in cookies] == [("a", NOW + 50), ("b", NOW + 60)]


def test_headers_of_a_har_are_those_that_its_origin_got_with_cookies() -> None:
    first, other, bare = (make_document(url, sent=sent) for url, sent in ((URL, "a=1"), (MOVED, "b=1"), (URL, "")))
    for entry, agent in ((first, "Chrome/1"), (other, "Chrome/2"), (bare, "Chrome/3")):
        entry["request"]["headers"][0]["value"] = agent
    first["request"]["headers"] += [{"name": "Accept", "value": "*/*"}, {"name": "Accept-Language", "value": ""}]
    assert read(make_har(first, other, bare)).session.headers == {"User-Agent": "Chrome/1"}


def test_cookies_of_a_har_with_one_value_or_one_name_are_several() -> None:
    loaded = read(make_har(make_document(URL, sent="a=1; b=1"), make_document(MOVED, sent="a=1")))
    assert [(cookie.name, cookie.value) for cookie in loaded.session.cookies] == [("a", "1"), ("b", "1")]
    assert loaded.left_out == ("1 cookie of 1 other site: example.com",)


def test_what_a_har_says_of_itself() -> None:
    whole = make_document(URL, cookies=[COOKIE, COOKIE | {"name": "s3 cret", "path": "x"}])
    loaded = read({"version": 1, "log": make_har(whole, make_document(URL, sent="a=v; \x01=2"))["log"]})
    assert loaded.kind == "a HAR file"
    assert loaded.left_out == ("1 that no browser would keep as cookies: (no usual name)",)
    assert loaded.session.unknown == ("local_storage",)
    assert read(make_har(make_document(URL, sent="a=1"))).session.unknown == ("local_storage", "cookie_attributes")


def test_an_answer_with_a_list_is_unwrapped_if_little_stands_around_it() -> None:
    around = {f"k{number}": 1 for number in range(4)}
    assert one_cookie({"value": [COOKIE], **dict(list(around.items())[:3])}).name == "a"
    with pytest.raises(ImportFailed, match="JSON of no known form"):
        read({"value": [COOKIE], **around})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"user_agent": "x", "local_storage": {}}, "version: the field is missing"),
        ({"origin": 1, "version": 2}, "origin: Expected `str`, got `int`"),
    ],
)
def test_a_damaged_session_of_this_program_is_known_as_one(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(SessionFormatError, match=said):
        read(fields)


def test_a_session_of_the_future_is_of_now() -> None:
    session = make_session("https://app.example.com", harvested_at=NOW + 5)
    assert read("\ufeff\n" + session.to_json()).session.harvested_at == NOW


@pytest.mark.parametrize(
    ("solution", "url", "headers", "unknown"),
    [
        ({"cookies": [COOKIE, 5], "url": f"{URL}x", "userAgent": "u"}, f"{URL}x", {"User-Agent": "u"}, ()),
        ({"cookies": [COOKIE], "url": 5, "userAgent": 5}, URL, {}, ("user_agent",)),
    ],
)
def test_an_answer_of_flaresolverr(
    solution: dict[str, Any], url: str, headers: dict[str, str], unknown: tuple[str, ...]
) -> None:
    loaded = read({"status": "ok", "solution": solution}, url=None)
    assert loaded.kind == "an answer of FlareSolverr"
    assert (loaded.session.url, loaded.session.headers) == (url, headers)
    assert loaded.session.unknown == ("local_storage", *unknown)
    with pytest.raises(ImportFailed, match="it holds nothing for"):
        read({"solution": {"cookies": 5}})


@pytest.mark.parametrize(
    ("auth", "left_out"),
    [
        ({"raw_auth": "x"}, ("the user and password",)),
        ({"password": "x"}, ("the user and password",)),
        ({"username": "x", "password": None}, ()),
        (5, ()),
    ],
)
def test_a_password_of_httpie_is_not_taken(auth: object, left_out: tuple[str, ...]) -> None:
    headers = [{"name": "User-Agent", "value": 5}, 5, {"name": "Accept-Language", "value": "de"}]
    cookies = {"a": {"value": "v", "domain": "app.example.com"}, "b": 5}
    loaded = read({"__meta__": {}, "cookies": cookies, "auth": auth, "headers": headers})
    assert loaded.left_out == left_out
    assert (loaded.session.headers, loaded.session.unknown) == (
        {"Accept-Language": "de"},
        ("local_storage", "user_agent"),
    )


@pytest.mark.parametrize(("length", "is_parent"), [(255, True), (256, False)])
def test_what_is_longer_than_a_host_has_no_parents(length: int, *, is_parent: bool) -> None:
    long = COOKIE | {"name": "b", "domain": "a" * (length - 12) + ".example.com"}
    file = {"__meta__": {"xh": "0.26.3"}, "cookies": [COOKIE | {"domain": "example.com"}, long]}
    loaded = read(file, "https://example.com/")
    assert [cookie.host_only for cookie in loaded.session.cookies] == [not is_parent, True]
    assert loaded.session.unknown == ("cookie_attributes", "local_storage", "user_agent")


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        ("app.example.com\tFALSE\t/\tTRUE\t0\ta", {"value": "", "host_only": True, "http_only": False}),
        ("#HttpOnly_app.example.com\tFALSE\t\t true \t\ta\tv\textra", {"path": "/", "secure": True, "http_only": True}),
        (".app.example.com\tFALSE\t/\tFALSE\t5000000000\ta\tv", {"host_only": False, "expires": 5e9}),
        ("app.example.com\tTRUE\t/x\tFALSE\t 0 \ta\tv", {"host_only": False, "path": "/x", "expires": None}),
        ("\n# HTTP Cookie File\n" + LINE.format(0), {"domain": "example.com"}),
    ],
)
def test_a_line_of_a_cookies_txt_may_lack_what_goes_without_saying(line: str, facts: dict[str, Any]) -> None:
    loaded = read(line)
    [cookie] = loaded.session.cookies
    assert {name: getattr(cookie, name) for name in facts} == facts
    assert loaded.session.unknown == ("user_agent", "local_storage")


@pytest.mark.parametrize(("credentials", "said"), [([1], "1 passkey"), ([1, 2], "2 passkeys"), ({"a": 1}, "passkeys")])
def test_passkeys_are_counted_and_left_out(credentials: object, said: str) -> None:
    state = make_state(cookies=[COOKIE], credentials=credentials)
    assert read(state).left_out == (f"{said}, of which Playwright writes the private key",)


def test_of_copied_requests_those_of_the_page_have_the_headers() -> None:
    text = (
        "curl 'https://app.example.com/' -b 'a=1' -H 'user-agent: x' -H 'authorization: y'\n"
        "curl 'https://api.example.com/' -b 'b=1' -H 'user-agent: z'\n"
        "curl 'https://app.example.com/x' -H 'accept: y'\n"
        "curl 'https://o.org'\ncurl 'https://o.org'"
    )
    loaded = read(text)
    assert loaded.session.headers == {"user-agent": "x"}
    assert loaded.session.unknown == ("cookie_attributes", "local_storage")
    assert loaded.left_out == (
        "2 requests to other sites",
        "the header Authorization; where the site wants one, see: aura-browser sites learn",
        "1 cookie of 1 other site: example.com",
    )


def test_the_page_of_copied_requests_is_that_of_the_last_with_cookies() -> None:
    first, last = f"curl '{URL}x?y' -b 'a=1'", "curl 'https://api.example.com/'"
    assert read(f"{first}\n{last}", url=None).session.url == "https://app.example.com/"
    assert read(f"{first}\n{last} -b 'a=1'", url=None).session.url == "https://api.example.com/"
    with pytest.raises(ImportFailed, match="it has no cookies"):
        read(last, url=None)


def test_what_was_read_shows_no_value() -> None:
    headers = {"User-Agent": "s3cret", "Accept-Language": "s3cret"}
    origins = [{"origin": URL, "localStorage": [{"name": "a", "value": "s3cret"}]}]
    cookie = COOKIE | {"value": "s3cret"}
    shown = repr(httpie.load({"cookies": [cookie], "headers": headers}))
    shown += repr(storage_state.load(make_state(cookies=[cookie], origins=origins)))
    shown += repr(File(b"s3cret", URL, NOW)) + repr(read([cookie], user_agent="s3cret"))
    assert shown.count("Content(") == 2
    assert "s3cret" not in shown


def test_cookies_of_a_state_that_only_what_stood_around_them_tells_apart_stay_two() -> None:
    facts: dict[str, Any] = {"domain": "app.example.com", "secure": True, "partition_key": "https://example.com"}
    twins = (
        make_cookie(**facts, has_cross_site_ancestor=True, priority="High"),
        make_cookie(**facts, has_cross_site_ancestor=False, priority="Low"),
    )
    session = make_session("https://app.example.com", cookies=twins)
    assert read(dump(session, "storage-state").text).session.cookies == twins
