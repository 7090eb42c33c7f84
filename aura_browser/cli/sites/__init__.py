"""``aura-browser sites``: its ``commands``, ``writing`` changes the file, ``trial`` tries a definition."""

from aura_browser.cli.sites.commands import command

__all__ = ["command"]
