"""``aura-browser sessions``: ``commands``, the ``catalogue`` of what a store holds, and the ``view`` of it."""

from aura_browser.cli.sessions.commands import command

__all__ = ["command"]
