"""Messages of the DevTools protocol and the log of events, byte by byte."""

import json

from aura_browser.webdriver.cdp.event_log import EventLog
from aura_browser.webdriver.cdp.messages import Message, format_command, parse_message, parse_values


def test_an_answer_and_an_event_are_read_alike_with_and_without_half_a_surrogate() -> None:
    for text in ("ü", "\ud800"):
        answer = parse_message(json.dumps({"id": 7, "result": {"is": text}}).encode())
        assert (answer.id, answer.method, answer.session, answer.error) == (7, "", "", None)
        assert (parse_values(answer.params), parse_values(answer.result)) == ({}, {"is": text})
        event = parse_message(json.dumps({"method": "A.b", "sessionId": "S", "params": {"is": text}}).encode())
        assert (event.id, event.method, event.session, event.error) == (None, "A.b", "S", None)
        assert (parse_values(event.params), parse_values(event.result)) == ({"is": text}, {})


def test_a_command_names_its_session_if_it_has_one() -> None:
    command = {"id": 7, "method": "A.b", "params": {"is": "ü"}}
    assert json.loads(format_command(7, "A.b", {"is": "ü"}, "")) == command
    assert json.loads(format_command(7, "A.b", {"is": "ü"}, "S")) == command | {"sessionId": "S"}


def test_the_log_has_what_came_since_it_was_taken_as_chromedrivers_has_it() -> None:
    log = EventLog()
    log.add(parse_message(b'{"method":"A.b","params":{"is":"x\\u00e9"}}'), "T")
    log.add(Message(method="A.c"), "")
    [first, second] = log.take()
    assert json.loads(first["message"]) == {"message": {"method": "A.b", "params": {"is": "x\u00e9"}}, "webview": "T"}
    assert json.loads(second["message"]) == {"message": {"method": "A.c", "params": {}}, "webview": ""}
    assert log.take() == []


def test_the_log_keeps_the_latest_events_only() -> None:
    log = EventLog()
    for number in range(20_002):
        log.add(Message(method=str(number)), "")
    entries = log.take()
    methods = [json.loads(entries[place]["message"])["message"]["method"] for place in (0, -1)]
    assert (len(entries), methods) == (20_000, ["2", "20001"])
