"""Words that the project does not use, in code and pages: a newcomer should not have to decode them."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.parts.pages import ROOT

BANNED: Mapping[str, str] = {
    r"\b[Mm]end(?:s|ed|ing)?\b": "fix or repair",
    r"\b[Tt]ells? whether\b": "return whether, or check",
    r"(?<!there )(?<!There )\b(?:is|are) none\b|\bif none(?:[.;,)]|$)": "name what is missing: 'if it is not a URL'",
    r"\bbehind (?:your|their|a person's) back\b": "automatically",
    r"\([Mm]easured\b|\bmeasured[,;)]": "name the version or the test that shows it",
    r"\ba fault of this program\b": "a bug in aura-browser",
    r"\blet go of\b": "released, or closed",
    r"\bunasked\b": "say when it happens",
    r"\bdied of\b": "why it failed",
    r"\b[Ii]s told\b|\bwhat is told\b": "is called with, or is documented",
    r"\bdef _?(?:told|found|held|wanted|kept|shown|started|verified)\b": "a verb: read_version, hold_profile",
    r"\b_?(?:GLANCE|MOST|LONGEST|LEAST|UNFIT|LAST_WORDS|FAREWELL)(?:_|\b)": "a usual term and unit: _MAX_SIZE_BYTES",
}
"""Patterns, and what to write instead."""

_TEXT = {".py", ".md", ".html", ".sh", ".toml", ".yaml"}
PLACES = ("README.md", "aura_browser", "docs", "drivers")
FILES = [
    path
    for place in PLACES
    for path in sorted([ROOT / place] if (ROOT / place).is_file() else (ROOT / place).rglob("*"))
    if path.suffix in _TEXT
]


@pytest.mark.parametrize("pattern", BANNED)
def test_no_file_uses_it(pattern: str) -> None:
    uses = [f"{path.relative_to(ROOT)}:{number}: {line}" for path in FILES for number, line in find(pattern, path)]
    assert uses == [], f"write instead: {BANNED[pattern]}"


def find(pattern: str, path: Path) -> list[tuple[int, str]]:
    lines = enumerate(path.read_text("utf-8").splitlines(), 1)
    return [(number, line.strip()) for number, line in lines if re.search(pattern, line)]


@pytest.mark.parametrize("text", ["mends it", "if it is none", "_MOST_KEPT = 3", "(measured with 3.5)", "def _told("])
def test_the_patterns_find_what_they_are_for(text: str) -> None:
    assert any(re.search(pattern, text) for pattern in BANNED)


@pytest.mark.parametrize("text", ["there is none", "recommend", "is None", "as benchmarks measured it", "almost_all"])
def test_the_patterns_leave_plain_english_alone(text: str) -> None:
    assert not any(re.search(pattern, text) for pattern in BANNED)
