"""Runs a command as the first process of a container would, and prints the zombies that are left afterwards.

It is a program, run with ``unshare --pid --fork --mount-proc``. With ``reaps-nothing`` the command is a child of this
process, which leaves alone what it adopts; with ``is-harvest`` this process harvests by itself.
"""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

from aura_browser import page_site
from aura_browser.webdriver.harvest import harvest


def main() -> None:
    """Harvest once; the arguments are the role and a URL."""
    role, url = sys.argv[1:]
    if role == "reaps-nothing" and (child := os.fork()):
        os.waitpid(child, 0)
    else:
        asyncio.run(harvest(page_site(url)))
        if role == "reaps-nothing":
            os._exit(0)
    print(*_find_zombies(), sep="\n", end="")  # noqa: T201 - its output


def _find_zombies() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            name, _, rest = path.read_text("utf-8", "replace").partition("(")[2].rpartition(") ")
            found += [name] if rest.startswith("Z") else []
    return found


if __name__ == "__main__":
    main()
