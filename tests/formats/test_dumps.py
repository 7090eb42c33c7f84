"""What each format writes, and what it says that it leaves out: names and counts, never a value."""

import json
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any, Final

import pytest
from requests import Request
from requests.cookies import RequestsCookieJar, create_cookie, get_cookie_header

from aura_browser.cli.formats import FORMATS
from aura_browser.errors import InvalidInput
from aura_browser.formats import DUMPS, DumpOptions, dump
from aura_browser.session import Cookie, DeviceBound, Session
from tests.parts.missing import need_program
from tests.parts.sessions import make_cookie, make_session

NOW: Final = 1_800_000_000.0
ORIGIN: Final = "https://app.example.com"
COOKIES: Final = (
    make_cookie("sid", "s3cret+/==", domain="app.example.com", http_only=True, secure=True, same_site="Lax"),
    make_cookie("wide", "s3cret2", domain="example.com", host_only=False, expires=NOW + 60.4),
    make_cookie("", "s3cret3", domain="app.example.com"),
    make_cookie("tab", "s3cret4\tx", domain="app.example.com"),
    make_cookie("odd", 's3cret"€', domain="app.example.com", path="/app"),
    make_cookie(
        "part",
        "s3cret5",
        domain="app.example.com",
        secure=True,
        same_site="None",
        partition_key="https://example.com",
        has_cross_site_ancestor=False,
    ),
)
SESSION: Final = make_session(
    ORIGIN,
    url=f"{ORIGIN}/app",
    cookies=COOKIES,
    proxy="http://me:s3cret6@proxy:8080",
    extra_storage={"origins": [{"origin": ORIGIN, "sessionStorage": [{"name": "a", "value": "s3cret7"}]}]},
)
OPTIONS: Final = DumpOptions(now=NOW)
FEW: Final = make_session(
    ORIGIN,
    url=f"{ORIGIN}/app/",
    user_agent='a\\b "c"\td',
    headers={"User-Agent": 'a\\b "c"\td', "X-Empty": "", "Authorization": "Basic czNjcmV0"},
    cookies=(
        make_cookie("sid", "v+/==", domain="app.example.com", http_only=True, secure=True, same_site="Lax"),
        make_cookie("far", "v", domain="example.com", host_only=False, path="/app", expires=1e15, same_site="Strict"),
        make_cookie("old", "v", domain="app.example.com", expires=0.4, same_site="None", secure=True),
        make_cookie(
            "part",
            "v",
            domain="app.example.com",
            secure=True,
            partition_key="https://example.org",
            has_cross_site_ancestor=True,
        ),
    ),
)
WRITTEN: Final = Path(__file__).parent / "written"


def test_the_command_line_offers_all_formats() -> None:
    assert tuple(DUMPS) == FORMATS


@pytest.mark.parametrize("name", DUMPS)
def test_no_value_is_in_what_is_said(name: str) -> None:
    dumped = dump(SESSION, name, OPTIONS)
    assert "s3cret" not in repr(dumped)
    assert "s3cret" in dumped.text


@pytest.mark.parametrize("name", [name for name in DUMPS if name != "session"])
def test_each_format_is_written_as_in_its_example(name: str) -> None:
    text = dump(FEW, name, OPTIONS).text
    assert text.partition('  "_aura"')[0] == (WRITTEN / name).read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("session", set()),
        ("storage-state", {"proxy"}),
        ("netscape", {"without a name", "partitioned", "with a tab", "headers", "local storage", "further", "proxy"}),
        ("httpie", {"without a name", "partitioned", "outside ASCII", "local storage", "further", "proxy"}),
        ("curl", {"for other addresses", "local storage", "further", "proxy"}),
        ("header", {"for other addresses", "local storage", "further", "proxy"}),
        ("cookie-editor", {"without a name", "headers", "local storage", "further", "proxy"}),
        ("tough-cookie", {"without a name", "partitioned", "headers", "local storage", "further", "proxy"}),
        ("flaresolverr", {"without a name", "partitioned", "headers", "local storage", "further", "proxy"}),
    ],
)
def test_every_loss_is_said(name: str, lost: set[str]) -> None:
    elsewhere = make_cookie("far", "s3cret8", domain="other.example.com")
    session = make_session(**{**fields(SESSION), "cookies": (*COOKIES, elsewhere)})
    said = dump(session, name, OPTIONS).left_out
    for words in lost:
        assert [sentence for sentence in said if words in sentence], words
    assert len(said) == len(lost), said


