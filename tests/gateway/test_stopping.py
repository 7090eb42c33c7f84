"""Who leaves, what is slow and what stops: nothing goes on for nobody, and nothing waits for ever."""

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from aura_browser import AuraClient
from aura_browser.gateway.server import Gateway, Settings
from aura_browser.gateway.watching import Patience
from aura_browser.gateway.wires.problem import Problem
from aura_browser.playground import Playground
from tests.parts.gateways import MODEL, QUICK, gateway_to, question, write_post
from tests.parts.servers import serving
from tests.parts.sessions import make_session
from tests.parts.waiting import eventually

WIRES = {
    "/chat/completions": lambda text: question(text, stream=True),
    "/completions": lambda text: {"model": MODEL, "prompt": text, "stream": True},
    "/responses": lambda text: {"model": MODEL, "input": text, "stream": True},
    "/messages": lambda text: question(text, stream=True, max_tokens=1000),
}


@asynccontextmanager
async def asking(
    gateway: Gateway, body: object, path: str = "/chat/completions"
) -> AsyncIterator[aiohttp.ClientResponse]:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{gateway.base_url}{path}", json=body) as response,
    ):
        yield response


async def leave(task: "asyncio.Task[object]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("path", WIRES)
@pytest.mark.parametrize("stream", [True, False])
async def test_leaving_before_the_first_token_stops_the_site(path: str, stream: bool) -> None:  # noqa: FBT001 - a case
    async def ask(gateway: Gateway) -> None:
        async with asking(gateway, WIRES[path]("/silent-start") | {"stream": stream}, path):
            pytest.fail("nothing is answered")

    async with Playground() as site, gateway_to(site) as gateway:
        task = asyncio.create_task(ask(gateway))
        await eventually(lambda: site.answering == 1)
        await leave(task)
        await eventually(lambda: site.answering == 0, seconds=2)
        metrics = await read_metrics(gateway)
        assert 'aura_client_disconnects_total{phase="waiting"} 1' in metrics
        assert "aura_streams_open 0" in metrics


@pytest.mark.parametrize("path", WIRES)
@pytest.mark.parametrize("command", ["/silent a b c", "/slow 0.01 " + "word " * 2000])
async def test_leaving_in_a_pause_or_mid_stream_stops_the_site(path: str, command: str) -> None:
    async with Playground() as site, gateway_to(site) as gateway:
        async with asking(gateway, WIRES[path](command), path) as response:
            assert response.status == 200
            await response.content.readany()
            assert site.answering == 1
            response.close()
        await eventually(lambda: site.answering == 0, seconds=2)
        assert 'aura_client_disconnects_total{phase="streaming"} 1' in await read_metrics(gateway)


async def read_metrics(gateway: Gateway) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"{gateway.origin}/metrics") as response:
        return await response.text()


async def test_who_leaves_the_queue_is_not_waited_for() -> None:
    async with Playground() as site, gateway_to(site, upstream_concurrency=1) as gateway:
        order: list[str] = []

        async def ask(text: str) -> None:
            async with asking(gateway, question(text)) as response:
                assert response.status == 200
                order.append(text)

        async with asking(gateway, question("/silent first", stream=True)) as response:
            await response.content.readany()
            leaving = asyncio.create_task(ask("leaves"))
            await wait_for_queue(gateway, 1)
            second = asyncio.create_task(ask("second"))
            await wait_for_queue(gateway, 2)
            third = asyncio.create_task(ask("third"))
            await wait_for_queue(gateway, 3)
            await leave(leaving)
            await wait_for_queue(gateway, 2)
            assert site.chats == 1
            response.close()
        await asyncio.gather(second, third)
        assert order == ["second", "third"]
        assert site.chats == 3


async def wait_for_queue(gateway: Gateway, length: int) -> None:
    async def has_length() -> bool:
        return f"aura_queue_waiting {length}\n" in await read_metrics(gateway)

    await eventually(has_length)


async def test_too_many_streams_are_refused() -> None:
    async with Playground() as site, gateway_to(site, max_streams=1, upstream_concurrency=1) as gateway:

        async def ask() -> None:
            async with asking(gateway, question("waits")) as waiting:
                assert waiting.status == 200

        async with asking(gateway, question("/silent first", stream=True)) as response:
            await response.content.readany()
            others = [asyncio.create_task(ask()) for _ in range(32)]
            await wait_for_queue(gateway, 32)
            async with asking(gateway, question("one too many")) as refused:
                assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
                assert (await refused.json())["error"]["code"] == "server_busy"
            response.close()
        await asyncio.gather(*others)


