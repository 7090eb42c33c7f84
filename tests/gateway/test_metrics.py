"""What ``/metrics`` and ``/healthz`` say, read as others read them."""

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from aura_browser.gateway.metrics import Metrics
from aura_browser.playground import Playground
from tests.parts.gateways import MODEL, gateway_to, question


async def test_counts_are_what_happened() -> None:
    async with Playground() as site, gateway_to(site) as gateway, aiohttp.ClientSession() as http:
        for body in (question("hi"), question("hi", stream=True), question("/empty"), question("hi", n=2)):
            async with http.post(f"{gateway.base_url}/chat/completions", json=body) as response:
                await response.read()
        async with http.get(f"{gateway.origin}/metrics") as response:
            assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
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
    assert 0 < sums["gen_ai_server_time_to_first_token_seconds"] < sums["gen_ai_server_request_duration_seconds"]
    assert families["aura_streams_open"].samples[0].value == 0
    assert {s.labels["code"]: s.value for s in families["aura_upstream_errors"].samples} == {
        "empty_answer": 1,
        "unsupported_value": 1,
    }


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
