"""Run the table against a real Chrome: ``make cookies-vs-chrome``.

Prints each difference that is not explained, and exits with 1 if there is one. ``--record`` writes Chrome's side to
``record.json``.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from yarl import URL

from aura_browser.session.cookie import Cookie
from aura_browser.webdriver.reading import parse_cookie
from tests.cookies.chrome import Chrome, chrome_at
from tests.cookies.compare import EXPLAINED, PATH, differences, first_cookies, origins_at
from tests.cookies.lines import STORIES, Case, Step, cases
from tests.cookies.record import Kept, Record, Told, write_record
from tests.cookies.server import serving_cookies


async def run_table() -> Record:
    """Return what Chrome keeps of the whole table."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        async with (
            serving_cookies(Path(folder)) as ports,
            chrome_at(ports, Path(folder) / "profile") as (chrome, version),
        ):
            now = time.time()
            kept = [await _keep(chrome, case) for case in cases(now)]
            told = {name: await _tell(chrome, steps) for name, steps in STORIES.items()}
            return Record(version, now, tuple(kept), told)


async def _keep(chrome: Chrome, case: Case) -> Kept:
    await chrome.clear()
    await chrome.open(case.origin)
    at = time.time()
    await chrome.fetch(case.origin, PATH, [case.line])
    kept = _parse_all(await chrome.cookies())
    return Kept(at, kept[0] if kept else None)


async def _tell(chrome: Chrome, steps: tuple[Step, ...]) -> Told:
    await chrome.clear()
    at = time.time()
    for step in steps:
        url = URL(step.url)
        await chrome.fetch(str(url.origin()), url.raw_path, step.lines_at(at), step.date_at(at))
    header = await chrome.fetch(str(url.origin()), url.raw_path)
    return Told(at, header, first_cookies(_parse_all(await chrome.cookies())))


def _parse_all(raw: list[dict[str, Any]]) -> list[Cookie]:
    return [cookie for each in raw if (cookie := parse_cookie(each))]


def main() -> int:
    """Run, print, and return the exit code."""
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
