"""What ``/metrics`` and ``/healthz`` say, read as others read them."""

import json
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from aura_browser.gateway.metrics import Metrics
from aura_browser.gateway.status import describe_health, list_gauges
from aura_browser.playground import Playground
from aura_browser.session import Session
from tests.parts.gateways import MODEL, gateway_to, question
from tests.parts.sessions import make_session


async def test_counts_are_what_happened() -> None:
    async with Playground() as site, gateway_to(site) as gateway, aiohttp.ClientSession() as http:
        for body in (question("hi"), question("hi", stream=True), question("/empty"), question("hi", n=2)):
            async with http.post(f"{gateway.base_url}/chat/completions", json=body) as response:
                await response.read()
        async with http.get(f"{gateway.origin}/metrics") as response:
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            families = {family.name: family for family in text_string_to_metric_families(await response.text())}
    durations = families["gen_ai_server_request_duration_seconds"]
    counts = {
        (sample.labels["gen_ai_request_model"], sample.labels.get("error_type")): sample.value
        for sample in durations.samples
        if sample.name.endswith("_count")
    }
    assert counts == {(MODEL, None): 2, (MODEL, "empty_answer"): 1, ("", "unsupported_value"): 1}
    assert {sample.labels["gen_ai_operation_name"] for sample in durations.samples} == {"chat"}
    firsts = families["gen_ai_server_time_to_first_token_seconds"].samples
    assert next(sample.value for sample in firsts if sample.labels.get("le") == "+Inf") == 2
    sums = {
        name: sum(sample.value for sample in families[name].samples if sample.name.endswith("_sum"))
        for name in ("gen_ai_server_request_duration_seconds", "gen_ai_server_time_to_first_token_seconds")
    }
    assert 0 < sums["gen_ai_server_time_to_first_token_seconds"] < sums["gen_ai_server_request_duration_seconds"] < 60
    assert families["aura_streams_open"].samples[0].value == 0
    assert {s.labels["code"]: s.value for s in families["aura_upstream_errors"].samples} == {"empty_answer": 1}


async def test_a_model_that_is_not_there_is_no_label() -> None:
    async with Playground() as site, gateway_to(site) as gateway, aiohttp.ClientSession() as http:
        async with http.post(f"{gateway.base_url}/chat/completions", json=question("hi") | {"model": "made-up"}):
            pass
        async with http.get(f"{gateway.origin}/metrics") as response:
            assert "made-up" not in await response.text()


async def test_health_tells_the_sessions_age_and_life() -> None:
    async with (
        Playground() as site,
        gateway_to(site) as gateway,
        aiohttp.ClientSession() as http,
        http.get(f"{gateway.origin}/healthz") as response,
    ):
        facts = await response.json()
    assert facts["status"] == "ok"
    assert facts["site"] == site.origin
    assert facts["session_age"] > 0
    assert "s3cret" not in str(facts)


def test_labels_are_escaped() -> None:
    metrics = Metrics('a"b\\c\n')
    metrics.record_request("m", 0.5)
    metrics.record_request("m", 1e9)
    families = {family.name: family for family in text_string_to_metric_families(metrics.write({}, {}))}
    samples = families["gen_ai_server_request_duration_seconds"].samples
    assert samples[0].labels["gen_ai_provider_name"] == 'a"b\\c\n'
    assert [sample.value for sample in samples if sample.labels.get("le") in {"0.32", "0.64", "+Inf"}] == [0, 1, 2]


DURATIONS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
FIRST_TOKENS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]
PER_TOKEN = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5]
"""The buckets of OpenTelemetry (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/)."""


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("gen_ai_server_request_duration_seconds", DURATIONS),
        ("gen_ai_server_time_to_first_token_seconds", FIRST_TOKENS),
        ("gen_ai_server_time_per_output_token_seconds", PER_TOKEN),
    ],
)
def test_times_are_counted_in_the_buckets_that_others_count_in(name: str, bounds: list[float]) -> None:
    metrics = Metrics("example.com")
    metrics.record_request("m", 0.01)
    metrics.record_text("m", 0.01, 0.02, 3)
    metrics.record_text("m", 0.01, 5.0, 1)  # of one token no time per further one is known
    families = {family.name: family for family in text_string_to_metric_families(metrics.write({}, {}))}
    buckets = [sample for sample in families[name].samples if sample.name == f"{name}_bucket"]
    assert [float(sample.labels["le"]) for sample in buckets] == [*bounds, float("inf")]
    most = 2 if name == "gen_ai_server_time_to_first_token_seconds" else 1
    assert [sample.value for sample in buckets] == [most if bound >= 0.01 else 0 for bound in [*bounds, float("inf")]]
    (total,) = (sample for sample in families[name].samples if sample.name == f"{name}_sum")
    assert (total.value, total.labels) == (
        most * 0.01,
        {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "example.com", "gen_ai_request_model": "m"},
    )


