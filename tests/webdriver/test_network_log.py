"""What is taken of the browser's log, without a browser: requests, headers, forms, dialogs and errors."""

from collections.abc import Mapping
from typing import Any

import pytest
from selenium.common.exceptions import InvalidArgumentException, TimeoutException, UnexpectedAlertPresentException

from aura_browser.site import page_site
from aura_browser.webdriver.network_log import NetworkLog, SeenRequest
from tests.parts.ready_driver import ORIGIN, Event, ReadyDriver, list_request

_SITE = page_site(f"{ORIGIN}/")
_BASIC = "Basic YW5uOnMzY3JldA=="
_ELSEWHERE = "https://elsewhere.example"


def read(*events: Event) -> NetworkLog:
    """Return the log of a browser that told these."""
    log = NetworkLog(ReadyDriver(log=events))
    log.drain()
    return log


def answered(url: str, number: str, *, kind: str = "Fetch", mime: str = "text/html", **facts: Any) -> list[Event]:  # noqa: ANN401 - JSON
    """Return the events of one request that was answered 200, but for these facts."""
    [(method, sent), extra] = list_request(url, {}, kind=kind, number=number)
    sent = {**sent, "request": {**sent["request"], "method": facts.get("method", "GET")}}
    redirect: dict[str, object] = {"redirectResponse": {}} if facts.get("redirected") else {}
    response = {"status": facts.get("status", 200), "mimeType": mime, "headers": {}}
    received = {"requestId": number, "loaderId": sent["loaderId"], "type": kind, "response": response}
    return [(method, {**sent, **redirect}), extra, ("Network.responseReceived", received)]


def dialog(text: str, kind: str = "alert") -> Event:
    return "Page.javascriptDialogOpening", {"type": kind, "message": text}


def facts_of(request: SeenRequest) -> tuple[object, ...]:
    first = (request.url, request.method, request.kind, request.is_navigation, request.was_redirected)
    return (*first, request.status, request.mime_type, request.sent, request.fields)


def test_of_a_request_whose_headers_alone_were_told_nothing_else_is_known() -> None:
    [request] = read(
        ("Network.requestWillBeSentExtraInfo", {"requestId": "7", "headers": {"A": "s3cret"}})
    ).list_requests()
    assert facts_of(request) == ("", "", "", False, False, 0, "", [{"A": "s3cret"}], ())
    assert "s3cret" not in repr(request)


def test_what_a_form_sends_is_known_by_the_names_of_its_fields() -> None:
    [(method, sent), _] = list_request(f"{ORIGIN}/login#top", {}, number="5")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = {"url": f"{ORIGIN}/login#top", "method": "POST", "headers": form, "postData": "user=ann&password=s3cret"}
    [request] = read((method, {**sent, "request": posted})).list_requests()
    first = (f"{ORIGIN}/login", "POST", "Document", True, False)
    assert facts_of(request) == (*first, 0, "", [], ("user", "password"))


@pytest.mark.parametrize(
    ("facts", "is_navigation"),
    [({}, True), ({"frameId": "of a frame in the page"}, False), ({"loaderId": "of another document"}, False)],
)
def test_only_what_brings_a_tabs_main_document_is_a_navigation(
    facts: Mapping[str, str], *, is_navigation: bool
) -> None:
    [(method, sent), _] = list_request(f"{ORIGIN}/", {})
    [request] = read((method, {**sent, **facts})).list_requests()
    assert request.is_navigation is is_navigation


def test_the_newest_requests_are_kept_where_there_are_thousands() -> None:
    events = [list_request(f"{ORIGIN}/{number}", {}, kind="Fetch", number=str(number))[0] for number in range(2100)]
    urls = [request.url for request in read(*events).list_requests()]
    assert urls == [f"{ORIGIN}/{number}" for number in range(100, 2100)]