async def test_a_silent_stream_is_opened_and_kept_alive() -> None:
    async with (
        Playground() as site,
        gateway_to(site, patience=QUICK) as gateway,
        asking(gateway, question("/slow 1 late", stream=True)) as response,
    ):
        assert response.status == 200
        assert site.answering == 1
        text = await response.text()
    assert text.startswith(": ping\n\n")
    assert text.count(": ping\n\n") >= 2
    assert "late" in text
    assert text.endswith("data: [DONE]\n\n")


async def test_a_failure_after_a_stream_was_opened_is_an_event() -> None:
    async with (
        Playground() as site,
        gateway_to(site, {"read_timeout": 1.0}, patience=QUICK) as gateway,
        asking(gateway, question("/silent-start", stream=True)) as response,
    ):
        assert response.status == 200
        events = [line for line in (await response.text()).splitlines() if line.startswith("data:")]
    assert json.loads(events[0][6:])["error"]["code"] == "answer_timeout"
    assert events[1:] == ["data: [DONE]"]


async def test_a_client_that_does_not_read_is_cut_and_the_site_is_not_read_ahead() -> None:
    sent = 0

    async def flood(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        response.headers.popall("Content-Type", None)
        await response.prepare(request)
        while True:
            await response.write(b"x" * 2**16)
            sent += 2**16

    patience = Patience(stuck=0.5, tick=0.05)
    async with serving(flood) as (_, origin), gateway_to(origin, patience=patience) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=2**12)
        writer.write(write_post("/v1/chat/completions", question("hi", stream=True)))
        await reader.readuntil(b"\r\n")

        async def is_cut() -> bool:
            return "aura_streams_open 0" in await read_metrics(gateway)

        await eventually(is_cut, seconds=20)
        assert sent < 64 * 2**20, "only what the sockets hold is read"
        writer.close()


@pytest.mark.slow
async def test_a_body_that_never_ends_times_out() -> None:
    async with Playground() as site, gateway_to(site, patience=QUICK) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"x-should-retry: false" in answer
    assert b'"code":"request_timeout"' in answer


async def test_a_stop_lets_answers_end_and_refuses_new_ones() -> None:
    async with Playground() as site, gateway_to(site) as gateway:
        async with asking(gateway, question("/slow 0.02 one two three four five six seven", stream=True)) as response:
            await response.content.readany()
            stopping = asyncio.create_task(gateway.stop())
            rest = await response.text()
            await stopping
        assert rest.endswith("data: [DONE]\n\n")
        with pytest.raises(aiohttp.ClientConnectorError):
            async with asking(gateway, question("hi")):
                pass


async def test_a_stop_refuses_new_questions_on_open_connections() -> None:
    async with Playground() as site, gateway_to(site) as gateway, aiohttp.ClientSession() as http:
        async with http.get(f"{gateway.base_url}/models") as listed:  # opens the second connection, and leaves it open
            assert listed.status == 200
        async with asking(gateway, question("/silent begun", stream=True)) as response:
            await response.content.readany()
            stopping = asyncio.create_task(gateway.stop())
            await eventually(lambda: gateway.is_stopping)
            async with http.post(f"{gateway.base_url}/chat/completions", json=question("hi")) as refused:
                assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
                assert refused.headers["Connection"] == "close"
                assert (await refused.json())["error"]["code"] == "gateway_stopping"
            assert site.answering == 1
            gateway.hurry()
            await stopping


@pytest.mark.parametrize("path", WIRES)
async def test_a_stop_ends_what_takes_too_long_with_an_error(path: str) -> None:
    patience = Patience(stop=0.1)
    async with Playground() as site, gateway_to(site, patience=patience) as gateway:
        async with asking(gateway, WIRES[path]("/silent begun"), path) as response:
            await response.content.readany()
            await gateway.stop()
            rest = await response.text()
        await eventually(lambda: site.answering == 0, seconds=2)
    assert "The gateway is stopping" in rest


async def test_nothing_follows_an_end_that_the_client_does_not_take() -> None:
    text = b"x" * 1_500_000  # this wire repeats all of it at its end, four times: more than sockets hold

    async def answer(_request: web.BaseRequest) -> web.Response:
        response = web.Response(body=text)
        response.headers.popall("Content-Type", None)
        return response

    async with serving(answer) as (_, origin), gateway_to(origin, patience=Patience(stop=0.1)) as gateway:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)  # or Linux lets it grow, as far as it needs
        connection.setblocking(False)  # noqa: FBT003 - named by the standard library
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", gateway.port))
        reader, writer = await asyncio.open_connection(sock=connection, limit=2**12)
        writer.write(write_post("/v1/responses", WIRES["/responses"]("hi")))
        seen = 0
        while seen <= len(text):  # until the end has begun, which repeats it
            seen += (await reader.read(2**16)).count(b"x")
        await gateway.stop()
        rest = b""
        with contextlib.suppress(ConnectionResetError):
            while data := await reader.read(2**20):
                rest += data
        writer.close()
    assert b"0\r\n\r\n" not in rest
    assert b"The gateway is stopping" not in rest


