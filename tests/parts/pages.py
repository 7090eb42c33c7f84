"""The project's pages, README among them: their blocks, headings, links and tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
COMMAND_LINE: Final = ROOT / "docs" / "command-line.md"
PAGES: Final = (
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "drivers" / "README.md",
    *sorted(ROOT.glob("docs/*.md")),
)

_BLOCK: Final = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^#+ (.*)$", re.MULTILINE)
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: the page's file.
        line: the line of the page that the block's text begins on, from 1.
        kind: what stands after the fence, such as ``python``.
        text: without the fences and their indentation.
    """

    page: Path
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def read_blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, match.start(3)) + 1,
            match[2],
            re.sub(f"^{match[1]}", "", match[3], flags=re.MULTILINE),
        )
        for match in _BLOCK.finditer(text)
    ]


def read_prose(page: Path) -> str:
    """Return the page without its blocks."""
    return _BLOCK.sub("", page.read_text("utf-8"))


def read_anchors(page: Path) -> set[str]:
    """Return the names that GitHub gives the page's headings."""
    headings = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(read_prose(page)))
    return {heading.strip().replace(" ", "-") for heading in headings}


def read_links(page: Path) -> list[str]:
    return _LINK.findall(read_prose(page))


def read_rows(page: Path, heading: str) -> Iterator[list[str]]:
    """Yield the cells of the table that follows *heading*, without its own headings."""
    _, _, rest = page.read_text("utf-8").partition(f"{heading}\n")
    rows = [line for line in rest.partition("\n#")[0].splitlines() if line.startswith("|")]
    yield from ([cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:])
