"""Everything that a wire can write: whole answers, events, and events of an answer that failed."""

import json
from pathlib import Path
from typing import Final

from aura_browser.gateway.wires import anthropic, chat, completions, responses
from aura_browser.gateway.wires.problem import Problem
from aura_browser.gateway.wires.question import Finish, Heading, Wire

_USER: Final = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
_USAGE: Final = {"stream_options": {"include_usage": True}}
_SETTINGS: Final = {"instructions": "Be brief.", "metadata": {"a": "b"}, "temperature": 0.5}
WIRES: Final[dict[str, tuple[Wire, dict[str, object]]]] = {
    "chat": (chat, {**_USER, **_USAGE}),
    "completions": (completions, {"model": "m", "prompt": "hi", **_USAGE}),
    "responses": (responses, {"model": "m", "input": "hi", **_SETTINGS}),
    "anthropic": (anthropic, {**_USER, "max_tokens": 9}),
}
"""Each wire by its name, with a request."""

_FINISHES: Final = (
    Finish(reason="end", tokens=2, ended_at=2),
    Finish(reason="length", tokens=2, ended_at=2),
    Finish(reason="stop", stop="x", tokens=2, ended_at=2),
)
_PROBLEMS: Final = (
    Problem(502, "stream_interrupted", "It broke off."),
    Problem(429, "rate_limited", "Too many.", retry_after_s=7),
)


def path_of(name: str) -> Path:
    """Return where what a wire writes is recorded."""
    return Path(__file__).with_name(f"{name}.txt")


def write_all(name: str) -> str:
    """Return what a wire writes, part by part."""
    wire, request = WIRES[name]
    heading = Heading(id="0" * 24, created=1, question=wire.read(json.dumps(request).encode()), prompt_tokens=3)
    parts = [wire.whole(heading, "h\u00e9llo", finish) for finish in _FINISHES]
    for finish in _FINISHES:
        writer = wire.events(heading)
        parts.append(writer.text("a") + writer.text("b") + writer.end(finish))
    for problem in _PROBLEMS:
        writer = wire.events(heading)
        parts.append(writer.text("a") + writer.text("b") + writer.fail(problem))
        parts.append(wire.events(heading).fail(problem))
    return "\n\n".join(part.decode().rstrip("\n") for part in parts) + "\n"
