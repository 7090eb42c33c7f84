"""Who may use the proxy, and that nothing of a refused request reaches the site."""

from base64 import b64encode

import pytest
from multidict import CIMultiDict

from aura_browser.relay.guard import Admitted, Guard, Refused

TOKEN = "t0ken-of-the-test"
HOST = "127.0.0.1:8788"


def basic(password: str) -> str:
    return f"Basic {b64encode(f'any:{password}'.encode()).decode()}"


def status(path: str = "/", *, token: str = TOKEN, **headers: str) -> int:
    given = CIMultiDict({"Host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}})
    try:
        return 307 if Guard(8788, token).admit(path, given).location else 200
    except Refused as error:
        assert TOKEN not in f"{error.text}{error.headers}"
        return error.status


@pytest.mark.parametrize("host", [HOST, "localhost:8788", "LOCALHOST:8788", "[::1]:8788"])
def test_its_own_names_are_served(host: str) -> None:
    assert status(Host=host, X_Aura_Token=TOKEN) == 200


@pytest.mark.parametrize(
    "host",
    [
        *("", "127.0.0.1", "localhost", "127.0.0.1:80", "127.0.0.1:87880", "example.com", "example.com:8788"),
        *("localhost.example.com:8788", "127.0.0.1.example.com:8788", "0.0.0.0:8788", "127.1:8788", "::1:8788"),
        *("127.0.0.1:8788.example.com", "localhost.:8788", " 127.0.0.1:8788", "127.0.0.1:8788@example.com"),
    ],
)
@pytest.mark.parametrize("token", [TOKEN, ""])
def test_no_other_name_is_served(host: str, token: str) -> None:
    assert status(Host=host, X_Aura_Token=TOKEN, token=token) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.com"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1:8789"},
        {"Origin": "http://localhost:8788"},  # not the name that is asked
        {"Origin": "https://127.0.0.1:8788"},
        {"Origin": ""},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Service_Worker": "script"},
    ],
)
@pytest.mark.parametrize("token", [TOKEN, ""])
def test_no_page_of_another_site_is_served(headers: dict[str, str], token: str) -> None:
    assert status(X_Aura_Token=TOKEN, token=token, **headers) == 403
    assert status(f"/{TOKEN}/", token=token, **headers) == 403


@pytest.mark.parametrize(
    "headers", [{"Origin": f"http://{HOST}"}, {"Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"}]
)
def test_its_own_pages_are_served(headers: dict[str, str]) -> None:
    assert status(X_Aura_Token=TOKEN, **headers) == 200
    assert status(token="", **headers) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_Aura_Token": ""},
        {"X_Aura_Token": TOKEN[:-1]},
        {"X_Aura_Token": f"{TOKEN} "},
        {"X_Aura_Token": "\udcff"},
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": basic("other")},
        {"Authorization": "Basic !!!"},
        {"Authorization": f"{basic(TOKEN)}!"},
        {"Authorization": f"Basic {b64encode(TOKEN.encode()).decode()}"},
        {"Cookie": f"aura-proxy-8788={TOKEN}"},
        {"Cookie": "aura-proxy-8788="},
    ],
)
def test_without_the_token_nobody_is_served(headers: dict[str, str]) -> None:
    assert status(**headers) == 401
    assert status(f"/?token={TOKEN}", **headers) == 401


def test_the_token_is_taken_in_three_ways() -> None:
    guard = Guard(8788, TOKEN)
    host = {"Host": HOST}
    assert guard.admit("/a", CIMultiDict({**host, "x-aura-token": TOKEN})).uses_authorization is False
    assert guard.admit("/a", CIMultiDict({**host, "authorization": basic(TOKEN)})).uses_authorization is True
    assert guard.admit(f"/{TOKEN}/a/b?c=d", CIMultiDict(host)).location == "/a/b?c=d"
    cookie = guard.set_cookie.partition(";")[0]
    assert guard.admit("/a", CIMultiDict({**host, "cookie": f"x=1; {cookie}; y=2"})).location == ""
    assert TOKEN not in guard.set_cookie
    assert guard.set_cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
    with pytest.raises(Refused):
        Guard(8788, TOKEN).admit("/a", CIMultiDict({**host, "cookie": cookie}))  # of another run


