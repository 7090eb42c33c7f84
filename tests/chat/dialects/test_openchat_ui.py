"""The openchat-ui wire, without any I/O."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_browser.chat.dialects.openchat_ui import MAX_LENGTH, answer_decoder, chat_request, models_request, read_models
from aura_browser.chat.messages import ChatRequest, Message, Model
from aura_browser.errors import InvalidInput
from aura_browser.request import Request

ORIGIN = "https://openchat.team"
HELLO = (Message("user", "Hello"),)


def body_of(request: Request) -> bytes:
    assert isinstance(request.body, bytes)
    return request.body


def test_the_request_is_the_originals() -> None:
    request = ChatRequest(
        messages=(
            Message("system", "Be brief."),
            Message("user", "Привет"),
            Message("assistant", "?"),
            Message("system", "Be kind."),
            Message("user", "Hi"),
        )
    )
    wire = chat_request(request, ORIGIN)
    assert (wire.method, wire.url, wire.headers["Content-Type"]) == ("POST", "/api/chat", "application/json")
    assert json.loads(body_of(wire)) == {
        "model": {"id": "openchat_3.6", "name": "OpenChat 3.6 (latest)", "maxLength": 24576, "tokenLimit": 8192},
        "messages": [
            {"role": "user", "content": "Привет"},
            {"role": "assistant", "content": "?"},
            {"role": "user", "content": "Hi"},
        ],
        "key": "",
        "prompt": "Be brief.\nBe kind.",
        "temperature": 0.5,
    }
    assert wire.headers["Origin"] == ORIGIN
    assert wire.headers["Referer"] == f"{ORIGIN}/"
    assert not {"accept-encoding", "user-agent", "cookie"} & {name.lower() for name in wire.headers}


def test_another_model_is_asked_by_its_id() -> None:
    body = json.loads(body_of(chat_request(ChatRequest(messages=HELLO, model="openchat_v3.2_mistral"), ORIGIN)))
    assert body["model"]["id"] == body["model"]["name"] == "openchat_v3.2_mistral"


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (ChatRequest(messages=()), "messages"),
        (ChatRequest(messages=(Message("system", "x"),)), "messages"),
        (ChatRequest(messages=(Message("user", ""),)), "messages"),
        (ChatRequest(messages=(Message("user", "x" * (MAX_LENGTH + 1)),)), "messages"),
        (ChatRequest(messages=HELLO, max_tokens=768), "max_tokens"),
        (ChatRequest(messages=HELLO, max_tokens=2**31), "max_tokens"),
        (ChatRequest(messages=HELLO, max_tokens="8192"), "max_tokens"),  # type: ignore[arg-type] # without types
        (ChatRequest(messages=HELLO, model=5), "model"),  # type: ignore[arg-type] # as above
        (ChatRequest(messages=HELLO, model="\ud800"), "model"),
        (ChatRequest(messages=HELLO, temperature="0.5"), "temperature"),  # type: ignore[arg-type] # as above
        (ChatRequest(messages=HELLO, temperature=1.1e9), "temperature"),
        (ChatRequest(messages=HELLO, temperature=10**400), "temperature"),
        (ChatRequest(messages=HELLO, temperature=-1), "temperature"),
        (ChatRequest(messages=HELLO, temperature=math.nan), "temperature"),
        (ChatRequest(messages=HELLO, temperature=math.inf), "temperature"),
    ],
)
def test_what_the_site_would_answer_with_no_reason_is_refused_before(request_: ChatRequest, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        chat_request(request_, ORIGIN)
    assert caught.value.name == name


class Whole(int):
    """As some libraries have for whole numbers."""


class Real(float):
    """As some libraries have for numbers."""


@pytest.mark.parametrize(
    ("request_", "sent"),
    [
        (ChatRequest(messages=HELLO, max_tokens=769, temperature=0), (769, "0")),
        (ChatRequest(messages=HELLO, max_tokens=2**31 - 1, temperature=1e9), (2**31 - 1, "1000000000.0")),
        (ChatRequest(messages=HELLO, max_tokens=Whole(1000), temperature=Real(0.5)), (1000, "0.5")),
        (ChatRequest(messages=HELLO, max_tokens=Whole(1000), temperature=Whole(1)), (1000, "1")),
        (ChatRequest(messages=(Message("user", "x" * MAX_LENGTH),)), (8192, "0.5")),
    ],
)
def test_what_is_just_within_the_sites_limits_is_sent_in_plain_numbers(
    request_: ChatRequest, sent: tuple[int, str]
) -> None:
    body = json.loads(body_of(chat_request(request_, ORIGIN)), parse_float=str, parse_int=str)
    assert (int(body["model"]["tokenLimit"]), body["temperature"]) == sent


def test_models() -> None:
    wire = models_request(ORIGIN)
    assert (wire.method, wire.url, wire.headers["Content-Type"]) == ("POST", "/api/models", "application/json")
    assert wire.headers["Origin"] == ORIGIN
    assert json.loads(body_of(models_request(ORIGIN))) == {"key": ""}
    assert read_models(b'[{"id": "a", "name": "A", "maxLength": 1}]') == (Model("a", "A"),)


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'[{"id": 1}]', b"\xff"])
def test_a_list_of_models_that_is_none(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_models(body)


@given(st.text(), st.data())
def test_any_split_of_any_text_decodes_to_the_same_text(text: str, data: st.DataObject) -> None:
    encoded = text.encode()
    cuts = data.draw(st.lists(st.integers(0, len(encoded)), max_size=20).map(sorted))
    decoder = answer_decoder()
    pieces = [encoded[a:b] for a, b in zip([0, *cuts], [*cuts, len(encoded)], strict=True)]
    assert "".join(map(decoder.decode, pieces)) + decoder.decode(b"", final=True) == text


@given(st.binary())
def test_any_bytes_decode_to_text(data: bytes) -> None:
    decoder = answer_decoder()
    assert decoder.decode(data) + decoder.decode(b"", final=True) == data.decode("utf-8", "replace")
