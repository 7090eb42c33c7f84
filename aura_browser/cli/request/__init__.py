"""``aura-browser request``: ``commands`` reads the options, ``body`` what is sent, ``delivery`` writes the answer."""

from aura_browser.cli.request.commands import command

__all__ = ["command"]
