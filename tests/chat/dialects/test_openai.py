"""OpenAI's streaming wire, without any I/O, and a chat client that speaks it."""

import json

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from aura_browser import AuraClient, Site
from aura_browser.chat.dialects import find_dialect
from aura_browser.chat.dialects.dialect import WireError
from aura_browser.chat.dialects.openai import answer_decoder, chat_request, models_request, read_models
from aura_browser.chat.messages import ChatRequest, Message, Model
from aura_browser.errors import InvalidInput, SiteFailed, StreamInterrupted
from tests.parts.servers import Handler, serving
from tests.parts.sessions import make_session

ORIGIN = "https://chat.example.com"
TEXTS = ["Grüße", ", 世界", " 👩‍👩‍👧"]


def event(text: str | None) -> bytes:
    body = {"choices": [{"delta": {} if text is None else {"content": text}}]}
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


ANSWER = b": comment\r\n\r\n" + b"".join(map(event, [*TEXTS, None])) + b'data: {"choices": []}\n\ndata: [DONE]\n\n'


def test_the_request() -> None:
    request_messages = (Message("system", "Be brief."), Message("user", "Hi"))
    request = chat_request(ChatRequest(messages=request_messages), ORIGIN)
    assert (request.method, request.url) == ("POST", "/v1/chat/completions")
    assert (request.headers["Content-Type"], request.headers["Origin"]) == ("application/json", ORIGIN)
    assert isinstance(request.body, bytes)
    assert json.loads(request.body) == {
        "model": "openchat_3.6",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "temperature": 0.5,
        "stream": True,
    }
    with pytest.raises(InvalidInput, match="no message to answer"):
        chat_request(ChatRequest(messages=()), ORIGIN)
    with pytest.raises(InvalidInput, match="max_tokens: must be a whole number from 1 to 2147483647"):
        chat_request(ChatRequest(messages=request_messages, max_tokens=0), ORIGIN)
    assert chat_request(ChatRequest(messages=request_messages, max_tokens=1), ORIGIN).body == request.body


def test_models() -> None:
    assert (models_request(ORIGIN).method, models_request(ORIGIN).url) == ("GET", "/v1/models")
    assert models_request(ORIGIN).headers["Origin"] == ORIGIN
    assert read_models(b'{"object": "list", "data": [{"id": "a"}, {"id": "b", "name": "B"}]}') == (
        Model("a", "a"),
        Model("b", "B"),
    )
    with pytest.raises(ValueError, match="data"):
        read_models(b"{}")


@given(st.lists(st.integers(0, len(ANSWER)), max_size=20).map(sorted))
def test_an_answer_cut_anywhere_is_the_same_text(cuts: list[int]) -> None:
    decoder = answer_decoder()
    pieces = [ANSWER[a:b] for a, b in zip([0, *cuts], [*cuts, len(ANSWER)], strict=True)]
    assert "".join(map(decoder.decode, pieces)) + decoder.decode(b"", final=True) == "".join(TEXTS)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b'data: {"error": {"message": "Slow down"}}\n\n', "Slow down"),
        (b"data: {\n\n", "not part of an answer"),
        (b'data: {"error": {"message": 5}}\n\n', "not part of an answer"),
        (b'data: {"error": {}}\n\n', "not part of an answer"),
        (b'data: {"error": "Slow down"}\n\n', "not part of an answer"),
        (b'data: {"choices": [{}]}\n\n', "not part of an answer"),
        (b'data: {"choices": [{"delta": 5}]}\n\n', "not part of an answer"),
        (b"data: 5\n\n", "not part of an answer"),
        (b'data: {"choices": [{"delta": {"content": 5}}]}\n\n', "not part of an answer"),
        (b'data: {"choices": 5}\n\n', "not part of an answer"),
        (b"data: " + b"[" * 100_000 + b"\n\n", "not part of an answer"),
        (event("half"), "broke off"),
        (b"x" * (2**20 + 1), "1 MiB"),
    ],
)
def test_what_is_not_an_answer_is_named(data: bytes, problem: str) -> None:
    decoder = answer_decoder()
    with pytest.raises(WireError, match=problem):
        decoder.decode(decoder.decode(data).encode(), final=True)


def test_what_came_before_an_error_is_given_and_nothing_after_it() -> None:
    decoder = answer_decoder()
    assert decoder.decode(event("a") + b'data: {"error": {"message": "Slow down"}}\n\n' + event("b")) == "a"
    for data in (event("c"), b""):
        with pytest.raises(WireError, match="Slow down"):
            decoder.decode(data)


def test_what_comes_after_the_end_and_events_without_data_are_no_text() -> None:
    decoder = answer_decoder()
    assert decoder.decode(b"event: x\nid: 1\ndata:\n\n" + event("a") + b"data: [DONE]\n\n" + event("b")) == "a"
    assert decoder.decode(event("c"), final=True) == ""


def test_a_line_of_a_mebibyte_is_read() -> None:
    decoder = answer_decoder()
    assert decoder.decode(b":" * 2**20) == ""
    assert decoder.decode(b"\n" + event("a")) == "a"


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_one_error(data: bytes) -> None:
    decoder = answer_decoder()
    try:
        assert isinstance(decoder.decode(b"data: " + data + b"\n"), str)
        decoder.decode(b"", final=True)
    except WireError:
        pass


def answering(body: bytes) -> Handler:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/v1/models":
            return web.json_response({"data": [{"id": "a"}]})
        return web.Response(body=body, content_type="text/event-stream")

    return handle


async def test_a_client_speaks_the_dialect_that_its_site_names() -> None:
    async with serving(answering(ANSWER)) as (server, origin):
        site = Site(f"{origin}/", dialect="openai")
        async with AuraClient(site, store="memory", session=make_session(origin)) as client:
            assert await client.complete("Hello") == "".join(TEXTS)
            assert await client.models() == (Model("a", "a"),)
        assert [request.path for request in server.seen] == ["/v1/chat/completions", "/v1/models"]


async def test_a_cut_answer_and_an_error_in_the_stream_are_told_apart() -> None:
    async with serving(answering(event("half"))) as (_server, origin):
        site = Site(f"{origin}/", dialect="openai")
        async with AuraClient(site, store="memory", session=make_session(origin)) as client:
            with pytest.raises(StreamInterrupted, match="broke off") as cut:
                await client.complete("Hello")
            assert cut.value.partial == "half"
    async with serving(answering(b'data: {"error": {"message": "Too\\u001b long"}}\n\n')) as (_server, origin):
        site = Site(f"{origin}/", dialect="openai")
        async with AuraClient(site, store="memory", session=make_session(origin)) as client:
            with pytest.raises(SiteFailed) as failed:
                await client.complete("Hello")
            assert (failed.value.status, failed.value.message) == (200, "Too long")


@pytest.mark.parametrize("dialect", ["", "none", "dialect"])
def test_a_site_without_a_known_dialect_is_no_chat_site(dialect: str) -> None:
    with pytest.raises(InvalidInput, match="dialect: must be one of openchat-ui, openai"):
        AuraClient(Site("https://example.com/", dialect=dialect))
    with pytest.raises(InvalidInput):
        find_dialect(dialect)