def make_twice(name: str, **facts: Any) -> list[Cookie]:  # noqa: ANN401 - a cookie's fields
    """Return two cookies with these facts."""
    return [make_cookie(f"{name}{number}", **({"domain": "app.example.com"} | facts)) for number in (1, 2)]


IN_PYTHON: Final = "can't be sent by yt-dlp, gallery-dl and other programs in Python"
REST: Final = ("2 entries of local storage", "further storage of 2 origins", "the proxy")
HEADERS: Final = "the headers: User-Agent, Accept-Language, sec-ch-ua"
PARTS: Final = "2 partitioned cookies: part1, part2"
NO_NAMES: Final = "2 cookies without a name: (no name), (no name)"
ELSEWHERE: Final = "3 cookies for other addresses: (no name), nas1, nas2"


@pytest.mark.parametrize(
    ("name", "left_out", "notes"),
    [
        ("session", (), ()),
        ("storage-state", (), ()),
        (
            "netscape",
            (NO_NAMES, PARTS, "2 cookies with a tab: tab1, tab2", HEADERS, *REST),
            (
                f"2 cookies with characters outside ASCII {IN_PYTHON}: wide1, wide2",
                f"2 cookies of hosts without a dot {IN_PYTHON}: nas1, nas2",
                (
                    "4 cookies that end with the browser can't be sent by Python's MozillaCookieJar, which needs an "
                    "end (--session-days): wide1, wide2, nas1, nas2"
                ),
            ),
        ),
        (
            "httpie",
            (NO_NAMES, PARTS, "2 cookies with characters outside ASCII: wide1, wide2", *REST),
            (
                (
                    "4 host-only cookies would go to subdomains too, since HTTPie knows no host-only cookies: "
                    "tab1, tab2, nas1, nas2"
                ),
                "2 cookies of hosts without a dot can't be sent by HTTPie: nas1, nas2",
            ),
        ),
        ("curl", (ELSEWHERE, *REST), ()),
        ("header", (ELSEWHERE, *REST), ()),
        ("cookie-editor", (NO_NAMES, HEADERS, *REST), ()),
        (
            "tough-cookie",
            (NO_NAMES, PARTS, HEADERS, *REST),
            ("2 cookies with characters outside ASCII can't be sent by newman: wide1, wide2",),
        ),
        ("flaresolverr", (NO_NAMES, PARTS, "2 headers: Accept-Language, sec-ch-ua", *REST), ()),
    ],
)
def test_what_is_said_of_several_is_said_in_the_plural(
    name: str, left_out: tuple[str, ...], notes: tuple[str, ...]
) -> None:
    cookies = (
        make_cookie("", domain="app.example.com"),
        make_cookie("", domain="app.example.com", path="/x"),
        *make_twice("part", secure=True, partition_key="https://example.com", has_cross_site_ancestor=False),
        *make_twice("tab", value="a\tb"),
        *make_twice("wide", value="€"),
        *make_twice("nas", domain="nas"),
        *make_twice("kept", domain="example.com", host_only=False, expires=NOW + 9),
    )
    origins = [{"origin": ORIGIN, "sessionStorage": []}, {"origin": "https://a.example", "sessionStorage": []}]
    session = make_session(
        ORIGIN,
        url=f"{ORIGIN}/app",
        cookies=cookies,
        local_storage={"a": "1", "b": "2"},
        proxy="http://proxy:8080",
        extra_storage={"origins": origins},
    )
    dumped = dump(session, name, OPTIONS)
    assert (dumped.left_out, dumped.notes) == (left_out, notes)