@pytest.mark.parametrize("answer", [None, TimeoutException(), UnexpectedAlertPresentException("x", alert_text="x")])
def test_a_log_that_says_nothing_now_is_read_later(answer: object, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = ReadyDriver(log=[dialog("first")])
    later, left = driver.get_log, [answer]

    def get_log(kind: str) -> object:
        if not left:
            return later(kind)
        if isinstance(said := left.pop(), Exception):
            raise said
        return said

    monkeypatch.setattr(driver, "get_log", get_log)
    log = NetworkLog(driver)
    log.drain()
    assert (log.has_log, log.dialogs) == (True, [])
    log.drain()
    assert [each.text for each in log.dialogs] == ["first"]


def test_a_driver_without_a_log_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def get_log(kind: str) -> object:
        asked.append(kind)
        raise InvalidArgumentException("log type 'performance' not found")

    driver = ReadyDriver()
    monkeypatch.setattr(driver, "get_log", get_log)
    log = NetworkLog(driver)
    for _ in range(2):
        log.drain()
    assert (log.has_log, asked) == (False, ["performance"])


def test_five_dialogs_are_kept_each_once() -> None:
    texts = ["one", "one", "two", "three", "two", "four", "five", "six"]
    log = read(*map(dialog, texts), dialog("one", "confirm"))
    assert [each.text for each in log.dialogs] == ["one", "two", "three", "four", "five"]


@pytest.mark.parametrize(
    ("text", "code"), [("net::ERR_EMPTY_RESPONSE", "ERR_EMPTY_RESPONSE"), ("it failed", ""), (None, "")]
)
def test_why_a_document_failed_is_said_by_chromes_code(text: str | None, code: str) -> None:
    failed = {"requestId": "1", "type": "Document", "errorText": text}
    log = read(
        ("Network.loadingFailed", failed), ("Network.loadingFailed", {**failed, "requestId": "2", "type": "Image"})
    )
    assert [log.failure_of(loader) for loader in "123"] == [code, "", ""]


@pytest.mark.parametrize("sign", ["-Session-Registration", '"deviceBoundSessionUsages"'])
def test_a_site_that_binds_its_session_is_known_by_what_it_and_the_browser_say(sign: str) -> None:
    said = {"Secure-Session-Registration": "x"} if sign.startswith("-") else {"deviceBoundSessionUsages": "x"}
    event = "Network.responseReceivedExtraInfo", {"requestId": "1", "headers": {}, **said}
    assert read(event).binds_session
    assert not read((event[0], {"requestId": "1", "headers": {}})).binds_session


@pytest.mark.parametrize(
    ("url", "kind", "value", "is_kept"),
    [
        (f"{ORIGIN}/x", "Document", _BASIC, True),
        (f"{ORIGIN}/x", "Document", _BASIC.replace("Basic", "basic"), True),
        (f"{ORIGIN}/x", "Document", "Bearer s3cret", False),
        (f"{ORIGIN}/x", "XHR", _BASIC, False),
        (f"{ORIGIN}:8443/x", "Document", _BASIC, False),
        ("https://www.chat.example.com/x", "Document", _BASIC, False),
    ],
)
def test_a_password_is_kept_that_a_navigation_sent_to_the_sessions_origin(
    url: str,
    kind: str,
    value: str,
    is_kept: bool,  # noqa: FBT001 - from the table above
) -> None:
    log = read(*list_request(url, {"Authorization": value}, kind=kind, number="2"))
    assert log.collect_headers(_SITE, ORIGIN) == ({"Authorization": value} if is_kept else {})


def test_a_browsers_hint_is_kept_of_each_kind_of_request_of_the_page() -> None:
    for kind in ("Document", "XHR", "Fetch"):
        log = read(*list_request(f"{ORIGIN}/x", {"Sec-CH-UA-Model": "m"}, kind=kind, number="2"))
        assert log.collect_headers(_SITE, ORIGIN) == {"Sec-CH-UA-Model": "m"}, kind


def test_headers_that_a_redirected_request_sent_to_another_host_are_left_out() -> None:
    sent, _ = list_request(f"{ORIGIN}/x", {}, number="2")
    hosts = [{"Host": "elsewhere.example"}, {"host": "http://["}, {}, {"Host": "chat.example.com"}]
    hops = [{**host, "Sec-CH-UA-Model": str(number)} for number, host in enumerate(hosts)]
    events = [("Network.requestWillBeSentExtraInfo", {"requestId": "2", "headers": hop}) for hop in hops]
    assert read(sent, *events).collect_headers(_SITE, ORIGIN) == {"Sec-CH-UA-Model": "3"}
    assert read(sent, *events[:3]).collect_headers(_SITE, ORIGIN) == {}


def test_a_token_is_that_of_the_last_request_that_the_page_made_with_it() -> None:
    log = read(
        *list_request(f"{ORIGIN}/", {"X-Token": "of the navigation"}),
        *list_request(f"{ORIGIN}/a", {"x-token": "first"}, kind="Fetch", number="2"),
        *list_request(f"{ORIGIN}/b", {"X-Token": "last"}, kind="XHR", number="3"),
        *list_request(f"{ORIGIN}/c", {"X-Other": "x"}, kind="Fetch", number="4"),
        *list_request(f"{_ELSEWHERE}/d", {"X-Token": "of another site"}, kind="Fetch", number="5"),
        *list_request("https://www.chat.example.com/e", {"X-Token": "below"}, kind="Fetch", number="6"),
        *list_request("data:x", {"X-Token": "of none"}, kind="Fetch", number="7"),
    )
    assert log.find_sent_header(_SITE, ORIGIN, "X-TOKEN") == "last"
    assert log.find_sent_header(_SITE, ORIGIN, "X-Nothing") is None


def test_a_probe_is_learned_from_what_the_page_got_without_harm_json_first() -> None:
    log = read(
        *answered(f"{ORIGIN}/", "1", kind="Document"),
        *answered(f"{ORIGIN}/me", "2", mime="application/json"),
        *answered(f"{ORIGIN}/me", "3", kind="XHR", mime="application/json"),
        *answered(f"{ORIGIN}/image", "4", kind="Image"),
        *answered(f"{ORIGIN}/post", "5", method="POST"),
        *answered(f"{ORIGIN}/created", "6", status=201),
        *answered(f"{ORIGIN}/moved", "7", redirected=True),
        *answered(f"{_ELSEWHERE}/x", "8"),
        *answered(f"{ORIGIN}/logout", "9"),
        *answered("https://www.chat.example.com/api", "10", mime="application/problem+json"),
    )
    assert log.list_page_requests(_SITE, ORIGIN) == ("/me", "https://www.chat.example.com/api", "/")


def test_twenty_requests_are_enough_to_learn_from() -> None:
    events = [event for number in range(30) for event in answered(f"{ORIGIN}/{number}", str(number))]
    assert read(*events).list_page_requests(_SITE, ORIGIN) == tuple(f"/{number}" for number in range(20))


def test_what_is_bound_to_the_device_is_kept_as_the_browser_says_it() -> None:
    assert read().device_bound is None
    events = [("Network.deviceBoundSessionsAdded", {"sessions": [{"key": key}]}) for key in "ab"]
    log = read(*events)
    assert (log.device_bound, log.list_requests()) == ([{"key": "a"}, {"key": "b"}], ())


def test_what_else_the_browser_tells_of_a_request_makes_none() -> None:
    assert read(("Network.dataReceived", {"requestId": "9", "dataLength": 5})).list_requests() == ()
