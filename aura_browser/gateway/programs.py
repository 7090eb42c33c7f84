"""The configuration of programs that can use the gateway, to be pasted as it is."""

from collections.abc import Mapping
from typing import Final

_MODEL: Final = "{MODEL}"
_BASE: Final = "{BASE_URL}"
_ORIGIN: Final = "{ORIGIN}"
_KEY: Final = "{API_KEY}"

CONFIGURATIONS: Final[Mapping[str, str]] = {
    "aider": """\
export OPENAI_API_BASE={BASE_URL} OPENAI_API_KEY={API_KEY}
aider --model openai/{MODEL} --no-show-model-warnings
""",
    "claude": """\
# it answers, but can't use its tools
export ANTHROPIC_BASE_URL={ORIGIN} ANTHROPIC_AUTH_TOKEN={API_KEY}
claude --model {MODEL}
""",
    "codex": """\
# ~/.codex/config.toml; it answers, but can't use its tools
model = "{MODEL}"
model_provider = "aura"

[model_providers.aura]
name = "aura"
base_url = "{BASE_URL}"
wire_api = "responses"
experimental_bearer_token = "{API_KEY}"
""",
    "continue": """\
# ~/.continue/config.yaml
name: local
version: 1.0.0
schema: v1
models:
  - name: {MODEL}
    provider: openai
    model: {MODEL}
    apiBase: {BASE_URL}
    apiKey: {API_KEY}
    roles: [chat]
""",
    "langchain": """\
from langchain_openai import ChatOpenAI

model = ChatOpenAI(model="{MODEL}", base_url="{BASE_URL}", api_key="{API_KEY}", stream_usage=True)
print(model.invoke("Hello!").content)
""",
    "llamaindex": """\
from llama_index.llms.openai_like import OpenAILike

model = OpenAILike(model="{MODEL}", api_base="{BASE_URL}", api_key="{API_KEY}", is_chat_model=True)
print(model.complete("Hello!"))
""",
    "llm": """\
# extra-openai-models.yaml in the folder that this prints: dirname "$(llm logs path)"
# and once: llm keys set aura --value {API_KEY}
- model_id: {MODEL}
  model_name: {MODEL}
  api_base: {BASE_URL}
  api_key_name: aura
""",
    "open-webui": """\
export OPENAI_API_BASE_URL={BASE_URL} OPENAI_API_KEY={API_KEY}
open-webui serve
""",
    "openai": """\
export OPENAI_BASE_URL={BASE_URL} OPENAI_API_KEY={API_KEY}
""",
    "pydantic-ai": """\
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

provider = OpenAIProvider(base_url="{BASE_URL}", api_key="{API_KEY}")
print(Agent(OpenAIChatModel("{MODEL}", provider=provider)).run_sync("Hello!").output)
""",
    "ai-sdk": """\
import { createOpenAI } from "@ai-sdk/openai";
import { generateText } from "ai";

const aura = createOpenAI({ baseURL: "{BASE_URL}", apiKey: "{API_KEY}" });
console.log((await generateText({ model: aura("{MODEL}"), prompt: "Hello!" })).text);
""",
    "openai-node": """\
import OpenAI from "openai";

const client = new OpenAI({ baseURL: "{BASE_URL}", apiKey: "{API_KEY}" });
const messages = [{ role: "user", content: "Hello!" }];
console.log((await client.chat.completions.create({ model: "{MODEL}", messages })).choices[0].message.content);
""",
    "vscode": """\
[
  {
    "name": "aura",
    "vendor": "customendpoint",
    "apiKey": "{API_KEY}",
    "apiType": "chat-completions",
    "models": [
      {
        "id": "{MODEL}",
        "name": "{MODEL}",
        "url": "{BASE_URL}/chat/completions",
        "toolCalling": false,
        "vision": false,
        "maxInputTokens": 7168,
        "maxOutputTokens": 1000
      }
    ]
  }
]
""",
    "zed": """\
{
  "language_models": {
    "openai_compatible": {
      "aura": {
        "api_url": "{BASE_URL}",
        "available_models": [
          {
            "name": "{MODEL}",
            "max_tokens": 8192,
            "capabilities": { "tools": false, "images": false, "parallel_tool_calls": false, "prompt_cache_key": false }
          }
        ]
      }
    }
  }
}
""",
}
"""By the program's name. What is written in capitals in braces is replaced."""


def write_configuration(program: str, *, origin: str, key: str, model: str) -> str:
    """Return the configuration of *program*.

    Args:
        program: a key of :data:`CONFIGURATIONS`.
        origin: where the gateway is, such as ``http://127.0.0.1:8787``.
        key: what the program sends as API key.
        model: the model's name.
    """
    text = CONFIGURATIONS[program]
    for word, value in ((_BASE, f"{origin}/v1"), (_ORIGIN, origin), (_KEY, key), (_MODEL, model)):
        text = text.replace(word, value)
    return text
