"""``aura-browser doctor``: whether the main job can run on this machine, and how to fix it if not."""

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Final, cast

import click

from aura_browser.cli.options import session_options
from aura_browser.cli.running import progress, report_errors, run_in_loop
from aura_browser.cli.screen import Screen
from aura_browser.engine import DefaultEngine
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aura_browser.assembly import SessionOptions
    from aura_browser.doctor import Finding

_MARKS: Final = {"ok": ("ok", "good"), "note": ("note", "note"), "problem": ("PROBLEM", "bad")}
_MARK_WIDTH: Final = 7
_MAX_LINE_LENGTH: Final = 2000


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--interactive", "--headed", "interactive", is_flag=True, help="Also check that a person can log in in a window."
)
@session_options(session=False)
@report_errors
def command(*, as_json: bool, interactive: bool, options: "SessionOptions") -> None:
    """Check whether the main job can run here, and print the command that fixes each problem.

    Give the options that you give to harvest. Nothing is changed or downloaded, and no secret is shown. Exit code 1 if
    the main job can't run.

    \b
    aura-browser doctor
    aura-browser doctor --interactive --profile me
    aura-browser doctor --grid http://127.0.0.1:4444 --json
    """  # noqa: D301 - click's mark for text that it must not wrap
    from aura_browser.doctor import examine

    store = cast("str | None", options["store"])  # --store is text
    engine = options["engine"] or DefaultEngine()
    with progress("Checking this machine …"):
        findings = run_in_loop(examine(engine=engine, proxy=options["proxy"], store=store, interactive=interactive))
    can_run = not any(finding.stops for finding in findings)
    if as_json:
        click.echo(json.dumps({"ok": can_run, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        print_report(findings)
    if not can_run:
        click.get_current_context().exit(1)


def print_report(findings: "Sequence[Finding]") -> None:
    """Print all *findings* on stdout, and what they add up to."""
    screen = Screen(sys.stdout)
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark, style = _MARKS[finding.verdict]
        screen.print_wrapped(
            (f"{mark:<{_MARK_WIDTH}}  ", style),
            (f"{finding.name:<{width}}  ", "name"),
            text=clean_text(finding.found, _MAX_LINE_LENGTH),
        )
        if finding.command:
            # On a narrow terminal it begins at the left, since a command that is wrapped can't be copied.
            command = clean_text(finding.command, _MAX_LINE_LENGTH)
            indent = _MARK_WIDTH + 2 + width + 2
            fits = screen.width is None or indent + len(command) <= screen.width
            screen.print((" " * (indent if fits else 2), ""), (command, "command"))
    can_run = not any(finding.stops for finding in findings)
    screen.print_wrapped(text=_summarize(findings)) if can_run else screen.print((_summarize(findings), "bad"))


def _summarize(findings: "Sequence[Finding]") -> str:
    blockers = [finding.name for finding in findings if finding.stops]
    if blockers:
        return f"The main job can't run here: {', '.join(blockers)}."
    problems = [finding.name for finding in findings if finding.verdict == "problem"]
    rest = f" To fix: {', '.join(problems)}." if problems else ""
    return f"The main job can run here.{rest}"
