"""Where a header's token is found: in cookies, in the local storage, or nowhere."""

import json

import pytest

from aura_browser import Session
from aura_browser.learning.basic import asks_basic
from aura_browser.learning.tokens import Carried, find_carried, find_kept, find_origins, find_refresh_token
from aura_browser.webdriver.network_log import SeenRequest
from tests.parts.servers import page, serving
from tests.parts.sessions import make_cookie, make_session

ORIGIN = "https://app.example.com"
TOKEN = "s3cret-token-of-a-person"


def session_with(*values: str, **storage: str) -> Session:
    """Return a session with the cookies ``c0``, ``c1`` and so on, and a local storage."""
    cookies = tuple(make_cookie(f"c{n}", value, domain="app.example.com") for n, value in enumerate(values))
    return make_session(ORIGIN, cookies=cookies, local_storage=storage)


def carried(session: Session, name: str, value: str) -> Carried | None:
    """Return what is found in one header."""
    request = SeenRequest(url=f"{ORIGIN}/api", kind="Fetch", sent=[{"Host": "app.example.com", name: value}])
    found = find_carried(session, [request], [ORIGIN])
    assert len(found) <= 1
    assert TOKEN not in repr(found)
    return found[0] if found else None


@pytest.mark.parametrize(
    ("session", "value", "place"),
    [
        (session_with("short", TOKEN), TOKEN, "{cookie.c1}"),
        (session_with(TOKEN.replace("-", "%2D")), TOKEN, "{cookie.c0}"),
        (session_with("short", TOKEN), f"Bearer {TOKEN}", "Bearer {cookie.c1}"),
        (session_with(TOKEN, auth=TOKEN), f"Bearer {TOKEN}", "Bearer {local_storage.auth}"),
        (session_with("short"), "Bearer short", "{captured}"),
    ],
)
def test_a_token_of_the_authorization_is_found(session: Session, value: str, place: str) -> None:
    found = carried(session, "Authorization", value)
    assert found is not None
    assert (found.header, found.place, found.is_csrf) == ("Authorization", place, False)
    assert found.value == (value if place == "{captured}" else "")


@pytest.mark.parametrize(("token", "is_long"), [("twelve-chars", True), ("only-eleven", False)])
def test_a_token_has_twelve_characters_or_more(token: str, *, is_long: bool) -> None:
    for session, place in ((session_with(token), "{cookie.c0}"), (session_with(auth=token), "{local_storage.auth}")):
        found = carried(session, "Authorization", f"Bearer {token}")
        assert found is not None
        assert found.place == (f"Bearer {place}" if is_long else "{captured}")
    assert (carried(session_with(token), "X-Token", token) is not None) == is_long


def test_a_password_and_an_ordinary_header_are_no_token() -> None:
    session = session_with(TOKEN, auth=TOKEN)
    assert carried(session, "Authorization", f"Basic {TOKEN}") is None
    assert carried(session_with("short"), "X-Version", "2024-01-01-build") is None
    assert carried(session_with(TOKEN), "X-Trace", f"id-{TOKEN}") is None
    csrf = carried(session, "X-Token", TOKEN)
    assert csrf is not None
    assert (csrf.is_csrf, csrf.cookie) == (True, "c0")


def nest(value: object, depth: int) -> str:
    for _ in range(depth):
        value = {"a": value}
    return json.dumps(value)


@pytest.mark.parametrize(
    "storage",
    [
        {"{odd}": TOKEN},
        {"": TOKEN},
        {"auth": nest(TOKEN, 20)},
        {"auth": "[" * 100_000 + json.dumps(TOKEN)},
        {"auth": json.dumps({"a.b": TOKEN, "{c}": TOKEN, "": TOKEN})},
        {"many": json.dumps(list(range(10))), **{f"k{n}": json.dumps(["x"] * 600) for n in range(10)}, "last": TOKEN},
    ],
)
def test_a_place_that_no_definition_can_name_is_not_named(storage: dict[str, str]) -> None:
    """Such a token is captured from what the page sends, as one that is kept nowhere."""
    found = carried(session_with(**storage), "Authorization", f"Bearer {TOKEN}")
    assert found is not None
    assert (found.place, found.value) == ("{captured}", f"Bearer {TOKEN}")


