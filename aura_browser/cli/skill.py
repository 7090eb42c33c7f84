"""``aura-browser skill``: print a page that teaches a coding agent to use this command."""

import click

from aura_browser.cli.running import report_errors


@click.command("skill")
@report_errors
def command() -> None:
    """Print a SKILL.md that teaches a coding agent to use aura-browser.

    \b
    mkdir -p .claude/skills/aura-browser && aura-browser skill > .claude/skills/aura-browser/SKILL.md
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.agents.skill import SKILL

    click.echo(SKILL, nl=False)
