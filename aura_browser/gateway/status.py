"""What the gateway says of itself."""

import time

import msgspec

from aura_browser.chat.client import AuraClient
from aura_browser.gateway.answering import Answering
from aura_browser.gateway.core import Core


def describe_health(client: AuraClient, *, is_stopping: bool) -> bytes:
    """Return the JSON of ``/healthz``: whether it serves, and the session's age and time to live in seconds."""
    session, now = client.current, time.time()
    facts = {
        "status": "stopping" if is_stopping else "ok",
        "site": client.site.origin,
        "session": "none yet" if session is None else session.proof,
        "session_age": session and round(now - session.harvested_at),
        "session_expires_in": session and session.expires_at and round(session.expires_at - now),
    }
    return msgspec.json.encode(facts)


def list_gauges(core: Core, answering: Answering) -> dict[str, tuple[str, float | None]]:
    """Return what is so at this moment: name to words and value."""
    session = core.client.current
    expires_at = session.expires_at if session else None
    left = None if expires_at is None else expires_at - time.time()
    return {
        "aura_streams_open": ("Answers under way.", answering.count),
        "aura_queue_waiting": ("Requests that wait for their turn.", answering.waiting + core.turns.waiting),
        "aura_session_expires_seconds": ("Seconds until the session expires.", left),
    }
