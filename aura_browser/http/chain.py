"""One request and the redirects that it leads to: what is limited is limited for all of them together."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from yarl import URL

from aura_browser.http.redirects import redirect_target


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


_NOTHING: Final = nullcontext()
# aiohttp sends each hop as a new request, but from the same task.
_CURRENT: Final[ContextVar[Chain | None]] = ContextVar("aura_browser_chain", default=None)


def find_chain(sender: object, url: URL) -> Chain | None:
    """Return the chain that a request of *sender* to *url* continues in this task, which is no longer kept; or None."""
    chain = _CURRENT.get()
    if chain is None or chain.sender is not sender or not _is_same(chain.target, url):
        return None
    _CURRENT.set(None)  # the request may fail, and a later one to the same address is another matter
    return chain


def counting_from(sender: object, began: float | None, url: URL) -> AbstractContextManager[None]:
    """Let a request of *sender* to *url*, sent in this context, count from *began*: something was done for it before.

    With None it counts from when it is sent.
    """
    return _NOTHING if began is None else _counting_from(Chain(sender, began, target=url.with_fragment(None)))


@contextmanager
def _counting_from(chain: Chain) -> Iterator[None]:
    _CURRENT.set(chain)
    try:
        yield
    except BaseException:
        end_chain()  # a request that fails leaves none behind
        raise


def record_redirect(chain: Chain, url: URL, status: int, headers: Mapping[str, str]) -> None:
    """Record that a request of *chain* was answered with a redirect, which may be followed."""
    chain.target = _find_target(url, status, headers)
    _CURRENT.set(chain)


def _is_same(target: URL | None, url: URL) -> bool:
    """Return whether *url* is *target*, also where aiohttp has decoded some of its characters."""
    return target is not None and (target == url or URL(str(target)) == URL(str(url)))


def end_chain() -> None:
    """Forget the chain of this task: its last request got an answer that is not a redirect."""
    if _CURRENT.get() is not None:
        _CURRENT.set(None)


def _find_target(url: URL, status: int, headers: Mapping[str, str]) -> URL | None:
    try:
        target = redirect_target(url, status, headers)
    except ValueError:
        return None
    return None if target is None else target.with_fragment(None)
