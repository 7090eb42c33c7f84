"""The page for coding agents: its commands exist, and its exit codes are those of the commands."""

import re
import shlex

from aura_browser.agents.skill import SKILL
from aura_browser.cli import exit_codes
from tests.parts.command import run
from tests.parts.command_lines import parse_command


def test_it_is_printed_as_it_is_and_has_what_agents_look_for() -> None:
    done = run("skill")
    assert (done.returncode, done.stdout) == (0, SKILL)
    head = SKILL.split("---\n")[1]
    assert re.search(r"^name: aura-browser$", head, re.MULTILINE)
    assert re.search(r"^description: .{20,}", head, re.MULTILINE)


def test_its_commands_are_understood() -> None:
    lines = [line.strip() for line in SKILL.splitlines() if line.startswith("    aura-browser ")]
    assert len(lines) >= 4
    for line in lines:
        parse_command(shlex.split(line))


def test_its_exit_codes_are_those_of_the_commands() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", SKILL, re.MULTILINE)}
    known = (exit_codes.NO_BROWSER, exit_codes.TRY_LATER, exit_codes.LOGIN_NEEDED, exit_codes.BAD_CONFIGURATION)
    assert codes == {0, *known}