def test_a_session_with_a_user_agent_alone_is_said_to_lose_that() -> None:
    session = make_session(ORIGIN, headers={}, local_storage={})
    assert dump(session, "netscape", OPTIONS).left_out == ("the headers: User-Agent",)
    bare = make_session(ORIGIN, headers={}, user_agent="", local_storage={})
    assert dump(bare, "netscape", OPTIONS).left_out == ()


def test_without_a_time_cookies_are_of_now() -> None:
    cookies = (make_cookie("over", "1", expires=NOW - 1e9), make_cookie("kept", "2", expires=NOW + 1e9))
    assert "Cookie: kept=2\n" in dump(make_session(cookies=cookies), "header").text


def test_a_proxy_without_a_password_stays_in_a_storage_state() -> None:
    session = make_session(ORIGIN, proxy="http://proxy:8080")
    assert json.loads(dump(session, "storage-state").text)["_aura"]["proxy"] == "http://proxy:8080"


@pytest.mark.parametrize(
    ("authorization", "netrc_file", "left_out"),
    [
        ("Authorization", None, ("the header Authorization, which curl would send to any host",)),
        ("authorization", "/run/netrc", ()),
        ("X-Other", None, ()),
    ],
)
def test_with_a_file_of_cookies_curl_reads_a_password_from_another(
    authorization: str, netrc_file: str | None, left_out: tuple[str, ...]
) -> None:
    session = make_session(ORIGIN, headers={authorization: "v"}, local_storage={}, proxy="socks5://proxy:1080")
    dumped = dump(session, "curl", DumpOptions(now=NOW, cookie_file="/run/cookies", netrc_file=netrc_file))
    assert dumped.left_out == left_out
    assert dumped.text.splitlines() == [
        *(['header = "X-Other: v"'] if authorization == "X-Other" else []),
        "compressed",
        'cookie = "/run/cookies"',
        *(['netrc-file = "/run/netrc"'] if netrc_file else []),
        'proxy = "socks5h://proxy:1080"',
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("netscap", "format: there is no format 'netscap'; did you mean netscape?"),
        (
            "x" * 50,
            (
                f"format: there is no format '{'x' * 39}…'; there are session, storage-state, netscape, httpie, curl, "
                "header, cookie-editor, tough-cookie, flaresolverr"
            ),
        ),
    ],
)
def test_an_unknown_format_is_refused_with_the_nearest_or_with_all(name: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        dump(SESSION, name)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("name", "notes"),
    [("netscape", {"Python: odd", "needs an end"}), ("httpie", {"subdomains too"}), ("tough-cookie", {"newman: odd"})],
)
def test_what_works_otherwise_in_some_programs_is_said(name: str, notes: set[str]) -> None:
    said = dump(SESSION, name, OPTIONS).notes
    for words in notes:
        assert [sentence for sentence in said if words in sentence], words
    assert len(said) == len(notes)
    assert not [sentence for sentence in said if "s3cret" in sentence]


@pytest.mark.parametrize("name", ["netscape", "httpie"])
def test_cookies_that_pythons_jar_can_not_send_are_named(name: str) -> None:
    jar = RequestsCookieJar()
    for domain, url in (("nas", "http://nas/"), ("::1", "http://[::1]/")):
        jar.set_cookie(create_cookie("sid", "1", domain=domain))
        assert get_cookie_header(jar, Request("GET", url).prepare()) is None
    cookies = [make_cookie(domain=domain, expires=NOW + 60) for domain in ("nas", "::1", "127.0.0.1", "example.com")]
    said = dump(make_session("http://nas", cookies=tuple(cookies)), name, OPTIONS).notes
    assert [sentence for sentence in said if sentence.startswith("2 cookies of hosts without a dot can't be sent by")]


def fields(session: Session) -> dict[str, Any]:
    return {name: getattr(session, name) for name in session.__struct_fields__}


def test_a_cookies_txt_has_each_http_only_cookie_twice_and_ends_in_whole_seconds() -> None:
    assert dump(SESSION, "netscape", OPTIONS).text == (
        "# Netscape HTTP Cookie File\n"
        "app.example.com\tFALSE\t/\tTRUE\t0\tsid\ts3cret+/==\n"
        "#HttpOnly_app.example.com\tFALSE\t/\tTRUE\t0\tsid\ts3cret+/==\n"
        ".example.com\tTRUE\t/\tFALSE\t1800000060\twide\ts3cret2\n"
        'app.example.com\tFALSE\t/app\tFALSE\t0\todd\ts3cret"€\n'
    )


