"""Another tool's gateway before a server of OpenAI's API.

A program of its own (``gateway_scripts.py TOOL UPSTREAM PORT FOLDER``) with nothing but the standard library at the
top, as it runs in environments that have only the tool. It serves at 127.0.0.1 until it is ended.
"""

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

_HOST: Final = "127.0.0.1"


class _AnyProvider(dict[str, dict[str, str]]):
    """A list of providers that has every name, always at one address."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._found = {"baseUrl": address}

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> dict[str, str]:
        return self._found


def serve_litellm(upstream: str, port: int, folder: Path) -> None:
    """Serve litellm's proxy with one model."""
    os.environ |= {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
        "REPEATED_STREAMING_CHUNK_LIMIT": "1000000",  # the tokens are all the same
    }
    model = {"model": "openai/openchat_3.6", "api_base": f"{upstream}/v1", "api_key": "none"}
    config = folder / "litellm.yaml"
    config.write_text(json.dumps({"model_list": [{"model_name": "openchat_3.6", "litellm_params": model}]}), "utf-8")
    sys.argv = ["litellm", "--config", str(config), "--host", _HOST, "--port", str(port)]
    import_module("litellm.proxy.proxy_cli").run_server()


def serve_openai_forward(upstream: str, port: int, folder: Path) -> None:
    """Serve openai-forward; it writes logs and a cache to the working folder."""
    os.chdir(folder)
    os.environ["FORWARD_CONFIG"] = json.dumps([{"base_url": upstream, "route": "/", "type": "openai"}])
    import_module("uvicorn").run("openai_forward.app:app", host=_HOST, port=port, log_level="warning")


def serve_g4f(upstream: str, port: int, folder: Path) -> None:
    """Serve g4f's API with its provider for a server of one's own."""
    os.chdir(folder)
    # It would get its list of providers from its own site.
    factory = import_module("g4f.client.factory").AbstractClientFactory
    factory._live_providers = {"providers": _AnyProvider(f"{upstream}/v1"), "defaultModels": {}}
    import_module("g4f.Provider").Custom.base_url = f"{upstream}/v1"
    api = import_module("g4f.api")
    api.AppConfig.set_config(provider="Custom", model="openchat_3.6")
    import_module("uvicorn").run(api.create_app(), host=_HOST, port=port, log_level="warning")


TOOLS: Final[dict[str, Callable[[str, int, Path], None]]] = {
    "litellm": serve_litellm,
    "openai-forward": serve_openai_forward,
    "g4f's API": serve_g4f,
}

if __name__ == "__main__":
    TOOLS[sys.argv[1]](sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
