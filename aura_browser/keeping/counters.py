"""Counts of what a client did for its session."""

import msgspec


class Counters(msgspec.Struct):
    """Counts since the client was created. A plain object: read it at any time.

    Attributes:
        harvests: browsers opened.
        refreshes: sessions renewed by the site's refresh request, without a browser.
        failures: harvests that gave no proven session.
        renewals: sessions replaced, by cause: ``missing`` (there was none), ``refused``, ``early`` (in the
            background, before it expired), ``over`` (it expired), ``asked`` (a new one was requested).
        adopted: newer sessions of another process that were used instead of a harvest.
        waits: callers that had to wait for one of these.
        refusals: responses that showed the session to be stale.
        replays: requests that were sent again.
        rotations: responses that changed the session's cookies.
        suspects: responses for which the probe was asked, because they may show the session's end or not.
        proofs: results of proofs, by kind: ``distinguished``, ``open``, ``unproven``, ``refused``.
    """

    harvests: int = 0
    refreshes: int = 0
    failures: int = 0
    renewals: dict[str, int] = msgspec.field(default_factory=dict)
    adopted: int = 0
    waits: int = 0
    refusals: int = 0
    replays: int = 0
    rotations: int = 0
    suspects: int = 0
    proofs: dict[str, int] = msgspec.field(default_factory=dict)
