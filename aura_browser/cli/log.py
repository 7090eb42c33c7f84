"""Log messages of a command: on stderr, above a spinner that is shown there, and each only once."""

import logging
import sys
from typing import Final, TextIO

from aura_browser.errors import StoreError

_store_faults: Final[set[str]] = set()
_seen: Final[set[str]] = set()


class _CurrentStderr(logging.StreamHandler[TextIO]):
    """Writes to what sys.stderr is at that moment: a spinner puts its own stream there, or the line would be torn."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record*."""
        self.setStream(sys.stderr)
        super().emit(record)


def set_up_log(*, debug: bool) -> None:
    """Send warnings to stderr; with *debug* all messages of this package, never Selenium's, which log every cookie."""
    handler = _CurrentStderr()
    handler.addFilter(_is_new)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", handlers=[handler], force=debug)
    if debug:
        logging.getLogger("aura_browser").setLevel(logging.DEBUG)


def store_has_failed() -> bool:
    """Return whether a store could not be used, so that a session may not be kept."""
    return bool(_store_faults)


def _is_new(record: logging.LogRecord) -> bool:
    """Return whether to show *record*: a message is shown once, and of those about a store's fault the first."""
    fault = next((value for value in _read_args(record) if isinstance(value, StoreError)), None)
    if fault is not None:
        is_first = not _store_faults
        _store_faults.add(str(fault))
        record.msg, record.args = "%s This goes on without it, and keeps nothing there.", (fault,)
        return is_first
    is_first = record.levelno < logging.WARNING or record.getMessage() not in _seen
    _seen.add(record.getMessage())
    return is_first


def _read_args(record: logging.LogRecord) -> tuple[object, ...]:
    return record.args if isinstance(record.args, tuple) else ()
