"""What a client gets instead of an answer: one value, written as OpenAI's or as Anthropic's error."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_OPENAI_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_ANTHROPIC_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}
_FIRST_SERVER_STATUS: Final = 500
_SITES_CODES: Final = frozenset({"session_required", "rate_limit_exceeded"})  # what the site answered, below that


class Problem(Exception):
    """A request that is not answered. Its message is shown to people, and holds no secret.

    Args:
        status: the HTTP status.
        code: what happened, for programs, such as ``model_not_found``.
        message: what failed, why, and what to do next.
        param: the field at fault, such as ``messages[0].role``; None if it is no field's.
        retry_after_s: seconds after which it may work, or None.
        retry: whether the same request may work later; False is also told to clients that would try again.
        headers: further headers of the response.
        brief: the message where a client's parser expects a certain text; only for Anthropic's wire.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after_s: int | None = None,
        retry: bool = True,
        headers: Mapping[str, str] | None = None,
        brief: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s
        self.retry = retry
        self.brief = brief
        self._headers = headers or {}

    @property
    def is_clients(self) -> bool:
        """Whether it is the client's own mistake, of which the site heard nothing."""
        return self.status < _FIRST_SERVER_STATUS and self.code not in _SITES_CODES

    @property
    def headers(self) -> dict[str, str]:
        """The response's headers that tell a client whether and when to try again, and further ones."""
        headers = dict(self._headers)
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        if not self.retry:
            headers["x-should-retry"] = "false"
        return headers

    @property
    def openai_type(self) -> str:
        """The class of the error in OpenAI's words."""
        fallback = "api_error" if self.status >= _FIRST_SERVER_STATUS else "invalid_request_error"
        return _OPENAI_TYPES.get(self.status, fallback)

    @property
    def anthropic_type(self) -> str:
        """The class of the error in Anthropic's words."""
        fallback = "api_error" if self.status >= _FIRST_SERVER_STATUS else "invalid_request_error"
        return _ANTHROPIC_TYPES.get(self.status, fallback)


def refuse_field(param: str, code: str, message: str) -> Problem:
    """Return the problem of a request whose field *param* can't be taken: status 400."""
    return Problem(400, code, f"{param}: {message}", param=param, retry=False)


def openai_error(problem: Problem) -> bytes:
    """Return the JSON of OpenAI's error (https://platform.openai.com/docs/guides/error-codes)."""
    error = {
        "message": problem.message,
        "type": problem.openai_type,
        "param": problem.param,
        "code": problem.code,
    }
    return msgspec.json.encode({"error": error})


def anthropic_error(problem: Problem, request_id: str) -> bytes:
    """Return the JSON of Anthropic's error (https://docs.anthropic.com/en/api/errors)."""
    error: dict[str, Any] = {"type": problem.anthropic_type, "message": problem.brief or problem.message}
    return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})
