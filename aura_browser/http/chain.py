"""One request and the redirects that it leads to: what is limited is limited for all of them together."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from yarl import URL

from aura_browser.http.redirects import REDIRECTS, redirect_target


@dataclass(slots=True)
class Chain:
    """One request and the redirects that it led to so far.

    Attributes:
        sender: who sends them.
        began: when the first request was sent, by the sender's clock.
        replays: how often one of them was sent again.
        target: the address that the next request of the chain goes to, or None.
    """

    sender: object
    began: float
    replays: int = 0
    target: URL | None = None


# aiohttp sends each hop as a new request, but from the same task.
_CURRENT: Final[ContextVar[Chain | None]] = ContextVar("aura_browser_chain", default=None)


def join_chain(sender: object, url: URL, now: float) -> Chain:
    """Return the chain that a request of *sender* to *url* continues in this task, else a new one that began *now*."""
    chain = _CURRENT.get()
    if chain is not None and chain.sender is sender and chain.target == url:
        return chain
    return Chain(sender, now)


def leave_chain(chain: Chain, url: URL, status: int, headers: Mapping[str, str]) -> None:
    """Record the response to a request of *chain*: a redirect may be followed, anything else ends it."""
    if status in REDIRECTS:
        chain.target = _find_target(url, status, headers)
        _CURRENT.set(chain)
    elif _CURRENT.get() is not None:
        _CURRENT.set(None)


def _find_target(url: URL, status: int, headers: Mapping[str, str]) -> URL | None:
    try:
        target = redirect_target(url, status, headers)
    except ValueError:
        return None
    return None if target is None else target.with_fragment(None)
