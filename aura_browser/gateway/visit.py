"""What is known of one request while it is handled, for its headers, the log and the metrics."""

import secrets

import msgspec

from aura_browser.gateway.wires.problem import Problem


class Visit(msgspec.Struct, kw_only=True):
    """One request.

    Attributes:
        began_at: when it came, in seconds of the gateway's clock.
        path: its path below the base.
        is_anthropic: whether errors are written in Anthropic's form.
        headers: what every response to it carries.
        id: its own name, which the response carries.
        model: the site's model; empty before it is known.
        first_at: when the first text came; None before that.
        tokens: the estimated tokens of the answer.
        status: the response's status; 0 before that.
        error: the code of what went wrong; empty for nothing.
        is_clients: whether that was the client's own mistake, of which the site heard nothing.
    """

    began_at: float
    path: str
    is_anthropic: bool
    headers: dict[str, str] = {}
    id: str = msgspec.field(default_factory=lambda: f"req_{secrets.token_hex(12)}")
    model: str = ""
    first_at: float | None = None
    tokens: int = 0
    status: int = 0
    error: str = ""
    is_clients: bool = False

    def __post_init__(self) -> None:
        self.headers = {**self.headers, "x-request-id": self.id, "Server": "aura-browser"}
        if self.is_anthropic:
            self.headers["request-id"] = self.id

    def note_problem(self, problem: Problem) -> None:
        """Keep what went wrong."""
        self.error = problem.code
        self.is_clients = problem.is_clients
