"""What a client gets for each error of this package: one table.

A status says whether to try again, since many clients read nothing else: 403 that a person has to act, 429 and 503 to
come later, 502 and 504 that the site failed.
"""

import math
from http import HTTPStatus
from typing import Final

from aura_browser.errors import (
    AnswerTimeout,
    AuraError,
    BrowserDied,
    BrowserError,
    ConnectionFailed,
    EmptyAnswer,
    GridFailed,
    HarvestCoolingDown,
    InteractionRequired,
    InvalidInput,
    LaunchFailed,
    PageFailed,
    RateLimited,
    SessionLocked,
    SessionProtected,
    SessionRefused,
    SessionUnreadable,
    SiteFailed,
    StoreError,
    StreamInterrupted,
)
from aura_browser.gateway.wires.problem import Problem

_UNNAMED_LIMIT_S: Final = 10.0  # if the site does not say how long its limit lasts
_AWAY_RETRY_S: Final = 5
_HARVEST_RETRY_S: Final = 30  # as long as a harvest is not repeated after one that failed
_SITE_FAILED: Final = "site_failed"


def describe_stop() -> Problem:
    """Return what a request gets that the gateway, which is stopping, does not answer any more."""
    message = "The gateway is stopping. Ask again when it is back."
    return Problem(503, "gateway_stopping", message, retry_after_s=5, headers={"Connection": "close"})


def describe_trouble(error: AuraError) -> Problem:
    """Return what a client gets for *error*."""
    match error:
        case InvalidInput():
            return Problem(400, "invalid_value", str(error), param=error.name, retry=False)
        case HarvestCoolingDown():
            return Problem(503, "harvest_cooling_down", str(error), retry_after_s=round_up(error.retry_after_s))
        case BrowserDied() | PageFailed() | GridFailed() | LaunchFailed():
            return Problem(503, "harvest_failed", str(error), retry_after_s=_HARVEST_RETRY_S)
        case StoreError() if not isinstance(error, SessionUnreadable | SessionLocked | SessionProtected):
            return Problem(503, "store_failed", str(error), retry_after_s=_AWAY_RETRY_S)
        case InteractionRequired() | SessionRefused() | BrowserError() | StoreError():
            return Problem(403, "session_required", str(error), retry=False)
    return _describe_sites(error)


def _describe_sites(error: AuraError) -> Problem:
    match error:
        case RateLimited():
            return Problem(429, "rate_limit_exceeded", str(error), retry_after_s=round_up(read_limit(error)))
        case ConnectionFailed():
            return Problem(503, _SITE_FAILED, str(error), retry_after_s=_AWAY_RETRY_S)
        case SiteFailed():
            return _describe_failure(error)
        case EmptyAnswer():
            return Problem(502, "empty_answer", str(error), retry=False)
        case AnswerTimeout():
            return Problem(504, "answer_timeout", str(error))
    code = "stream_interrupted" if isinstance(error, StreamInterrupted) else _SITE_FAILED
    return Problem(502, code, str(error))


def _describe_failure(error: SiteFailed) -> Problem:
    if error.is_away:
        wait = _AWAY_RETRY_S if error.retry_after_s is None else error.retry_after_s
        return Problem(503, _SITE_FAILED, str(error), retry_after_s=round_up(wait))
    is_final = HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return Problem(502, _SITE_FAILED, str(error), retry=not is_final)


def read_limit(error: RateLimited) -> float:
    """Return the seconds for which the site's limit is honoured."""
    return _UNNAMED_LIMIT_S if error.retry_after_s is None else error.retry_after_s


def round_up(seconds: float) -> int:
    """Return whole seconds for ``Retry-After``, at least one."""
    return max(1, math.ceil(seconds))
