"""The command ``aura-browser``. Each subcommand is a file here, loaded when it is called."""

import gc
import os
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import click

from aura_browser.cli.streams import discard_output, flush_output, prepare_streams

_GC_THRESHOLD: Final = 20_000
_MAX_WORD_LENGTH: Final = 60
# Short help texts, here so that --help loads no subcommand.
_COMMANDS: Final = {
    "harvest": "Open a site in Chrome and print its session as JSON.",
    "chat": "Ask a chat site, once or in a conversation.",
    "serve": "Let programs that speak OpenAI's or Anthropic's API use a chat site.",
    "request": "Send any request to a site with its session.",
    "proxy": "Serve a site with its session on this machine, for other programs.",
    "sessions": "See, check, renew, export, import and remove cached sessions.",
    "sites": "See, add, change and try the sites of your own.",
    "doctor": "Check whether aura-browser can run here, and how to fix it if not.",
    "completion": "Print the script with which a shell completes commands and names.",
    "demo": "Run the main job against a local site.",
    "exec": "Run a program with a session in files that it can read.",
    "open": "Open a new Chrome with a session in it.",
    "skill": "Print a page that teaches a coding agent to use aura-browser.",
    "mcp": "Serve tools for agents, which see no secret.",
    "playground": "Serve a local chat site for experiments.",
}

_EXIT_CODES: Final = """\b
Exit codes:
0    done
1    failed; one line on stderr says why
2    wrong usage
69   no browser: none found, none that starts, none from the Grid
75   try later: no connection, a rate limit, or a harvest failed just now
77   a person has to log in, or pass a check
78   a setting in the environment, or sites.toml, can't work
130  Ctrl-C
"""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"aura_browser.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in _COMMANDS:
            return super().resolve_command(ctx, args)
        from aura_browser.cli.hints import suggest_command
        from aura_browser.text import clean_text

        hint = suggest_command(args[0], list(_COMMANDS))
        raise click.UsageError(f"No such command {clean_text(args[0], _MAX_WORD_LENGTH)!r}. {hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, epilog=_EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aura-browser-session")
def cli() -> None:
    """Use a web chat with the session that your own browser gets.

    \b
    aura-browser demo                      run everything once, on this machine alone
    aura-browser chat "Hello!"             ask openchat.team
    aura-browser harvest -o session.json   keep the session as JSON
    """  # noqa: D301 - click's mark for text that it must not wrap


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``aura-browser`` with *argv* (the process's own if None) and return its exit code."""
    # Imports create many objects and no garbage; collecting at the default threshold only slows the start-up.
    # It is not reset: modules are loaded lazily, and commands create little garbage.
    gc.set_threshold(_GC_THRESHOLD)
    prepare_streams()
    try:
        code = _run(argv)
        flush_output()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # The reader closed the pipe, as "head" does. Python would fail again when it flushes stdout at exit.
        discard_output()
        return 1
    return code if isinstance(code, int) else 0


def _run(argv: Sequence[str] | None) -> object:
    """Answer a shell that completes, or run the command that *argv* names and return what it returns."""
    if instruction := os.environ.get("_AURA_BROWSER_COMPLETE"):
        from aura_browser.cli.completing import answer

        click.echo(answer(instruction))
        return None
    return cli.main(None if argv is None else list(argv), prog_name="aura-browser", standalone_mode=False)
