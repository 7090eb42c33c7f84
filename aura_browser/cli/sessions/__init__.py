"""``aura-browser sessions``: its ``commands`` and ``exchange``, the ``catalogue`` that reads a store, the ``view``."""

from aura_browser.cli.sessions.commands import command
from aura_browser.cli.sessions.exchange import export_session, import_session
from aura_browser.cli.sessions.renew_command import renew_sessions

command.add_command(export_session)
command.add_command(import_session)
command.add_command(renew_sessions)

__all__ = ["command"]
