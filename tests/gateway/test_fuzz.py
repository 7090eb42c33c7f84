"""Ten thousand requests made from the official schemas, over HTTP: no 500, each refusal complete, and it serves on."""

import asyncio
import json
from importlib.resources import files
from random import Random
from typing import Any, Final

import aiohttp
import pytest

from aura_browser.playground import Playground
from tests.fuzz.inputs import dump_json, spoil_json
from tests.parts.gateways import MODEL, gateway_to, question

_CONNECTIONS: Final = 8
_DEPTH: Final = 4
_KNOWN: Final = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}], "input": "hi"}
SCHEMAS: Final = {
    "/chat/completions": ("openai_chat", "CreateChatCompletionRequest"),
    "/completions": ("openai_chat", "CreateCompletionRequest"),
    "/responses": ("openresponses", "CreateResponseBody"),
    "/messages": ("anthropic", "CreateMessageParams"),
    "/messages/count_tokens": ("anthropic", "CreateMessageParams"),
}
"""Paths, each with llm-comply's copy of a specification and the name of the request's schema in it."""


class Sampler:
    """Makes values that fit a JSON schema, mostly.

    Args:
        random: where chance comes from.
        spec: the OpenAPI document with the schemas.
    """

    def __init__(self, random: Random, spec: dict[str, Any]) -> None:
        self._random = random
        self._schemas: dict[str, Any] = spec["components"]["schemas"]

    def make(self, schema: Any, depth: int = 0) -> Any:  # noqa: ANN401 - JSON
        """Return a value for *schema*."""
        if not isinstance(schema, dict) or depth > _DEPTH or self._random.random() < 0.02:
            return spoil_json(self._random, self._random.choice(("hi", 5, ["hi"], {"type": "text"})))
        if "$ref" in schema:
            return self.make(self._schemas.get(schema["$ref"].rpartition("/")[2]), depth)
        for word in ("oneOf", "anyOf"):
            if schema.get(word):
                return self.make(self._random.choice(schema[word]), depth)
        if "allOf" in schema:
            parts = [self.make(part, depth) for part in schema["allOf"]]
            return {name: value for part in parts if isinstance(part, dict) for name, value in part.items()}
        if "enum" in schema or "const" in schema:
            return self._random.choice(schema.get("enum") or [schema.get("const")])
        return self._make_plain(schema, depth)

    def _make_plain(self, schema: dict[str, Any], depth: int) -> Any:  # noqa: ANN401 - JSON
        match schema.get("type"):
            case "string":
                return self._random.choice(("user", "hi", "", "Привет", "/error x", MODEL))
            case "integer" | "number":
                return self._random.choice((0, 1, 2, 0.5, -1, 10**12, schema.get("default", 3)))
            case "boolean":
                return self._random.random() < 0.5
            case "array":
                return [self.make(schema.get("items"), depth + 1) for _ in range(self._random.choice((0, 1, 1, 2)))]
            case "object" | None:
                return self._make_object(schema, depth)
        return None

    def _make_object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        required = set(schema.get("required", ()))
        chosen = [name for name in schema.get("properties", {}) if name in required or self._random.random() < 0.15]
        return {name: self.make(schema["properties"][name], depth + 1) for name in chosen}


def make_requests(count: int, seed: str) -> list[tuple[str, bytes]]:
    """Return paths and bodies, the same ones for the same seed."""
    random = Random(seed)  # noqa: S311 - for tests
    specs = {
        name: json.loads(files("llm_comply").joinpath(f"specs/{name}.json").read_text("utf-8"))
        for name in {each for each, _ in SCHEMAS.values()}
    }
    samplers = {name: Sampler(random, spec) for name, spec in specs.items()}
    return [make_request(random, samplers) for _ in range(count)]


def make_request(random: Random, samplers: dict[str, Sampler]) -> tuple[str, bytes]:
    path, (spec, name) = random.choice(list(SCHEMAS.items()))
    body = samplers[spec].make({"$ref": f"#/{name}"})
    if isinstance(body, dict):  # most get far enough only with what every request needs
        body |= {name: value for name, value in _KNOWN.items() if name in body and random.random() < 0.8}
        body |= {"model": MODEL} if random.random() < 0.5 else {}
    return path, dump_json(spoil_json(random, body) if random.random() < 0.3 else body).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_no_request_is_answered_by_500(count: int) -> None:
    requests = iter(make_requests(count, "gateway"))
    seen: dict[int, int] = {}
    async with Playground() as site, gateway_to(site) as gateway, aiohttp.ClientSession() as http:

        async def send_some() -> None:
            for path, body in requests:
                headers = {"Content-Type": "application/json"}
                async with http.post(f"{gateway.base_url}{path}", data=body, headers=headers) as response:
                    text = await response.read()
                    seen[response.status] = seen.get(response.status, 0) + 1
                    check(response.status, text, path, body)

        await asyncio.gather(*(send_some() for _ in range(_CONNECTIONS)))
        async with http.post(f"{gateway.base_url}/chat/completions", json=question("hi")) as response:
            assert response.status == 200
    assert sum(seen.values()) == count
    assert seen[200] > count // 50, f"too few get far: {seen}"
    assert set(seen) <= {200, 400, 404, 502}, seen


def check(status: int, text: bytes, path: str, body: bytes) -> None:
    assert status != 500, (path, body)
    if status >= 400:
        error = json.loads(text)["error"]
        expected = {"type", "message"} if path.startswith("/messages") else {"message", "type", "param", "code"}
        assert set(error) == expected, (path, body)
        assert error["message"]
