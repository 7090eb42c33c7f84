"""Structured log events: one line for people, and the same facts as typed values for programs, without secrets."""

import logging
from typing import Final

_log: Final = logging.getLogger("aura_browser.events")


def log_event(event: str, **facts: str | float) -> None:
    """Log *event* at level INFO on the logger ``aura_browser.events``.

    The record carries ``event`` (its name) and ``facts`` (a dict) as attributes, for a handler that writes JSON.

    Args:
        event: what happened, such as ``harvested``.
        facts: origin, cause, seconds, …
    """
    text = " ".join(
        f"{name}={value:.2f}" if isinstance(value, float) else f"{name}={value}" for name, value in facts.items()
    )
    _log.info("%s %s", event, text, extra={"event": event, "facts": facts})
