"""Run the table against a real Chrome: ``make cookies-vs-chrome``.

Prints each difference that is not explained, and exits with 1 if there is one. ``--record`` writes Chrome's side to
``record.json``.
"""

import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from yarl import URL

from aura_browser.session.cookie import Cookie
from aura_browser.webdriver.cookies import parse_cookie
from tests.cookies.chrome import Chrome, chrome_at
from tests.cookies.compare import EXPLAINED, PATH, differences, first_cookies, origins_at
from tests.cookies.lines import STORIES, Case, Step, cases
from tests.cookies.record import CaseResult, Record, StoryResult, write_record
from tests.cookies.server import serving_cookies


async def run_table() -> Record:
    """Return what Chrome keeps of the whole table."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        async with (
            serving_cookies(Path(folder)) as ports,
            chrome_at(ports, Path(folder) / "profile") as (chrome, version),
        ):
            now = time.time()
            kept = [await _run_case(chrome, case) for case in cases(now)]
            stories = {name: await _run_story(chrome, steps) for name, steps in STORIES.items()}
            return Record(version, now, tuple(kept), stories)


async def _run_case(chrome: Chrome, case: Case) -> CaseResult:
    await chrome.clear()
    await chrome.open(case.origin)
    at = time.time()
    await chrome.fetch(case.origin, PATH, [case.line])
    kept = _parse_all(await chrome.cookies())
    return CaseResult(at, kept[0] if kept else None)


async def _run_story(chrome: Chrome, steps: tuple[Step, ...]) -> StoryResult:
    await chrome.clear()
    at = time.time()
    for step in steps:
        url = URL(step.url)
        await chrome.fetch(str(url.origin()), url.raw_path, step.lines_at(at), step.date_at(at))
    header = await chrome.fetch(str(url.origin()), url.raw_path)
    return StoryResult(at, header, first_cookies(_parse_all(await chrome.cookies())))


def _parse_all(raw: list[dict[str, Any]]) -> list[Cookie]:
    return [cookie for each in raw if (cookie := parse_cookie(each))]


def main() -> int:
    """Run, print, and return the exit code."""
    logging.disable()  # some of the table's cookies can't be read from Chrome
    began = time.monotonic()
    record = asyncio.run(run_table())
    if "--record" in sys.argv:
        write_record(record, origins_at(record.now))
    found = list(differences(record))
    unexplained = [text for line, text in found if line not in EXPLAINED]
    unneeded = EXPLAINED.keys() - {line for line, _ in found}
    for text in unexplained:
        print(text)  # noqa: T201 - the report
    for line in unneeded:
        print(f"explained, but the same as in Chrome: {line[:120]!r}")  # noqa: T201
    print(  # noqa: T201
        f"{record.browser}: {len(record.cases)} cases and {len(record.stories)} stories in "
        f"{time.monotonic() - began:.0f} s; {len(found) - len(unexplained)} explained differences, "
        f"{len(unexplained)} unexplained"
    )
    return 1 if unexplained or unneeded else 0


if __name__ == "__main__":
    sys.exit(main())
