"""llm-comply, a conformance test of others, against three wires: all but tools and images passes."""

import asyncio
import json
import shutil
import sys
from pathlib import Path

import pytest

from aura_browser.gateway.server import Gateway
from tests.parts.gateways import MODEL
from tests.parts.missing import missing

PROGRAM = shutil.which("llm-comply", path=str(Path(sys.executable).parent)) or shutil.which("llm-comply")
FORMATS = {
    "openai-chat": ("chat-", (), 6),
    "open-responses": ("", (), 10),
    "anthropic": ("anth-", ("--auth-header", "x-api-key", "--no-bearer", "-H", "anthropic-version:2023-06-01"), 6),
}
"""Formats with the beginning of their tests' names, further arguments, and how many tests have to pass."""


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
async def test_only_tools_and_images_are_missing(name: str, gateway: Gateway) -> None:
    if PROGRAM is None:
        missing("llm-comply is missing; bring it with: pip install llm-comply")
    prefix, arguments, passing = FORMATS[name]
    command = ["--format", name, "-u", gateway.base_url, "-k", "any", "-m", MODEL, "--json", *arguments]
    process = await asyncio.create_subprocess_exec(PROGRAM, *command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    results = {each["id"].removeprefix(prefix): each["status"] for each in json.loads(output)["results"]}
    assert {test for test, status in results.items() if status == "failed"} == {"tool-calling", "image-input"}
    assert sum(status == "passed" for status in results.values()) >= passing
