"""openchat.team and example.com, as the pages name them, at sites on this machine.

``python -m tests.parts.moved cli ARGUMENT...`` is the command, ``python -m tests.parts.moved page FILE LINE...`` runs
the Python blocks that begin on those lines of a page, warnings being errors, and prints what each did as JSON.
"""

import ast
import asyncio
import inspect
import io
import json
import os
import sys
import traceback
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from types import CodeType
from typing import Any, Final

OPENCHAT: Final = "TEST_OPENCHAT"
EXAMPLE: Final = "TEST_EXAMPLE"


def move_text(text: str) -> str:
    """Return *text* with the addresses of both sites replaced."""
    for site, variable in (
        ("openchat.team", OPENCHAT),
        ("127.0.0.1:8765", OPENCHAT),
        ("api.example.com", EXAMPLE),
        ("example.com", EXAMPLE),
    ):
        origin = os.environ[variable]
        text = text.replace(f"https://{site}", origin).replace(site, origin.removeprefix("http://"))
    return text


def move_openchat() -> None:
    """Have the package take the test's site for openchat.team in this process, before a default is made of it."""
    from aura_browser import site
    from aura_browser.site import catalogue

    usual, moved = site.OPENCHAT, site.openchat_site(os.environ[OPENCHAT])
    for module in [each for each in sys.modules.values() if vars(each).get("OPENCHAT") is usual]:
        vars(module)["OPENCHAT"] = moved
    vars(catalogue)["_BUILT_IN"] = {moved.origin: site.openchat_site}


def run_blocks(page: Path, lines: set[int]) -> list[dict[str, Any]]:
    from tests.parts.pages import read_blocks

    return [
        {"line": block.line, **_run_block(move_text(block.text), f"{page}", block.line)}
        for block in read_blocks(page)
        if block.line in lines
    ]


def _run_block(text: str, page: str, line: int) -> dict[str, str]:
    shown = io.StringIO()
    try:
        with redirect_stdout(shown):
            _execute("\n" * (line - 1) + text, page)
    except Exception:  # noqa: BLE001 - it goes to the test
        return {"output": shown.getvalue(), "error": traceback.format_exc()}
    return {"output": shown.getvalue(), "error": ""}


def _execute(source: str, page: str) -> None:
    """Run a program, or a part of one, which may use ``await`` and the names that pages give its values."""
    code = compile(source, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(_run_with_client(code))
    else:
        exec(code, _make_names())  # noqa: S102 - our own pages


async def _run_with_client(code: CodeType) -> None:
    names = _make_names()
    async with names["AuraClient"]() as client:
        await eval(code, names | {"client": client})  # noqa: S307 - our own pages


def _make_names() -> dict[str, Any]:
    """Return what a part of a program has imported, and its ``site``; a whole program imports the same anew."""
    import aiohttp

    import aura_browser

    names: dict[str, Any] = {name: getattr(aura_browser, name) for name in aura_browser.__all__}
    site = aura_browser.Site(f"{os.environ[EXAMPLE]}/app", api_paths=("/api/",), probe=aura_browser.Probe("/api/me"))
    values = {"site": site, "client": aura_browser.AuraClient()}
    return names | values | {"__name__": "__main__", "asyncio": asyncio, "aiohttp": aiohttp}


if __name__ == "__main__":
    move_openchat()
    if sys.argv[1] == "cli":
        from aura_browser.cli import main

        sys.exit(main(sys.argv[2:]))
    warnings.simplefilter("error")
    print(json.dumps(run_blocks(Path(sys.argv[2]), set(map(int, sys.argv[3:])))))  # noqa: T201 - for the test
