"""The connection to Chrome: what comes in pieces, answers that are none, a side that goes, and waits that end."""

import asyncio
import json
import os
import socket
import threading
from collections.abc import Iterator
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest

from aura_browser.webdriver.cdp import pipe
from aura_browser.webdriver.cdp.browser_commands import call
from aura_browser.webdriver.cdp.connection import (
    CdpError,
    CommandRefused,
    CommandTimedOut,
    Connection,
    ConnectionLost,
)
from aura_browser.webdriver.cdp.messages import Message, parse_values
from aura_browser.webdriver.deadline import Deadline

if TYPE_CHECKING:
    from concurrent.futures import Future

SOON_S = 30.0

pytestmark = pytest.mark.usefixtures("no_shared_browsers")


class OtherSide:
    """What stands where Chrome does: the other ends of both pipes."""

    def __init__(self) -> None:
        self.commands, writer = os.pipe()
        reader, self.answers = os.pipe()
        self.events: Queue[Message] = Queue()
        self.ended = threading.Event()
        self.connection = Connection(reader, writer, on_event=self.events.put, on_end=self.ended.set)
        self.connection.start()
        self._rest = b""
        self._open = {self.commands, self.answers}

    def read_command(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = os.read(self.commands, 65_536)
            assert data, "the connection was closed"
            self._rest += data
        first, _, self._rest = self._rest.partition(b"\0")
        command: dict[str, Any] = json.loads(first)
        return command

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.answers, rest) :]

    def say(self, **message: object) -> None:
        self.write(json.dumps(message).encode() + b"\0")

    def leave(self) -> None:
        for each in self._open:
            os.close(each)
        self._open.clear()


@pytest.fixture
def other() -> Iterator[OtherSide]:
    side = OtherSide()
    yield side
    side.leave()
    side.connection.close()
    side.connection.join()
    assert [thread.name for thread in threading.enumerate() if "cdp" in thread.name] == []


def test_answers_find_their_commands_in_any_order(other: OtherSide) -> None:
    first = other.connection.send("A.first", {"value": "\ud800 ü"})
    second = other.connection.send("B.second", session="S1")
    commands = [other.read_command(), other.read_command()]
    assert [(each["method"], each.get("sessionId")) for each in commands] == [("A.first", None), ("B.second", "S1")]
    assert commands[0]["params"] == {"value": "\ud800 ü"}
    other.say(id=commands[1]["id"], result={"is": 2}, sessionId="S1")
    other.say(id=999, result={})  # nobody's
    other.say(id=commands[0]["id"], result={"is": "\ud800"})
    assert first.result(SOON_S) == {"is": "\ud800"}
    assert second.result(SOON_S) == {"is": 2}


def test_a_message_in_pieces_and_two_in_one(other: OtherSide) -> None:
    long = json.dumps({"method": "X.long", "params": {"text": "x" * 1_000_000}}).encode() + b"\0"
    other.write(long[:10])
    other.write(long[10:] + b'{"method":"X.short","sessionId":"S"}\0{"method":"X.cut"')
    other.write(b"}\0")
    found = [other.events.get(timeout=SOON_S) for _ in range(3)]
    assert [(each.method, each.session) for each in found] == [("X.long", ""), ("X.short", "S"), ("X.cut", "")]
    assert len(parse_values(found[0].params)["text"]) == 1_000_000


def test_a_refusal_has_chromes_words(other: OtherSide) -> None:
    answer = other.connection.send("A.bad")
    other.say(id=other.read_command()["id"], error={"code": -32602, "message": "Invalid parameters", "data": "more"})
    with pytest.raises(CommandRefused, match=r"A\.bad: Invalid parameters \(-32602\)") as caught:
        answer.result(SOON_S)
    assert caught.value.code == -32602


@pytest.mark.parametrize(
    "said",
    [
        b"\0",
        b"no JSON\0",
        b"[]\0",
        b"{}\0",
        b'{"id":"1","result":{}}\0',
        b'{"id":1,"result":[]}\0',
        b'{"id":1,"error":"no"}\0',
        b'{"id":1,"error":{"code":"x","message":1}}\0',
        b'{"method":1}\0',
        b'{"method":"A","sessionId":{}}\0',
        b'\xff{"method":"A"}\0',
    ],
)
def test_what_is_no_message_ends_the_connection(other: OtherSide, said: bytes) -> None:
    answer = other.connection.send("A.first")
    other.read_command()
    other.write(said)
    with pytest.raises(ConnectionLost, match="it sent"):
        answer.result(SOON_S)
    assert other.ended.wait(SOON_S)
    assert os.read(other.commands, 1) == b""  # that tells a Chrome to end
    with pytest.raises(ConnectionLost, match="it sent"):
        other.connection.send("A.next").result(SOON_S)