def test_session_days_give_cookies_an_end() -> None:
    dumped = dump(SESSION, "netscape", DumpOptions(now=NOW, session_days=2))
    assert f"\t{NOW + 2 * 86400:.0f}\tsid\t" in dumped.text
    assert "\t1800000060\twide\t" in dumped.text
    assert not [sentence for sentence in dumped.notes if "needs an end" in sentence]


def test_a_request_has_its_own_cookies_only() -> None:
    text = dump(SESSION, "header", DumpOptions(now=NOW, url="https://deep.example.com/x")).text
    assert "Cookie: wide=s3cret2; part=s3cret5\n" not in text
    assert "Cookie: wide=s3cret2\n" in text


@pytest.mark.parametrize("name", ["curl", "header"])
def test_headers_go_to_the_sessions_site_only(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        dump(SESSION, name, DumpOptions(now=NOW, url="https://example.org/"))
    assert str(caught.value) == f"url: it is not of the session's site, {ORIGIN}"


def test_curl_names_one_request_or_a_file_of_cookies() -> None:
    text = dump(SESSION, "curl", OPTIONS).text
    assert f'url = "{ORIGIN}/app"' in text
    assert 'header = "sec-ch-ua: \\"Chromium\\";v=\\"1\\""' in text
    beside = dump(SESSION, "curl", DumpOptions(now=NOW, cookie_file="/run/a b/cookies.txt")).text
    assert 'cookie = "/run/a b/cookies.txt"' in beside
    assert 'proxy = "http://me:s3cret6@proxy:8080"' in beside
    assert "s3cret" not in beside.replace("s3cret6", "")
    assert "url =" not in beside


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "gzip"}, {"accept-encoding": "br"}])
def test_curl_decompresses_by_itself_unless_the_session_says_what_it_takes(headers: dict[str, str]) -> None:
    session = make_session(ORIGIN, headers={"User-Agent": "x", **headers})
    for options in (OPTIONS, DumpOptions(now=NOW, cookie_file="/run/cookies.txt")):
        lines = dump(session, "curl", options).text.splitlines()
        assert ("compressed" in lines) == (not headers)


def test_a_storage_state_is_one_for_playwright() -> None:
    state = json.loads(dump(SESSION, "storage-state", OPTIONS).text)
    assert state["_aura"]["proxy"] is None
    assert [cookie["expires"] for cookie in state["cookies"]] == [-1, NOW + 60.4, -1, -1, -1, -1]
    assert [cookie["domain"] for cookie in state["cookies"][:2]] == ["app.example.com", ".example.com"]
    assert "sameSite" not in state["cookies"][1]
    part = state["cookies"][-1]
    assert (part["partitionKey"], part["_crHasCrossSiteAncestor"]) == ("https://example.com", False)
    [origin] = state["origins"]
    assert origin["localStorage"] == [{"name": "theme", "value": "s3cret-dark"}]
    assert origin["sessionStorage"] == [{"name": "a", "value": "s3cret7"}]
    assert all("value" not in cookie for cookie in state["_aura"]["cookies"])


def test_a_tough_cookie_jar_has_all_that_newman_reads() -> None:
    jar = json.loads(dump(SESSION, "tough-cookie", OPTIONS).text)
    first = {key: value for key, value in jar["cookies"][0].items() if key not in {"creation", "lastAccessed"}}
    assert first == {
        "key": "sid",
        "value": "s3cret+/==",
        "domain": "app.example.com",
        "path": "/",
        "secure": True,
        "httpOnly": True,
        "hostOnly": True,
        "sameSite": "lax",
    }
    dates = {(each["creation"], each["lastAccessed"]) for each in jar["cookies"]}
    assert dates == {("1970-01-01T00:16:40.000Z",) * 2}


