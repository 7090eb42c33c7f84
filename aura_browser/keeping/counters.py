"""What a client has done for its session so far, in numbers."""

import msgspec


class Counters(msgspec.Struct):
    """Counts since the client was made. A plain object: read it whenever you like.

    Attributes:
        harvests: browsers opened.
        failures: those of them that brought no session.
        renewals: sessions replaced, by cause: ``missing`` (there was none), ``refused``, ``early`` (in the
            background, before its end), ``over`` (at its end), ``asked`` (someone wanted a fresh one).
        adopted: newer sessions of another process that were taken instead of a harvest.
        waits: callers that had to wait for one of these.
        refusals: answers that showed a session to be stale.
        replays: requests that were sent once more.
        rotations: answers that changed the session's cookies.
    """

    harvests: int = 0
    failures: int = 0
    renewals: dict[str, int] = msgspec.field(default_factory=dict)
    adopted: int = 0
    waits: int = 0
    refusals: int = 0
    replays: int = 0
    rotations: int = 0
