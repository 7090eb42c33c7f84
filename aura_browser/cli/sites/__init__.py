"""``aura-browser sites``: its ``commands``, ``learning``, ``trial`` and ``writing`` of the file."""

from aura_browser.cli.sites.commands import command
from aura_browser.cli.sites.learning import learn

command.add_command(learn)

__all__ = ["command"]
