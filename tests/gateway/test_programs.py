"""The printed configurations: complete, valid where their form is known, and each with its row on the page."""

import json
import re
import tomllib

import pytest

from aura_browser.gateway.programs import CONFIGURATIONS, write_configuration
from tests.parts.command import run_here
from tests.parts.pages import ROOT

ORIGIN = "http://127.0.0.1:8787"


@pytest.mark.parametrize("program", CONFIGURATIONS)
def test_nothing_is_left_to_fill_in(program: str) -> None:
    text = write_configuration(program, origin=ORIGIN, key="none", model="openchat_3.6")
    assert ORIGIN in text
    assert "openchat_3.6" in text or program in {"openai", "open-webui"}
    assert not any(f"{{{word}}}" in text for word in ("BASE_URL", "ORIGIN", "API_KEY", "MODEL"))


def test_forms_that_are_known_are_valid() -> None:
    texts = {
        name: write_configuration(name, origin=ORIGIN, key="none", model="openchat_3.6") for name in CONFIGURATIONS
    }
    provider = tomllib.loads(texts["codex"])["model_providers"]["aura"]
    assert (provider["base_url"], provider["wire_api"]) == (f"{ORIGIN}/v1", "responses")
    (server,) = json.loads(texts["zed"])["language_models"]["openai_compatible"].values()
    assert server["api_url"] == f"{ORIGIN}/v1"
    (provider,) = json.loads(texts["vscode"])
    assert provider["models"][0]["url"] == f"{ORIGIN}/v1/chat/completions"
    for name in ("langchain", "llamaindex", "pydantic-ai"):
        compile(texts[name], name, "exec")


def test_the_command_prints_it_and_ends() -> None:
    shown = run_here("serve", "--port", "8888", "--print-config", "openai")
    assert shown.stdout == "export OPENAI_BASE_URL=http://127.0.0.1:8888/v1 OPENAI_API_KEY=none\n"
    assert shown.returncode == 0
    secret = run_here("serve", "--print-config", "openai", AURA_BROWSER_GATEWAY_TOKEN="s3cret-token")
    assert "OPENAI_API_KEY=TOKEN" in secret.stdout
    assert "s3cret" not in secret.stdout
    assert "open-webui" in run_here("serve", "--print-config", "openwebui").stdout
    unknown = run_here("serve", "--print-config", "emacs")
    assert unknown.returncode == 2
    assert "codex" in unknown.stderr


def test_each_is_run_by_make_agents_or_named_as_not_run() -> None:
    text = (ROOT / "tests" / "clients" / "test_clients.py").read_text("utf-8")
    tested = {name.replace("_", "-") for name in re.findall(r"^def test_(\w+)", text, re.MULTILINE)}
    assert set(CONFIGURATIONS) - tested == {"open-webui", "vscode", "zed"}


def test_the_page_has_a_row_for_each() -> None:
    table = (ROOT / "docs" / "gateway.md").read_text("utf-8").partition("## Programs")[2].partition("\n## ")[0]
    assert all(f"`{program}`" in table for program in CONFIGURATIONS)
