"""Which path is which: with and without ``/v1``, and what to say of those that are not there."""

import re
from collections.abc import Mapping
from typing import Final

from aura_browser.gateway.wires import anthropic, chat, completions, responses
from aura_browser.gateway.wires.problem import Problem
from aura_browser.gateway.wires.question import Wire
from aura_browser.text import clean_text

WIRES: Final[Mapping[str, Wire]] = {
    "/chat/completions": chat,
    "/responses": responses,
    "/completions": completions,
    "/messages": anthropic,
}
"""The wires, by path below the base."""

MODELS: Final = "/models"
COUNT_TOKENS: Final = "/messages/count_tokens"
PAGE: Final = "/"
HEALTH: Final = "/healthz"
METRICS: Final = "/metrics"

_READ: Final = "GET, HEAD"
_ABSENT: Final = (
    "embeddings",
    "audio",
    "images",
    "assistants",
    "threads",
    "files",
    "batches",
    "moderations",
    "realtime",
)
_ANTHROPIC: Final = "/messages"


def normalize_path(path: str) -> str:
    """Return a path below the base: without ``/v1`` and a last slash."""
    path = path.rstrip("/") or "/"
    return path.removeprefix("/v1") or "/" if re.match(r"/v1(/|$)", path) else path


def is_anthropic(path: str, headers: Mapping[str, str]) -> bool:
    """Return whether a client expects errors in Anthropic's form; *path* is normalized."""
    return path.startswith(_ANTHROPIC) or "anthropic-version" in headers


def check_method(path: str, method: str) -> None:
    """Check that *path*, normalized, exists and takes *method*.

    Raises:
        Problem: 404 or 405, saying what to do.
    """
    allowed = _list_methods(path)
    if not allowed:
        raise _refuse_path(path)
    if method not in allowed.split(", "):
        does = f"{clean_text(path, 80)} takes {allowed}, not {clean_text(method, 20)}."
        hint = " A program sends the question there; to see the models, open /v1/models." if allowed == "POST" else ""
        raise Problem(405, "method_not_allowed", f"{does}{hint}", retry=False, headers={"Allow": allowed})


def _list_methods(path: str) -> str:
    if path in WIRES or path == COUNT_TOKENS:
        return "POST"
    is_there = path in {PAGE, HEALTH, METRICS, MODELS} or path.startswith(f"{MODELS}/")
    return _READ if is_there else ""


def _refuse_path(path: str) -> Problem:
    first = path.strip("/").partition("/")[0]
    if first in _ABSENT:
        message = f"There are no {first} here: the site answers chats only."
    else:
        paths = ", ".join(f"/v1{each}" for each in (*WIRES, MODELS))
        base = "ends with /v1 (for Anthropic's: without it)" if path.startswith("/v1") else "ends with /v1"
        message = f"There is nothing at {clean_text(path, 80)}. A program's base URL {base}; there are {paths}."
    return Problem(404, "unknown_url", message, retry=False)