def test_what_is_counted_elsewhere_is_written_too_where_it_is_known() -> None:
    metrics = Metrics("example.com")
    metrics.record_request("", 0.5, error="empty_answer")
    metrics.record_disconnect("waiting")
    text = metrics.write({"known": ("Words.", 1.5), "unknown": ("Words.", None)}, {"refused": 2})
    assert text.partition("# HELP known ")[2] == (
        "Words.\n# TYPE known gauge\nknown 1.5\n"
        "# HELP aura_upstream_errors_total Requests that the site or its session failed, by code.\n"
        "# TYPE aura_upstream_errors_total counter\n"
        'aura_upstream_errors_total{code="empty_answer"} 1\n'
        "# HELP aura_client_disconnects_total Clients that left early.\n"
        "# TYPE aura_client_disconnects_total counter\n"
        'aura_client_disconnects_total{phase="waiting"} 1\n'
        "# HELP aura_harvests_total Sessions replaced, by cause.\n"
        "# TYPE aura_harvests_total counter\n"
        'aura_harvests_total{cause="refused"} 2\n'
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_the_time_per_token_is_that_after_the_first_text(*, stream: bool) -> None:
    async with Playground() as site, gateway_to(site) as gateway, aiohttp.ClientSession() as http:
        body = question("/slow 0.05 a b c d", stream=stream)
        async with http.post(f"{gateway.base_url}/chat/completions", json=body) as response:
            await response.read()
        async with http.get(f"{gateway.origin}/metrics") as response:
            families = {family.name: family for family in text_string_to_metric_families(await response.text())}
    (took,) = (
        sample.value
        for sample in families["gen_ai_server_time_per_output_token_seconds"].samples
        if sample.name.endswith("_sum")
    )
    assert took > 0.1, "three pauses of the site, for the second of two tokens"


async def test_an_answer_that_broke_off_counts_as_an_error() -> None:
    async with Playground() as site, gateway_to(site) as gateway, aiohttp.ClientSession() as http:
        body = question("/dropped so far", stream=True)
        async with http.post(f"{gateway.base_url}/chat/completions", json=body) as response:
            await response.read()
        async with http.get(f"{gateway.origin}/metrics") as response:
            assert 'aura_upstream_errors_total{code="stream_interrupted"} 1\n' in await response.text()


async def test_a_clients_mistake_is_no_error_of_the_site() -> None:
    async with Playground(answer="limit 7") as site, gateway_to(site) as gateway, aiohttp.ClientSession() as http:
        for body in (question("hi") | {"model": "gpt-9"}, question("hi") | {"n": "many"}, question("hi")):
            async with http.post(f"{gateway.base_url}/chat/completions", json=body) as response:
                assert response.status >= 400
        async with http.get(f"{gateway.origin}/metrics") as response:
            counted = [line for line in (await response.text()).splitlines() if line.startswith("aura_upstream_errors")]
    assert counted == ['aura_upstream_errors_total{code="rate_limit_exceeded"} 1']


@pytest.mark.parametrize(
    ("session", "is_stopping", "facts"),
    [
        (None, False, {"status": "ok", "session": "none yet", "session_age": None, "session_expires_in": None}),
        (
            make_session(proof="distinguished", harvested_at=1000.0, expires_at=1500.4),
            True,
            {"status": "stopping", "session": "distinguished", "session_age": 200, "session_expires_in": 300},
        ),
        (
            make_session(proof="open", harvested_at=1000.0),
            False,
            {"status": "ok", "session": "open", "session_age": 200, "session_expires_in": None},
        ),
    ],
)
def test_health_is_written_with_all_that_is_known(
    monkeypatch: pytest.MonkeyPatch, session: Session | None, facts: dict[str, object], *, is_stopping: bool
) -> None:
    monkeypatch.setattr("aura_browser.gateway.status.time", SimpleNamespace(time=lambda: 1200.0))
    client: Any = SimpleNamespace(current=session, site=SimpleNamespace(origin="https://example.com"))
    assert json.loads(describe_health(client, is_stopping=is_stopping)) == {"site": "https://example.com", **facts}


@pytest.mark.parametrize(
    ("session", "left"), [(None, None), (make_session(), None), (make_session(expires_at=1500.0), 300.0)]
)
def test_what_is_so_at_this_moment_is_listed(
    monkeypatch: pytest.MonkeyPatch, session: Session | None, left: float | None
) -> None:
    monkeypatch.setattr("aura_browser.gateway.status.time", SimpleNamespace(time=lambda: 1200.0))
    core: Any = SimpleNamespace(client=SimpleNamespace(current=session), turns=SimpleNamespace(waiting=2))
    gauges = list_gauges(core, cast("Any", SimpleNamespace(count=5, waiting=3)))
    assert {name: value for name, (_, value) in gauges.items()} == {
        "aura_streams_open": 5,
        "aura_queue_waiting": 5,
        "aura_session_expires_seconds": left,
    }
