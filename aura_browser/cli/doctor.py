"""``aura-browser doctor``: can the main job run on this machine, and what mends it if not."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from aura_browser.cli.options import engine_options, proxy_option, store_option
from aura_browser.cli.running import progress, reported
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from aura_browser.doctor import Finding
    from aura_browser.engine import Engine

_MARKS: Final = {"ok": "ok", "note": "note", "problem": "PROBLEM"}
_LONGEST_LINE: Final = 2000


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--interactive", "--headed", "interactive", is_flag=True, help="A person is to log in in a window.")
@engine_options
@proxy_option
@store_option
@reported
def command(*, as_json: bool, interactive: bool, proxy: str | None, store: str | None, engine: "Engine") -> None:
    """Tell whether the main job can run here, and for each problem the one command that mends it.

    Give the options that you give to harvest. Nothing is changed or downloaded, and no secret is shown. Exit code 1 if
    the main job can't run.

    \b
    aura-browser doctor
    aura-browser doctor --interactive --profile me
    aura-browser doctor --grid http://127.0.0.1:4444 --json
    """  # noqa: D301 - click knows an example by this character
    from aura_browser.doctor import examine

    with progress("Looking at this machine …"):
        findings = asyncio.run(examine(engine=engine, proxy=proxy, store=store, interactive=interactive))
    can_run = not any(finding.stops for finding in findings)
    if as_json:
        click.echo(json.dumps({"ok": can_run, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        for line in _report(findings):
            click.echo(line)
    if not can_run:
        click.get_current_context().exit(1)


def _report(findings: "Sequence[Finding]") -> Iterator[str]:
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        yield f"{_MARKS[finding.verdict]:<7}  {finding.name:<{width}}  {clean_text(finding.found, _LONGEST_LINE)}"
        if finding.command:
            yield f"{'':<{7 + 2 + width + 2}}{clean_text(finding.command, _LONGEST_LINE)}"
    yield _verdict(findings)


def _verdict(findings: "Sequence[Finding]") -> str:
    stopping = [finding.name for finding in findings if finding.stops]
    if stopping:
        return f"The main job can't run here: {', '.join(stopping)}."
    problems = [finding.name for finding in findings if finding.verdict == "problem"]
    rest = f" To mend: {', '.join(problems)}." if problems else ""
    return f"The main job can run here.{rest}"
