"""The client against the playground: answers, endings, renewal."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from aura_browser import AuraClient, FileStore, SessionKey
from aura_browser.chat.messages import Message
from aura_browser.errors import (
    AnswerTimeout,
    ConnectionFailed,
    EmptyAnswer,
    InteractionRequired,
    InvalidInput,
    RateLimited,
    SiteFailed,
    StreamInterrupted,
)
from aura_browser.playground import Playground
from aura_browser.session import Session
from tests.parts.harvests import Harvests
from tests.parts.servers import serving
from tests.parts.sessions import make_session
from tests.parts.stream_server import stream_server

OTHER = "openchat_v3.2_mistral"
"""A model of the playground that is not the usual one."""


@asynccontextmanager
async def talking(site: Playground, **options: object) -> AsyncIterator[AuraClient]:
    """Open a client of a site without a gate, with a made-up session."""
    settings = {"store": "memory", "session": make_session(site.origin)} | options
    async with AuraClient(site.origin, **settings) as client:  # type: ignore[arg-type]
        yield client


async def test_an_answer_streams() -> None:
    async with Playground() as site, talking(site) as client:
        pieces = [text async for text in client.stream("/slow 0.02 Привет, мир! 👩‍👩‍👧 🇩🇪")]
        assert "".join(pieces) == "Привет, мир! 👩‍👩‍👧 🇩🇪"
        assert len(pieces) > 2


async def test_characters_that_were_cut_apart_come_out_whole() -> None:
    async with Playground() as site, talking(site) as client:
        assert await client.complete("/cut é€😀 и ещё") == "é€😀 и ещё"


async def test_messages_and_settings_reach_the_site() -> None:
    async with Playground() as site, talking(site, temperature=0.1) as client:
        history: list[Message | dict[str, str]] = [
            {"role": "system", "content": "s"},
            Message("user", "a"),
            Message("assistant", "b"),
            Message("user", "c"),
        ]
        assert await client.complete(history, max_tokens=1000, model="openchat_v3.2_mistral") == "c"
        body = json.loads(site.requests[-1].body)
        assert body["prompt"] == "s"
        assert body["temperature"] == 0.1
        assert body["model"]["tokenLimit"] == 1000
        assert body["model"]["id"] == "openchat_v3.2_mistral"
        assert [message["content"] for message in body["messages"]] == ["a", "b", "c"]


async def test_models() -> None:
    async with Playground() as site, talking(site) as client:
        assert "openchat_3.6" in [model.id for model in await client.models()]


@pytest.mark.slow
async def test_a_long_answer() -> None:
    async with Playground() as site, talking(site) as client:
        assert len((await client.complete("/long 20000")).split()) == 20000


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Slow down please", "answered 500: Slow down please"),
        ("Schlüssel fehlt", "answered 500: Schlüssel fehlt"),
        ("Нет ключа", "answered 500: Internal Server Error"),
    ],
)
async def test_the_sites_own_message_is_the_errors(message: str, shown: str) -> None:
    async with Playground() as site, talking(site) as client:
        with pytest.raises(SiteFailed) as caught:
            await client.complete(f"/error {message}")
        assert shown in str(caught.value)
        assert caught.value.status == 500


async def test_an_error_is_no_reason_for_a_harvest() -> None:
    async with Playground("login-401") as site:
        harvests = Harvests(site)
        async with AuraClient(site.origin, store="memory", harvest=harvests) as client:
            for question in ("/error x", "/gateway", "/limit 3"):
                with pytest.raises((SiteFailed, RateLimited)):
                    await client.complete(question)
        assert harvests.count == 1


async def test_a_limit_says_how_long_to_wait() -> None:
    async with Playground() as site, talking(site) as client:
        with pytest.raises(RateLimited, match="Wait 7 s") as caught:
            await client.complete("/limit 7")
        assert caught.value.retry_after_s == 7
        with pytest.raises(RateLimited) as caught:
            await client.complete("/limit")
        assert caught.value.retry_after_s is None


async def test_a_proxy_servers_error_page_is_an_error() -> None:
    async with Playground() as site, talking(site) as client:
        with pytest.raises(SiteFailed, match="answered 502: Bad Gateway"):
            await client.complete("/gateway")


async def test_an_empty_answer_is_an_error_of_its_own() -> None:
    async with Playground() as site, talking(site) as client:
        with pytest.raises(EmptyAnswer) as caught:
            await client.complete("/empty")
        assert caught.value.url == f"{site.origin}/api/chat"


async def test_an_answer_that_is_html_code_is_an_answer() -> None:
    async with Playground() as site, talking(site) as client:
        assert (await client.complete("/html")).lower().startswith("<!doctype html")


async def test_a_dropped_connection_carries_the_partial_text_and_is_never_replayed() -> None:
    async with Playground() as site, talking(site) as client:
        with pytest.raises(
            StreamInterrupted, match="broke off after 9 characters: the connection was closed"
        ) as caught:
            await client.complete("/dropped so far: é")
        assert caught.value.partial.strip() == "so far: é"
        assert "so far" not in str(caught.value) + repr(caught.value)
        assert site.chats == 1


async def test_a_connection_dropped_before_the_first_text() -> None:
    async with Playground() as site, talking(site) as client:
        with pytest.raises(ConnectionFailed):
            await client.complete("/dropped")


async def test_silence_ends_at_the_read_time_out() -> None:
    async with Playground() as site, talking(site, read_timeout=0.3) as client:
        with pytest.raises(StreamInterrupted, match=r"nothing arrived for 0\.3 s") as caught:
            await client.complete("/silent so far")
        assert caught.value.partial.strip() == "so far"
        with pytest.raises(AnswerTimeout, match=r"sent nothing for 0\.3 s"):
            await client.complete("/silent-start")


async def test_no_server() -> None:
    async with Playground() as site:
        origin = site.origin
    async with AuraClient(origin, store="memory", session=make_session(origin)) as client:
        with pytest.raises(ConnectionFailed, match="No answer from"):
            await client.complete("x")


async def test_silence_behind_a_malformed_chunk_ends_too() -> None:
    """Here aiohttp's own read time-out does not fire (measured, 3.14.5)."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n")
        await writer.drain()
        await asyncio.wait_for(told.wait(), 10)
        writer.write(b"zz\r\nbroken")
        await writer.drain()
        writer.close()

    told = asyncio.Event()
    async with stream_server(handle) as port:
        origin = f"http://127.0.0.1:{port}"
        settings = {"store": "memory", "session": make_session(origin), "read_timeout": 0.5}
        async with AuraClient(origin, **settings) as client:  # type: ignore[arg-type]
            stream = client.stream("x")
            assert await anext(stream) == "some"
            told.set()
            with pytest.raises(StreamInterrupted) as caught:
                async with asyncio.timeout(10):
                    await anext(stream)
            assert caught.value.partial == "some"


