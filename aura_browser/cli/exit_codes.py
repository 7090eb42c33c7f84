"""The exit codes of all commands, by the type of the error. They are those of ``sysexits.h`` where one fits."""

from collections.abc import Mapping
from typing import Final

import click

from aura_browser.errors import InvalidInput, NotReady, SiteFailed

FAILED: Final = 1
WRONG_USAGE: Final = 2
NO_BROWSER: Final = 69
TRY_LATER: Final = 75
LOGIN_NEEDED: Final = 77
BAD_CONFIGURATION: Final = 78

# By name, so that an error of another module needs no import here.
_CODES: Final[Mapping[str, int]] = {
    "InvalidInput": WRONG_USAGE,
    **dict.fromkeys(("BrowserNotFound", "DriverMismatch", "LaunchFailed", "GridFailed", "AttachRefused"), NO_BROWSER),
    **dict.fromkeys(("HarvestCoolingDown", "RateLimited", "ConnectionFailed", "AnswerTimeout"), TRY_LATER),
    "PageFailed": TRY_LATER,  # what ConnectionFailed is to the client
    **dict.fromkeys(("InteractionRequired", "SessionRefused", "NotReady", "LoginNeeded"), LOGIN_NEEDED),
    "InvalidConfiguration": BAD_CONFIGURATION,
    "SessionLocked": BAD_CONFIGURATION,
}
_SETTINGS: Final = "AURA_BROWSER_"


def find_exit_code(error: BaseException) -> int:
    """Return the exit code of a command that ended with *error*."""
    if isinstance(error, InvalidInput) and error.name.startswith(_SETTINGS):
        return BAD_CONFIGURATION
    if isinstance(error, SiteFailed) and error.is_away:
        return TRY_LATER
    if isinstance(error, NotReady) and not error.is_answered:
        return TRY_LATER
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((_CODES[name] for name in names if name in _CODES), FAILED)


class BadFile(click.ClickException):
    """A file of the person's configuration can't work."""

    exit_code = BAD_CONFIGURATION


class BadSetting(click.BadParameter):
    """A value from the environment can't work."""

    exit_code = BAD_CONFIGURATION