def test_the_longest_text_that_a_header_holds_is_its_token() -> None:
    stored = {"user": TOKEN[:12], "auth": json.dumps({"access": TOKEN, "list": [{"other": TOKEN[:14]}]})}
    found = carried(session_with(**stored), "Authorization", f"Bearer {TOKEN}")
    assert found is not None
    assert found.place == "Bearer {local_storage.auth.access}"


def test_a_token_that_a_header_holds_twice_is_not_written_down() -> None:
    for session, place in ((session_with(auth=TOKEN), "local_storage.auth"), (session_with(TOKEN), "cookie.c0")):
        found = carried(session, "Authorization", f"{TOKEN} {TOKEN}")
        assert found is not None
        assert found.place == f"{{{place}}} {{{place}}}"


@pytest.mark.parametrize(
    ("storage", "place"),
    [
        ({"auth": nest(TOKEN, 9)}, "Bearer {local_storage.auth" + ".a" * 9 + "}"),
        ({"auth": nest(TOKEN, 10)}, "{captured}"),
        ({"many": json.dumps(["x"] * 4999), "last": TOKEN}, "Bearer {local_storage.last}"),
        ({"many": json.dumps(["x"] * 5000), "last": TOKEN}, "{captured}"),
    ],
)
def test_a_token_is_looked_for_to_a_depth_and_among_so_many_texts(storage: dict[str, str], place: str) -> None:
    found = carried(session_with(**storage), "Authorization", f"Bearer {TOKEN}")
    assert found is not None
    assert found.place == place


@pytest.mark.parametrize(
    "name", ["Accept-Language", "If-None-Match", "sec-ch-ua", "X-Requested-With", "Next-Url", "RSC"]
)
def test_what_browsers_send_by_themselves_is_no_token(name: str) -> None:
    assert carried(session_with(auth=TOKEN), name, TOKEN) is None
    assert carried(session_with(auth=TOKEN), f"X-{name}", TOKEN) is not None


def test_five_further_origins_of_the_domain_are_found_by_what_the_page_asked_for_data() -> None:
    requests = [
        SeenRequest(url="https://img.example.com/x", kind="Image"),
        *(SeenRequest(url=url, kind="Fetch") for url in (f"{ORIGIN}/x", "https://other.example/x", "nonsense:x")),
        SeenRequest(url="http://api.example.com/x", kind="Fetch"),
        *(SeenRequest(url=f"https://a{number}.example.com/x", kind="XHR") for number in (0, 0, 1, 2, 3, 4, 5)),
    ]
    origins = tuple(f"https://a{number}.example.com" for number in range(5))
    assert find_origins(session_with(), requests) == origins


def test_a_token_that_other_parts_of_the_storage_do_not_have_is_in_memory() -> None:
    others = [{"sessionStorage": [{"name": "a", "value": "x"}], "indexedDB": [{"name": "b", "stores": []}]}]
    session = make_session(ORIGIN, extra_storage={"origins": others})
    assert find_kept(session, f"Bearer {TOKEN}") == "its memory"
    others.append({"indexedDB": [{"name": "c", "stores": [TOKEN]}]})
    assert find_kept(make_session(ORIGIN, extra_storage={"origins": others}), f"Bearer {TOKEN}") == "IndexedDB (c)"


def test_a_refresh_token_is_looked_for_beside_the_other_only() -> None:
    session = session_with(auth=json.dumps({"access": TOKEN, "refresh_token": 5, "refresh": "r" * 20}))
    assert find_refresh_token(session, "Bearer {local_storage.auth.access}") == "local_storage.auth.refresh"
    assert find_refresh_token(session, "Bearer {cookie.c0}") == ""
    for name in ("refresh_token", "refreshToken"):
        kept = session_with(auth=json.dumps({"access": TOKEN, "refresh": "r", name: "s"}))
        assert find_refresh_token(kept, "Bearer {local_storage.auth.access}") == f"local_storage.auth.{name}"
    assert find_refresh_token(session_with(auth=nest(TOKEN, 1)), "Bearer {local_storage.auth.a}") == ""


async def test_a_site_that_is_away_asks_for_no_password() -> None:
    async with serving(page()) as (_, origin):
        assert not await asks_basic(f"{origin}/")
    assert not await asks_basic(f"{origin}/")
