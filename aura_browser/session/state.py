"""The states of a stored session, as commands show them."""

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aura_browser.session.session import Proof, Session

State = Literal["valid", "open", "unproven", "refused", "expired", "unreachable"]
"""What a site says of a stored session, or why it says nothing."""

BY_PROOF: "Final[Mapping[Proof, State]]" = {"distinguished": "valid", "open": "open", "unproven": "unproven"}
"""The state of a session that its site takes."""


def read_state(session: "Session", now: float) -> State:
    """Return the state of *session* as it was last proven, without asking its site.

    It is ``expired`` once its probable end has come at *now* (epoch seconds): whether the site takes it still, only the
    site can say.
    """
    return "expired" if session.is_over(now) else BY_PROOF[session.proof]
