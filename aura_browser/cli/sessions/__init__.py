"""``aura-browser sessions``: its ``commands``, the ``catalogue`` that reads a store, the ``view`` that prints."""

from aura_browser.cli.sessions.commands import command

__all__ = ["command"]
