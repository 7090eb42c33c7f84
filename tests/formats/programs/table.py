"""The tables of docs/formats.md: programs and kinds of cookies."""

from collections.abc import Mapping
from typing import Final

from tests.formats.programs.kinds import LINES
from tests.parts.pages import ROOT

_PAGE: Final = ROOT / "docs" / "formats.md"
_END: Final = "\n<!-- The end of what make formats writes -->\n"

SENDS: Final = "### Which program sends what"
SAVES: Final = "### What comes in from each program"

Rows = Mapping[str, Mapping[str, str]]
"""A cell by program and kind of cookie."""


def render_table(rows: Rows) -> str:
    """Return the table in Markdown: a line for each program, a column for each kind of cookie."""
    head = ["program", *LINES]
    lines = [[name, *(row[kind] for kind in LINES)] for name, row in rows.items()]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *lines])


def write_table(heading: str, rows: Rows) -> None:
    """Write the table below *heading* into the page."""
    before, _, rest = _PAGE.read_text("utf-8").partition(f"{heading}\n")
    intro = rest.partition(_END)[0].partition("\n| program")[0].rstrip()
    _, _, after = rest.partition(_END)
    _PAGE.write_text(f"{before}{heading}\n{intro}\n\n{render_table(rows)}\n{_END}{after}", "utf-8")


def read_table(heading: str) -> dict[str, dict[str, str]]:
    """Return what the page says below *heading*, by program and kind."""
    _, _, rest = _PAGE.read_text("utf-8").partition(f"{heading}\n")
    lines = [line for line in rest.partition(_END)[0].splitlines() if line.startswith("| ")]
    if not lines:
        return {}
    head, _, *body = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in body}
