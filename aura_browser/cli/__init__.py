"""The command ``aura-browser``. Each of its commands is a file here, loaded when it is called."""

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import click

_OBJECTS_BETWEEN_COLLECTIONS: Final = 20_000
# Told here, so that --help needs to load none of them.
_COMMANDS: Final = {
    "harvest": "Open a site in Chrome and print its session as JSON.",
    "chat": "Ask a chat site, once or in a conversation.",
    "sessions": "See, check and remove the sessions that are cached.",
    "doctor": "Tell whether it can run here, and what mends it if not.",
    "demo": "See the main job work, on this machine alone.",
    "playground": "Serve a local chat site to try things on.",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"aura_browser.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aura-browser")
def cli() -> None:
    """Talk to a web chat with the session that your own browser gets.

    \b
    aura-browser demo                      see all of it work, on this machine alone
    aura-browser chat "Hello!"             ask openchat.team
    aura-browser harvest -o session.json   keep the session as JSON

    Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 Ctrl-C.
    """  # noqa: D301 - click knows an example by this character


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``aura-browser`` with *argv* (the process's own if None) and return its exit code."""
    # Loading modules makes no garbage, and to look for it at Python's own pace takes a twentieth of a start (measured).
    # It stays so: modules are loaded as they are needed, and what comes later makes little garbage either.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    try:
        code = cli.main(None if argv is None else list(argv), prog_name="aura-browser", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except BrokenPipeError:
        # The reader has gone, as "head" does. Nothing more can be said there, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code if isinstance(code, int) else 0