@pytest.mark.parametrize("name", [name for name in DUMPS if name != "session"])
def test_what_only_the_browser_can_renew_is_left_out_and_named(name: str) -> None:
    bound = DeviceBound(site="https://example.com", cookies=("key",), refresh_url="https://example.com/refresh")
    cookies = (
        make_cookie("sid", "0ther", domain="app.example.com"),
        make_cookie("key", "b0und", domain="app.example.com"),
    )
    session = make_session(ORIGIN, cookies=(*cookies, make_cookie("key", "f0reign")), device_bound=(bound,))
    dumped, kept = (dump(session, name, DumpOptions(now=NOW, keeps_bound=keeps)) for keeps in (False, True))
    assert "b0und" not in dumped.text
    assert "0ther" in dumped.text
    assert [each for each in dumped.left_out if "1 cookie that only the browser can renew: key" in each]
    assert "b0und" in kept.text
    assert [each for each in kept.notes if "only the browser can renew key" in each]
    assert "b0und" in dump(session, "session").text


@pytest.mark.parametrize("name", ["header", "curl"])
def test_a_password_stands_in_what_is_for_its_own_origin_only(name: str) -> None:
    session = make_session(ORIGIN, cookies=COOKIES, headers={"User-Agent": "x", "Authorization": "Basic czNjcmV0"})
    for url, is_there in ((f"{ORIGIN}/x", True), ("https://api.example.com/x", False)):
        assert ("czNjcmV0" in dump(session, name, DumpOptions(now=NOW, url=url)).text) is is_there


@pytest.mark.parametrize("program", ["curl", "wget"])
def test_programs_send_the_cookies_of_an_ipv6_host(program: str, tmp_path: Path) -> None:
    need_program(program)
    heard: list[str] = []

    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(65536).decode())
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

        thread = threading.Thread(target=answer)
        thread.start()
        cookie = make_cookie("sid", "v", domain="::1", expires=4e9)
        file = tmp_path / "cookies.txt"
        file.write_text(dump(make_session(f"http://[::1]:{port}", cookies=(cookie,)), "netscape", OPTIONS).text)
        words = {"curl": ["curl", "-sgb", str(file)], "wget": ["wget", "-qO-", f"--load-cookies={file}"]}
        subprocess.run([*words[program], f"http://[::1]:{port}/"], check=True, timeout=30, capture_output=True)
        thread.join(10)
    assert "Cookie: sid=v\r\n" in heard[0]


@pytest.mark.parametrize(("length", "is_named"), [(8190, False), (8191, True)])
def test_cookies_that_curl_sends_in_part_are_named(length: int, *, is_named: bool) -> None:
    cookies = (make_cookie("a", "x" * 4000, expires=4e9), make_cookie("b", "x" * (length - 4006), expires=4e9))
    note = (
        "cookies of over 8,190 bytes for one address are sent in part by curl; use --format header, or aura-browser "
        "request"
    )
    assert dump(make_session(cookies=cookies), "netscape", OPTIONS).notes == ((note,) if is_named else ())


def test_a_storage_state_has_the_sessions_own_storage_first() -> None:
    local, other = [{"name": "theme", "value": "s3cret-dark"}], {"origin": "https://b.example", "sessionStorage": []}
    bare = {"origin": other["origin"], "localStorage": [], "sessionStorage": []}
    own = {"origin": ORIGIN, "localStorage": [], "indexedDB": [1]}
    for origins, expected in (
        ([other], [{"origin": ORIGIN, "localStorage": local}, bare]),
        ([other, own], [bare, own | {"localStorage": local}]),
        (
            [{"opfs": []}, 5],
            [{"origin": ORIGIN, "localStorage": local}, {"origin": "", "localStorage": [], "opfs": []}],
        ),
        (5, [{"origin": ORIGIN, "localStorage": local}]),
    ):
        session = make_session(ORIGIN, extra_storage={"origins": origins, "more": 1})
        state = json.loads(dump(session, "storage-state").text)
        assert state["origins"] == expected
        assert state["_aura"]["extra_storage"] == {"more": 1}
    without = make_session(ORIGIN, local_storage={}, extra_storage={"origins": [own]})
    assert json.loads(dump(without, "storage-state").text)["origins"] == [own]