@pytest.mark.parametrize(
    ("rest", "location"),
    [
        ("", "/"),
        ("/", "/"),
        ("//example.com/", "/example.com/"),
        ("/\\example.com", "/example.com"),
        ("///a", "/a"),
        ("/~a", "/~a"),
    ],
)
def test_the_token_in_an_address_leads_nowhere_else(rest: str, location: str) -> None:
    assert Guard(8788, TOKEN).admit(f"/{TOKEN}{rest}", CIMultiDict({"Host": HOST})).location == location


def test_nothing_shows_the_secrets() -> None:
    guard = Guard(8788, TOKEN)
    assert TOKEN not in repr(guard)


@pytest.mark.parametrize(
    ("headers", "status", "text"),
    [
        ({}, 401, "The token is missing or wrong. Send it as the password of HTTP Basic, or in X-Aura-Token."),
        ({"Host": "example.com"}, 403, "This name is not the proxy's own; it is http://127.0.0.1:8788/"),
        ({"Origin": "null"}, 403, "Pages of other sites may not use this proxy."),
        ({"Service-Worker": "Script"}, 403, "A page may not leave a service worker at this address."),
    ],
)
def test_a_refusal_says_why_and_what_to_do(headers: dict[str, str], status: int, text: str) -> None:
    with pytest.raises(Refused) as caught:
        Guard(8788, TOKEN).admit("/", CIMultiDict({"Host": HOST, **headers}))
    refused = caught.value
    assert (refused.status, refused.text, str(refused)) == (status, text, text)
    asks = {"WWW-Authenticate": 'Basic realm="aura-browser proxy"'} if status == 401 else {}
    assert refused.headers == asks


@pytest.mark.parametrize(("port", "is_served"), [(80, True), (8080, False)])
@pytest.mark.parametrize("host", ["127.0.0.1", "LocalHost", "[::1]"])
def test_a_name_without_a_port_is_that_of_port_80(host: str, port: int, *, is_served: bool) -> None:
    guard, headers = Guard(port, ""), CIMultiDict({"Host": host})
    if is_served:
        assert guard.admit("/", headers) == Admitted()
        assert guard.admit("/", CIMultiDict({"Host": f"{host}:80"})) == Admitted()
        return
    with pytest.raises(Refused):
        guard.admit("/", headers)


@pytest.mark.parametrize("values", [("same-origin", "cross-site"), ("Same-Site",), ("none", "CROSS-SITE")])
def test_a_header_that_is_there_twice_is_as_bad_as_its_worst(values: tuple[str, ...]) -> None:
    headers = CIMultiDict([("Host", HOST), *(("Sec-Fetch-Site", value) for value in values)])
    with pytest.raises(Refused):
        Guard(8788, "").admit("/", headers)


def test_a_password_is_read_whole_and_from_any_way_to_write_basic() -> None:
    password, host = "a:b:ü", {"Host": HOST}
    for scheme in ("Basic", "basic", "BASIC "):
        encoded = b64encode(f"any:{password}".encode()).decode()
        admitted = Guard(8788, password).admit("/", CIMultiDict({**host, "Authorization": f"{scheme} {encoded}"}))
        assert admitted == Admitted(uses_authorization=True)
    with pytest.raises(Refused):
        Guard(8788, "a").admit("/", CIMultiDict({**host, "Authorization": "Basic YW55OmH/"}))  # no UTF-8


def test_the_ticket_is_of_this_port_and_in_place_of_the_token() -> None:
    guard = Guard(8788, TOKEN)
    name, _, value = guard.set_cookie.partition(";")[0].partition("=")
    assert (name, len(value)) == ("aura-proxy-8788", 43)
    for cookies in (f"{name}={value}", f"a=b;{name}={value}", f"{name}=old; {name} = {value} "):
        assert guard.admit("/", CIMultiDict({"Host": HOST, "Cookie": cookies})) == Admitted()
    for cookies in (f"aura-proxy-8789={value}", f"{name}={value}x", value, f"{name}={value}={value}"):
        with pytest.raises(Refused):
            guard.admit("/", CIMultiDict({"Host": HOST, "Cookie": cookies}))