def test_a_message_without_an_end_is_not_kept_for_ever(other: OtherSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "MAX_MESSAGE_BYTES", 100_000)
    answer = other.connection.send("A.first")
    writing = threading.Thread(target=_write_until_closed, args=(other,), daemon=True)
    writing.start()
    with pytest.raises(ConnectionLost, match="too long"):
        answer.result(SOON_S)
    writing.join(SOON_S)
    assert not writing.is_alive()


def _write_until_closed(other: OtherSide) -> None:
    try:
        while True:
            os.write(other.answers, b"x" * 65_536)
    except BrokenPipeError:
        return


def test_who_does_not_read_is_given_up(other: OtherSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "_MAX_UNSENT_BYTES", 300_000)
    answers = [other.connection.send("A.long", {"text": "x" * 100_000}) for _ in range(5)]
    with pytest.raises(ConnectionLost, match="does not read"):
        answers[-1].result(SOON_S)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_end_of_the_other_side_ends_all_waits(other: OtherSide, moment: str) -> None:
    answers: list[Future[dict[str, Any]]] = []
    if moment == "after":
        answers = [other.connection.send("A.first"), other.connection.send("A.second", session="S")]
    other.leave()
    assert other.ended.wait(SOON_S)
    answers.append(other.connection.send("A.last"))
    for answer in answers:
        with pytest.raises(ConnectionLost):
            answer.result(SOON_S)


@pytest.mark.parametrize(
    ("unread", "said"), [(b"", "it closed the connection"), (b"a command", "Connection reset by peer")]
)
def test_why_nothing_more_comes_is_said_once(unread: bytes, said: str) -> None:
    ours, theirs = socket.socketpair()
    ours.sendall(unread)
    reasons: Queue[str] = Queue()
    writer = os.open(os.devnull, os.O_WRONLY)
    moved = pipe.Pipe(ours.detach(), writer, on_message=lambda _message: None, on_end=reasons.put)
    moved.start()
    theirs.close()
    assert reasons.get(timeout=SOON_S) == said
    moved.join()
    assert reasons.empty()


def test_a_session_that_ends_ends_its_own_waits_only(other: OtherSide) -> None:
    gone, stays = other.connection.send("A.first", session="S1"), other.connection.send("A.second", session="S2")
    other.connection.fail_session("S1", CdpError("closed"))
    with pytest.raises(CdpError, match="closed"):
        gone.result(SOON_S)
    commands = [other.read_command(), other.read_command()]
    other.say(id=commands[0]["id"], result={})  # too late
    other.say(id=commands[1]["id"], result={"ok": True})
    assert stays.result(SOON_S) == {"ok": True}


def test_a_wait_in_a_thread_ends_in_time(other: OtherSide) -> None:
    with pytest.raises(CommandTimedOut, match=r"A\.never: no answer within 0(\.0\d+)? s"):
        call(other.connection, "A.never", {}, Deadline(0.05))


async def test_a_loop_waits_as_a_thread_does(other: OtherSide) -> None:
    with pytest.raises(CommandTimedOut, match=r"A\.never"):
        await other.connection.ask("A.never", timeout_s=0.05)
    asking = asyncio.ensure_future(other.connection.ask("A.soon", timeout_s=SOON_S))
    await asyncio.to_thread(other.read_command)
    soon = await asyncio.to_thread(other.read_command)
    other.say(id=soon["id"], result={"ok": 1})
    assert await asking == {"ok": 1}
    cancelled = asyncio.ensure_future(other.connection.ask("A.cancelled", timeout_s=SOON_S))
    late = await asyncio.to_thread(other.read_command)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    other.say(id=late["id"], result={})  # and the connection lives on
    last = asyncio.ensure_future(other.connection.ask("A.last", timeout_s=SOON_S))
    other.say(id=(await asyncio.to_thread(other.read_command))["id"], result={"ok": 2})
    assert await last == {"ok": 2}


def test_the_time_that_was_left_is_rounded() -> None:
    assert str(CommandTimedOut("Page.enable", 0.579871)) == "Page.enable: no answer within 0.58 s"
    assert str(CommandTimedOut("Page.enable", 120.0)) == "Page.enable: no answer within 120 s"