@pytest.mark.parametrize(
    ("pieces", "least", "most"),
    [([f"<{number}>," for number in range(10)], 8, 20), (["<0>,", "x" * 30], 30, 30)],
    ids=["many", "one that is too long itself"],
)
async def test_of_a_very_long_answer_that_breaks_off_the_end_is_kept(
    monkeypatch: pytest.MonkeyPatch, pieces: list[str], least: int, most: int
) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece.encode()))
            await asyncio.wait_for(taken.acquire(), 10)  # each is a piece of its own
        writer.close()

    monkeypatch.setattr("aura_browser.chat.client._MAX_KEPT_CHARS", 20)
    taken = asyncio.Semaphore(0)
    async with stream_server(handle) as port:
        origin = f"http://127.0.0.1:{port}"
        async with AuraClient(origin, store="memory", session=make_session(origin)) as client:
            stream = client.stream("x")
            for piece in pieces:
                assert await anext(stream) == piece
                taken.release()
            with pytest.raises(StreamInterrupted) as caught:
                await anext(stream)
    assert "".join(pieces).endswith(caught.value.partial)
    assert least <= len(caught.value.partial) <= most


@asynccontextmanager
async def asking_for(
    body: bytes, *, length: int | None = None, content_type: str | None = None
) -> AsyncIterator[AuraClient]:
    """Open a client of a site that answers anything with *body*, which breaks off if it said another *length*."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        kind = f"Content-Type: {content_type}\r\n" if content_type else ""
        size = len(body) if length is None else length
        writer.write(f"HTTP/1.1 200 OK\r\n{kind}Content-Length: {size}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async with stream_server(handle) as port:
        origin = f"http://127.0.0.1:{port}"
        async with AuraClient(origin, store="memory", session=make_session(origin)) as client:
            yield client


async def test_of_an_answer_that_breaks_off_up_to_a_million_characters_are_kept() -> None:
    async with asking_for(b"x" * 1_500_000, length=1_500_001) as client:
        with pytest.raises(StreamInterrupted, match="broke off after 1,500,000 characters") as caught:
            async for _ in client.stream("x"):
                pass
    assert 400_000 < len(caught.value.partial) <= 1_000_000
    assert caught.value.length == 1_500_000


async def test_a_whole_answer_may_have_four_million_characters() -> None:
    async with asking_for(b"x" * 4_000_000) as client:
        assert len(await client.complete("x")) == 4_000_000
    async with asking_for(b"x" * 4_000_001) as client:
        with pytest.raises(StreamInterrupted, match=r"it is over 4,000,000 characters; read it piece by piece with"):
            await client.complete("x")


@pytest.mark.parametrize(("body", "text"), [(b"ab\xc3", "ab\ufffd"), (b"\xc3", "\ufffd")])
async def test_a_character_that_never_ends_is_one_that_is_unknown(body: bytes, text: str) -> None:
    async with asking_for(body) as client:
        assert await client.complete("x") == text


@pytest.mark.parametrize("body", [b"{}", b"[" * 100_000, b"\xff"])
async def test_a_list_of_models_that_is_none_is_the_sites_failure(body: bytes) -> None:
    async with asking_for(body, content_type="application/json") as client:
        with pytest.raises(SiteFailed, match="its list of models can't be read") as caught:
            await client.models()
        assert (caught.value.url, caught.value.status) == (f"{client.site.origin}/api/models", 200)


async def test_a_list_of_models_has_its_bounds() -> None:
    longest = b"[]".ljust(4 * 2**20)
    async with asking_for(longest, content_type="application/json") as client:
        assert await client.models() == ()
    async with asking_for(longest + b" ", content_type="application/json") as client:
        with pytest.raises(SiteFailed, match="4 MiB"):
            await client.models()


@pytest.mark.parametrize(
    ("of_client", "of_call", "model", "temperature", "window"),
    [
        ({}, {}, "openchat_3.6", 0.5, 8192),
        ({"model": ""}, {}, "openchat_3.6", 0.5, 8192),
        ({"model": OTHER, "temperature": 0.1, "max_tokens": 1000}, {}, OTHER, 0.1, 1000),
        (
            {"model": OTHER, "temperature": 0.1, "max_tokens": 1000},
            {"model": "openchat_3.6", "temperature": 0.0, "max_tokens": 2000},
            "openchat_3.6",
            0.0,
            2000,
        ),
    ],
)
async def test_settings_are_the_calls_or_the_clients_or_the_usual(
    of_client: dict[str, object], of_call: dict[str, Any], model: str, temperature: float, window: int
) -> None:
    async with Playground() as site, talking(site, **of_client) as client:
        await client.complete("hi", **of_call)
        body = json.loads(site.requests[-1].body)
    assert (body["model"]["id"], body["temperature"], body["model"]["tokenLimit"]) == (model, temperature, window)


async def test_a_given_session_goes_through_its_own_proxy_and_keeps_out_of_others_places(tmp_path: Path) -> None:
    async with Playground("login-401", sliding=True) as site:
        harvests = Harvests(site)
        store = FileStore(tmp_path)
        account_a, account_b = await harvests(), await harvests()
        await store.save(SessionKey(site.origin), account_a)
        async with AuraClient(site.origin, store=store, session=account_b, refresh="never") as client:
            await client.complete("rotate")
        assert await store.load(SessionKey(site.origin)) == account_a
        site.revoke_all()
        async with AuraClient(site.origin, store=store, session=account_b, refresh="never") as client:
            with pytest.raises(InteractionRequired):
                await client.complete("x")
        proxied = make_session(site.origin, proxy="http://127.0.0.1:9")
        async with AuraClient(site.origin, session=proxied) as client:
            with pytest.raises(ConnectionFailed, match="the proxy can't be reached"):
                await client.complete("x")
        with pytest.raises(InvalidInput, match="differs from the session's own"):
            AuraClient(site.origin, session=proxied, proxy="http://127.0.0.1:10")


async def test_leaving_a_stream_closes_its_connection() -> None:
    async with Playground() as site, talking(site) as client:
        stream = client.stream("/silent x")
        assert await anext(stream)
        await stream.aclose()
        assert await client.complete("next") == "next"


async def test_a_reason_phrase_of_any_kind_is_cleaned() -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 500 \x1b[31mr\xe9d\x07 " + b"x" * 1000 + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        await writer.drain()
        writer.close()

    async with stream_server(rude) as port:
        origin = f"http://127.0.0.1:{port}"
        async with AuraClient(origin, store="memory", session=make_session(origin)) as client:
            with pytest.raises(SiteFailed) as caught:
                await client.complete("x")
    str(caught.value).encode()
    assert caught.value.message.startswith("[31mréd x")
    assert len(caught.value.message) <= 300


async def test_a_reason_phrase_beyond_all_bounds_is_one_clear_error() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 " + b"x" * 300_000 + b"\r\n\r\n")
        await writer.drain()
        writer.close()

    async with stream_server(endless) as port:
        origin = f"http://127.0.0.1:{port}"
        async with AuraClient(origin, store="memory", session=make_session(origin)) as client:
            with pytest.raises(SiteFailed, match="not valid HTTP"):
                await client.complete("x")


@pytest.mark.parametrize("gate", ["login-401", "login-redirect"])
@pytest.mark.parametrize("sliding", [False, True])
async def test_a_refused_session_is_renewed_unseen(gate: str, *, sliding: bool) -> None:
    async with Playground(gate, sliding=sliding) as site:
        harvests = Harvests(site)
        async with AuraClient(site.origin, store="memory", harvest=harvests) as client:
            assert await client.complete("one") == "one"
            assert await client.complete("two") == "two"
            assert harvests.count == 1
            site.revoke_all()
            assert await client.complete("three") == "three"
            assert harvests.count == 2


@pytest.mark.slow
async def test_a_sliding_session_is_followed() -> None:
    async with Playground("login-401", life=1, sliding=True) as site:
        harvests = Harvests(site)
        async with AuraClient(site.origin, store="memory", harvest=harvests) as client:
            values = set()
            end = time.monotonic() + 2.5
            while time.monotonic() < end:
                await client.complete("/slow 0.1 x")
                values.add((await client.session()).cookies[0].value)
        assert harvests.count == 1
        assert len(values) > 3


@pytest.mark.slow
@pytest.mark.usefixtures("lasting_connections")
async def test_a_thousand_streams_on_an_expired_session_cause_one_harvest() -> None:
    async with Playground("login-redirect") as site:
        harvests = Harvests(site)
        async with AuraClient(site.origin, store="memory", harvest=harvests) as client:
            await client.complete("first")
            site.revoke_all()
            answers = await asyncio.gather(*(client.complete(f"question {n}") for n in range(1000)))
        assert answers == [f"question {n}" for n in range(1000)]
        assert harvests.count == 2
        assert site.chats == 1001


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_carries_cookie_or_prompt_to_another_origin(status: int) -> None:
    async def anyone(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="thanks")

    async def away(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": f"{elsewhere}/api/chat"})

    async with serving(anyone) as (other, elsewhere), serving(away) as (home, origin):
        session = make_session(origin)

        async def harvest() -> Session:
            return make_session(origin, harvested_at=session.harvested_at + 1)

        async with AuraClient(origin, store="memory", session=session, harvest=harvest) as client:
            from aura_browser.errors import SessionRefused

            with pytest.raises(SessionRefused, match=f"status {status} to {elsewhere}/api/chat"):
                await client.complete("s3cret prompt")
        assert {request.path for request in home.seen} == {"/api/chat", "/api/models"}
        assert other.seen == []


async def test_refresh_never_names_the_command_that_a_person_runs() -> None:
    async with Playground("login-401") as site, AuraClient(site.origin, store="memory", refresh="never") as client:
        with pytest.raises(InteractionRequired, match=f"aura-browser harvest {site.origin} --interactive --until"):
            await client.complete("x")


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"url": "nowhere://x"}, "url"),
        ({"read_timeout": 0}, "read_timeout"),
        ({"read_timeout": "5"}, "read_timeout"),
        ({"refresh": "always"}, "refresh"),
        ({"proxy": "socks4://me:s3cret@127.0.0.1:1080"}, "proxy"),
        ({"proxy": "http://me:s3cret@127.0.0.1"}, "proxy"),
        ({"proxy": "127.0.0.1"}, "proxy"),
        ({"session": make_session("https://elsewhere.org")}, "session"),
    ],
)
def test_an_argument_that_cannot_work_is_named_before_anything_starts(options: dict[str, object], name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        AuraClient(**options)  # type: ignore[arg-type]
    assert caught.value.name == name
    assert "s3cret" not in str(caught.value)


async def test_a_client_that_is_not_open_says_so() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await AuraClient("http://127.0.0.1:1", session=make_session("http://127.0.0.1:1")).complete("x")
