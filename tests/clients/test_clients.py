"""Real programs, installed at the first run, ask the playground through the gateway with the printed configuration.

Not here: Open WebUI (over a gigabyte of libraries), VS Code and Zed (they need a screen). Their configurations are only
checked.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aura_browser.gateway.programs import write_configuration
from aura_browser.gateway.server import Gateway
from aura_browser.playground import Playground, serve_in_thread
from tests.apps.install import install_from_npm, install_from_pypi
from tests.parts.gateways import MODEL, gateway_in_thread

WORD = "salamander"
_LIMIT_S = 120.0
Run = Callable[..., str]


@pytest.fixture
def site() -> Iterator[Playground]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def gateway(site: Playground) -> Iterator[Gateway]:
    with gateway_in_thread(site) as running:
        yield running


@pytest.fixture
def configuration(gateway: Gateway, request: pytest.FixtureRequest) -> str:
    """Return what the gateway prints for the program that the test is named after."""
    program = request.node.name.removeprefix("test_").replace("_", "-")
    return write_configuration(program, origin=gateway.origin, key="none", model=MODEL).replace("Hello!", WORD)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what runs a command in an empty home, and returns what it prints; it has to succeed."""

    def start(*command: str, path: Path | None = None, **environment: str) -> str:
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        paths = os.pathsep.join([*([str(path)] if path else []), os.environ["PATH"]])
        settings = os.environ | {"HOME": str(home), "PATH": paths, "CI": "1"} | environment
        done = subprocess.run(
            command,
            cwd=home,
            env=settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    return start


@pytest.fixture(autouse=True)
def is_asked(site: Playground) -> Iterator[None]:
    yield
    assert site.chats >= 1


def run_python(run: Run, code: str, *requirements: str) -> str:
    return run(sys.executable, "-c", code, PYTHONPATH=str(install_from_pypi(*requirements)))


def test_langchain(configuration: str, run: Run) -> None:
    assert run_python(run, configuration, "langchain-openai").strip() == WORD


def test_llamaindex(configuration: str, run: Run) -> None:
    assert run_python(run, configuration, "llama-index-llms-openai-like").strip() == WORD


def test_pydantic_ai(configuration: str, run: Run) -> None:
    assert run_python(run, configuration, "pydantic-ai-slim[openai]").strip() == WORD


def test_openai(configuration: str, run: Run) -> None:
    code = f"import openai; print(openai.OpenAI().responses.create(model='{MODEL}', input='{WORD}').output_text)"
    assert run("/bin/sh", "-c", f'{configuration}{sys.executable} -c "{code}"').strip() == WORD


def test_llm(configuration: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "extra-openai-models.yaml").write_text(configuration)
    program = str(Path(sys.executable).with_name("llm"))
    answer = run(program, "-m", MODEL, "--key", "none", WORD, LLM_USER_PATH=str(tmp_path))
    assert answer.strip() == WORD


def test_openai_node(configuration: str, run: Run) -> None:
    assert run_node(run, configuration, install_from_npm("openai")).strip() == WORD


def test_ai_sdk(configuration: str, run: Run) -> None:
    assert run_node(run, configuration, install_from_npm("ai", "@ai-sdk/openai")).strip() == WORD


def run_node(run: Run, code: str, folder: Path) -> str:
    script = folder / f"script-{os.getpid()}.mjs"
    script.write_text(code)
    try:
        return run("node", str(script))
    finally:
        script.unlink()


def test_aider(configuration: str, run: Run) -> None:
    folder = install_from_pypi("aider-chat", "setuptools<81")
    quiet = "--no-git --no-check-update --no-analytics --no-pretty --no-detect-urls --yes-always"
    command = f"{configuration.strip()} {quiet} --chat-mode ask --message {WORD}"
    assert WORD in run("/bin/sh", "-c", command, path=folder / "bin", PYTHONPATH=str(folder))


def test_codex(configuration: str, run: Run, tmp_path: Path) -> None:
    folder = install_from_npm("@openai/codex")
    (tmp_path / "config.toml").write_text(configuration)
    command = [
        str(folder / "node_modules" / ".bin" / "codex"),
        "exec",
        "--skip-git-repo-check",
        "-s",
        "read-only",
        WORD,
    ]
    assert WORD in run(*command, CODEX_HOME=str(tmp_path))


def test_claude(configuration: str, run: Run) -> None:
    folder = install_from_npm("@anthropic-ai/claude-code")
    command = f"{configuration.strip()} -p {WORD}"
    offline: dict[str, Any] = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
    assert WORD in run("/bin/sh", "-c", command, path=folder / "node_modules" / ".bin", **offline)


def test_continue(configuration: str, run: Run, tmp_path: Path) -> None:
    folder = install_from_npm("@continuedev/cli")
    (tmp_path / "config.yaml").write_text(configuration)
    program = str(folder / "node_modules" / ".bin" / "cn")
    assert WORD in run(program, "-p", WORD, "--config", str(tmp_path / "config.yaml"))
