"""A Grid that answers what a real one does only at the worst moment; a stand-in on loopback."""

import json
import socket
from collections.abc import Callable

import pytest
from aiohttp import web
from yarl import URL

from aura_browser import Grid, page_site
from aura_browser.errors import GridFailed
from aura_browser.webdriver.browsers.grid import _Connection
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.harvest import harvest
from tests.parts.servers import Server, serving, without_end

_SITE = page_site("http://127.0.0.1:1/")
_LOST = "Could not start a new session. (POST http://node:5555/se/grid/node/session)"


def node(*browsers: str) -> dict[str, object]:
    slots = [{"stereotype": {"browserName": name}, "session": None} for name in browsers]
    return {"availability": "UP", "slots": slots}


def grid(
    nodes: list[dict[str, object]], answer_session: Callable[[], web.Response]
) -> "Callable[[web.BaseRequest], web.StreamResponse]":
    def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "POST" and request.path.endswith("/session"):
            return answer_session()
        if request.path == "/status":
            return web.json_response({"value": {"ready": True, "message": "", "nodes": nodes}})
        return web.json_response({"value": None})

    return answer


def refuse(message: str) -> web.Response:
    text = json.dumps({"value": {"error": "session not created", "message": message, "stacktrace": ""}})
    return web.Response(status=500, text=text, content_type="application/json")


async def fail_at(answer: "Callable[[web.BaseRequest], web.StreamResponse]") -> tuple[str, Server]:
    """Return why a harvest with this Grid fails, and what it was asked."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return answer(request)

    async with serving(handle) as (server, origin):
        with pytest.raises(GridFailed) as caught:
            await harvest(_SITE, engine=Grid(f"{origin.replace('//', '//ann:s3cret@')}"), timeout_s=20)
    assert "s3cret" not in str(caught.value)
    return str(caught.value), server


@pytest.mark.parametrize(
    ("nodes", "said"),
    [([], "it has no running node"), ([node("firefox")], "no running node has Chrome")],
)
async def test_a_grid_without_chrome_is_said_before_anything_starts(nodes: list[dict[str, object]], said: str) -> None:
    text, server = await fail_at(grid(nodes, lambda: refuse("never asked")))
    assert said in text
    assert [request.path for request in server.seen] == ["/status"]


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (404, {}, "no Grid answers there"),
        (302, {"Location": "http://elsewhere.test/?key=s3cret"}, "it redirects to http://elsewhere.test/"),
        (401, {}, "it requires another user and password"),
    ],
)
async def test_an_error_at_the_grids_address_is_explained(status: int, headers: dict[str, str], said: str) -> None:
    text, _ = await fail_at(lambda _request: web.Response(status=status, headers=headers))
    assert said in text


@pytest.mark.parametrize(
    "body", ["<p>Hello</p>", "[]", '{"value": {"nodes": [1]}}', pytest.param("[" * 200_000, id="nested")]
)
async def test_what_answers_and_is_no_grid_is_said(body: str) -> None:
    text, _ = await fail_at(lambda _request: web.Response(text=body))
    assert "no Grid answers there" in text


async def test_a_grids_answer_without_an_end_is_not_waited_for() -> None:
    async with serving(without_end(b"x" * 2**20)) as (_server, origin):
        with pytest.raises(GridFailed, match="no Grid answers there"):
            await harvest(_SITE, engine=Grid(origin), timeout_s=30)


@pytest.mark.parametrize(("message", "tries"), [(_LOST, 3), ("Chrome failed to start", 1)])
async def test_a_session_at_a_lost_node_is_asked_for_again_a_few_times_and_no_other(message: str, tries: int) -> None:
    text, server = await fail_at(grid([node("chrome")], lambda: refuse(message)))
    assert message in text
    assert [request.path for request in server.seen].count("/session") == tries


async def test_a_password_is_not_sent_to_where_a_grid_redirects() -> None:
    async with serving(lambda _request: pytest.fail("nothing is sent there")) as (elsewhere, other):

        def redirect() -> web.Response:
            return web.Response(status=302, headers={"Location": f"{other}/session"})

        text, _ = await fail_at(grid([node("chrome")], redirect))
    assert elsewhere.seen == []
    assert "HTTPError" in text


def test_an_abort_ends_each_connection_though_another_is_closed_already() -> None:
    connection = _Connection(URL("http://127.0.0.1:9"), Deadline(5))
    closed, ours, theirs = socket.socket(), *socket.socketpair()
    connection._sockets += [closed, ours]
    closed.close()
    connection.abort()
    with ours, theirs:
        theirs.settimeout(20)
        assert theirs.recv(1) == b""
