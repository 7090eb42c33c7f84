"""litellm's proxy, a real server of OpenAI's API, with models that are made up."""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.apps.install import install_environment
from tests.parts.ports import free_port
from tests.parts.server_process import started

ANSWER: Final = "hello from behind the login"
_REQUIREMENT: Final = "litellm[proxy]==1.106.12"
_CONFIG: Final = f"""
model_list:
  - model_name: talker
    litellm_params: {{model: openai/talker, api_key: none, mock_response: {ANSWER}}}
  - model_name: caller
    litellm_params:
      model: openai/caller
      api_key: none
      mock_response: ""
      mock_tool_calls:
        - id: call_1
          type: function
          function: {{name: look_up, arguments: '{{"word": "sky"}}'}}
"""
_READY_S: Final = 120.0


@contextmanager
def serving_litellm(folder: Path) -> Iterator[str]:
    """Serve it while the context lasts, with its files in *folder*; yield its origin."""
    python = install_environment("litellm", _REQUIREMENT) / "bin" / "python"
    config, port = folder / "litellm.yaml", free_port()
    config.write_text(_CONFIG, "utf-8")
    # Who may ask is up to the login before it.
    unset = "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY=true"
    settings = [unset, "LITELLM_LOCAL_MODEL_COST_MAP=True", "LITELLM_TELEMETRY=False", f"HOME={folder}"]
    options = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    command = ["env", *settings, str(python), "-m", "litellm.proxy.proxy_cli", *options]
    origin = f"http://127.0.0.1:{port}"
    process = started(command, folder / "litellm.log", lambda: _answers(origin), ready_s=_READY_S)
    try:
        yield origin
    finally:
        process.terminate()
        process.wait(20)


def _answers(origin: str) -> bool:
    try:
        with urllib.request.urlopen(f"{origin}/health/liveliness", timeout=5) as response:  # noqa: S310 - loopback
            return bool(response.status)
    except OSError:
        return False