async def test_a_second_signal_does_not_wait() -> None:
    async with (
        Playground() as site,
        gateway_to(site) as gateway,
        asking(gateway, question("/silent begun", stream=True)) as response,
    ):
        await response.content.readany()
        stopping = asyncio.create_task(gateway.stop())
        await eventually(lambda: gateway.is_stopping)
        gateway.hurry()
        async with asyncio.timeout(5):
            await stopping
        assert "The gateway is stopping" in await response.text()


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_stopped_gateway_leaves_no_task(*, at_once: bool) -> None:
    before = asyncio.all_tasks()
    async with Playground() as site:
        own = asyncio.all_tasks()
        async with gateway_to(site) as gateway:
            assert asyncio.all_tasks() > own
            await gateway.stop(at_once=at_once)
        assert asyncio.all_tasks() == own
    assert asyncio.all_tasks() == before


async def test_a_stop_ends_the_question_for_the_sites_models() -> None:
    async def never(_request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with (
        serving(never) as (server, origin),
        AuraClient(origin, store="memory", session=make_session(origin)) as client,
    ):
        gateway = Gateway(client, Settings(port=0, patience=Patience(stop=0.1)))
        await gateway.start()
        models = gateway._models
        asking = asyncio.create_task(models.resolve("gpt-4o"))
        await eventually(lambda: len(server.seen) == 1)
        await gateway.stop()
        async with asyncio.timeout(20):
            with pytest.raises(Problem, match="There is no model"):
                await asking


async def test_leaving_the_gateway_waits_for_no_answer() -> None:
    async with (
        Playground() as site,
        asyncio.timeout(20),
        gateway_to(site) as gateway,
        asking(gateway, question("/silent begun", stream=True)) as response,
    ):
        await response.content.readany()
        await gateway.__aexit__(None, None, None)
        assert "The gateway is stopping" in await response.text()


async def test_health_and_metrics_are_shown_to_the_end_and_a_refusal_ends_its_connection() -> None:
    async with (
        Playground() as site,
        gateway_to(site) as gateway,
        asking(gateway, question("/silent begun", stream=True)) as response,
    ):
        await response.content.readany()
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        assert b" 200 " in await get(reader, writer, "/healthz")
        stopping = asyncio.create_task(gateway.stop())
        await eventually(lambda: gateway.is_stopping)
        health = await get(reader, writer, "/healthz")
        assert (b" 503 " in health, b'"status":"stopping"' in health) == (True, True)
        assert b" 200 " in await get(reader, writer, "/metrics")
        assert b"gateway_stopping" in await get(reader, writer, "/v1/models")
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
        gateway.hurry()
        await stopping


async def get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> bytes:
    """Ask on an open connection; return the whole answer."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        return head + await reader.readexactly(length)


async def test_by_default_four_questions_are_asked_at_once_and_64_answers_may_be_open() -> None:
    async with Playground() as site, gateway_to(site) as gateway, aiohttp.ClientSession() as http:
        url = f"{gateway.base_url}/chat/completions"
        asked = [asyncio.create_task(http.post(url, json=question("/silent-start")).__aenter__()) for _ in range(66)]
        await wait_for_queue(gateway, 60 + 2)
        assert (site.answering, "aura_streams_open 64\n" in await read_metrics(gateway)) == (4, True)
        for task in asked:
            task.cancel()
        await asyncio.wait(asked)


async def test_a_client_that_takes_no_last_word_is_cut(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def flood(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        response.headers.popall("Content-Type", None)
        await response.prepare(request)
        while True:
            await response.write(b"x" * 2**16)

    monkeypatch.setattr("aura_browser.gateway.answering._LAST_WORD_S", 0.05)
    async with serving(flood) as (_, origin), gateway_to(origin, patience=Patience(stop=0.1)) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=2**12)
        writer.write(write_post("/v1/chat/completions", question("hi", stream=True)))
        await reader.readuntil(b"\r\n")
        stream = next(iter(gateway._watch._running)).stream
        assert stream is not None
        await eventually(lambda: stream.sending_since is not None)
        await gateway.stop()
        assert 'aura_client_disconnects_total{phase="streaming"} 1\n' in gateway._metrics.write({}, {})
        writer.close()
    assert [
        each for each in caplog.record_tuples if each[0].startswith("aura_browser") and each[1] > logging.INFO
    ] == []


async def test_the_log_says_499_of_a_client_that_left(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="aura_browser.gateway.handling")
    async with Playground() as site, gateway_to(site) as gateway:
        async with asking(gateway, question("/silent begun", stream=True)) as response:
            await response.content.readany()
            response.close()
        assert await eventually(lambda: " 499 " in caplog.text)
