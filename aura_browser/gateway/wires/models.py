"""The list of models, in one form that OpenAI's and Anthropic's clients both take."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

_CREATED: Final = 1_700_000_000  # the site doesn't say; both forms of it have to agree
_CREATED_AT: Final = "2023-11-14T22:13:20Z"


def write_list(models: Sequence[tuple[str, str]], window: int) -> bytes:
    """Return the list.

    Args:
        models: id and name of each.
        window: the context window in tokens; 0 if it is not known.
    """
    data = [_describe(*model, window) for model in models]
    first, last = (models[0][0], models[-1][0]) if models else (None, None)
    return msgspec.json.encode({"object": "list", "data": data, "has_more": False, "first_id": first, "last_id": last})


def write_one(model: str, name: str, window: int) -> bytes:
    """Return one model; arguments as for :func:`write_list`."""
    return msgspec.json.encode(_describe(model, name, window))


def _describe(model: str, name: str, window: int) -> dict[str, Any]:
    facts = {
        "id": model,
        "object": "model",
        "created": _CREATED,
        "owned_by": "aura-browser",
        "type": "model",
        "display_name": name,
        "created_at": _CREATED_AT,
        "lifecycle": "active",
    }
    return facts | ({"context_length": window} if window else {})
