"""What a caller wants to send, checked before it is sent."""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any

import pytest
from yarl import URL

from aura_browser import AuraClient, Site, SiteClient
from aura_browser.errors import InvalidInput
from aura_browser.http.outgoing import check_request, move_request, resolve_own
from aura_browser.request import Request
from tests.parts.sessions import make_session

ORIGIN = "http://127.0.0.1:9"


class Markup(str):
    """As markupsafe's."""

    __slots__ = ()

    def __str__(self) -> str:
        return "another text"


class Blob(bytes):
    """As numpy's."""

    __slots__ = ()


class Colour(StrEnum):
    """A text that is one of a few."""

    RED = "red"


class Number(float):
    """As numpy's."""


class Count(int):
    """As a flag's."""


def test_texts_become_exactly_text() -> None:
    request = check_request(Request(Markup("POST"), Markup("/x"), {Markup("A"): Markup("b"), "C": Colour.RED}))
    assert request == Request("POST", "/x", {"A": "b", "C": "red"})
    texts = (request.method, request.url, *request.headers, *request.headers.values())
    assert {type(text) for text in texts} == {str}


@pytest.mark.parametrize(
    "facts",
    [
        {"method": "GET / HTTP/1.1\r\nX:"},
        {"method": ""},
        {"method": 5},
        {"url": 5},
        {"headers": {"X": "a\r\nCookie: b"}},
        {"headers": {"X": "a\0b"}},
        {"headers": {"X": "\udcff"}},
        {"headers": {"X": 5}},
        {"headers": {"X Y": "z"}},
        {"headers": {"": "z"}},
        {"headers": {5: "z"}},
        {"headers": [("X", "y")]},
    ],
)
async def test_what_cannot_be_sent_is_named_and_nothing_of_it_shown(facts: dict[str, Any]) -> None:
    wanted = {"method": "GET", "url": "/", **facts}
    async with SiteClient(ORIGIN, store="memory", session=make_session(ORIGIN)) as http:
        with pytest.raises(InvalidInput) as caught:
            async with http.request(**wanted):
                pass
    given = next(iter(facts))
    assert caught.value.name == ("headers[X]" if isinstance(facts[given], dict) and "X" in facts[given] else given)
    assert "Cookie: b" not in str(caught.value)


def test_a_body_becomes_exactly_bytes_and_others_stay() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b""

    stream = pieces()
    for body, sent in ((Blob(b"ab"), b"ab"), (b"ab", b"ab"), (None, None), (stream, stream)):
        checked = check_request(Request("POST", "/x", body=body)).body
        assert (checked, type(checked)) == (sent, type(sent))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://[::g]/", "not a path or a valid URL"),
        (
            "https://b.example/x?t=s3cret",
            "https://b.example/x is not at https://a.example; its session is sent only there",
        ),
    ],
)
def test_an_address_that_is_not_the_sites_is_named(url: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        resolve_own(Site("https://a.example/"), url)
    assert (caught.value.name, caught.value.problem) == ("url", problem)


@pytest.mark.parametrize(
    ("name", "value", "moved"),
    [
        ("Origin", "http://shop.test", "https://shop.test"),
        ("referer", "http://shop.test/a?b", "https://shop.test/a?b"),
        ("Referer", "http://shop.test.example/", "http://shop.test.example/"),
        ("Referer", "http://other.test/", "http://other.test/"),
        ("X-Origin", "http://shop.test", "http://shop.test"),
    ],
)
def test_a_request_to_a_site_that_moved_names_where_it_is(name: str, value: str, moved: str) -> None:
    site, session = Site("http://shop.test/"), make_session("https://shop.test")
    request, url = Request("GET", "/x", {name: value}), URL("http://shop.test/x")
    sent, address = move_request(site, session, request, url)
    assert (dict(sent.headers), str(address)) == ({name: moved}, "https://shop.test/x")
    assert move_request(site, make_session("http://shop.test"), request, url) == (request, url)


@pytest.mark.parametrize(
    ("url", "data", "json"),
    [
        ("/\udcff", None, None),
        ("http://[::g]/", None, None),
        ("http://xn--/", None, None),
        ("/", {"a": 5}, None),
        ("/", {"a": "\udcff", 5: "b"}, None),
        ("/", "\udcff", None),
        ("/", 5, None),
        ("/", None, object()),
    ],
)
async def test_an_address_or_a_body_that_cannot_be_sent_is_one_error(url: str, data: Any, json: Any) -> None:  # noqa: ANN401
    more = {} if json is None else {"json": json}
    async with SiteClient(ORIGIN, store="memory", session=make_session(ORIGIN)) as http:
        with pytest.raises(InvalidInput):
            async with http.request("POST", url, data=data, **more):
                pass


@pytest.mark.parametrize("dialect", ["openchat-ui", "openai"])
def test_a_question_of_subclasses_is_sent_as_plain_values(dialect: str) -> None:
    from aura_browser.chat.dialects import find_dialect
    from aura_browser.chat.messages import ChatRequest, read_messages

    messages = read_messages([{"role": "user", "content": Markup("Hi")}])
    request = ChatRequest(messages=messages, model=Markup("m"), temperature=Number(0.5), max_tokens=Count(1000))
    body = find_dialect(dialect).chat_request(request, ORIGIN).body
    assert isinstance(body, bytes)
    assert b'"Hi"' in body
    assert b"another" not in body


@pytest.mark.parametrize(
    "facts",
    [
        {"model": 5},
        {"model": "\udcff"},
        {"temperature": 10**400},
        {"temperature": float("nan")},
        {"temperature": "1"},
        {"max_tokens": 10**30},
        {"max_tokens": "8192"},
        {"max_tokens": 1000.0},
    ],
)
async def test_a_question_of_other_values_is_one_error(facts: dict[str, Any]) -> None:
    async with AuraClient(ORIGIN, store="memory", session=make_session(ORIGIN)) as chat:
        with pytest.raises(InvalidInput) as caught:
            await chat.complete("Hello", **facts)
    assert caught.value.name == next(iter(facts))
