"""``aura-browser completion``: the script with which a shell completes commands, options, sites and sessions."""

import click

from aura_browser.cli.completing import SHELLS, build_script


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(*, shell: str) -> None:
    """Print the script with which a shell completes aura-browser's commands, options, sites and sessions.

    Sessions are completed by the names of their files: none is read. Run one of these, and begin a new shell:

    \b
    aura-browser completion bash > ~/.local/share/bash-completion/completions/aura-browser
    aura-browser completion zsh > ~/.zfunc/_aura-browser           with ~/.zfunc in fpath, before compinit
    aura-browser completion fish > ~/.config/fish/completions/aura-browser.fish
    """  # noqa: D301 - click's mark for text that it must not wrap
    click.echo(build_script(shell))
