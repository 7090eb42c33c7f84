"""A renewal that opens a window for a person, beside another process that renews without one."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from aura_browser.assembly import assemble
from aura_browser.keeping.manager import SessionManager
from aura_browser.session import Session
from aura_browser.site import page_site
from tests.parts.sessions import make_session

_ORIGIN: Final = "http://127.0.0.1:9"
_LIMIT_S: Final = 30.0

# It has the lock, and its harvest is for nothing: it ends only with the process.
_DOOMED: Final = """
import asyncio, sys
from aura_browser.assembly import assemble
from aura_browser.site import page_site

async def harvest():
    print("harvesting", flush=True)
    await asyncio.Event().wait()

asyncio.run(assemble(page_site(sys.argv[1]), store=sys.argv[2], harvest=harvest).get())
"""


@asynccontextmanager
async def renewing_elsewhere(folder: Path) -> AsyncIterator[None]:
    """Have another process renew the session, for nothing, while the context lasts."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _DOOMED, _ORIGIN, str(folder)), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_LIMIT_S):
            assert await process.stdout.readline() == b"harvesting\n"
        yield
    finally:
        process.kill()
        await process.communicate()


def open_manager(folder: Path, refresh: str) -> SessionManager:
    async def harvest() -> Session:
        return make_session(_ORIGIN, cookies=(), is_login=True)

    return assemble(page_site(_ORIGIN), store=str(folder), harvest=harvest, refresh=refresh)  # type: ignore[arg-type]


@pytest.mark.slow
async def test_a_person_does_not_wait_for_a_harvest_of_another_process_that_is_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def prove(session: Session) -> Session:
        return session

    monkeypatch.setattr("aura_browser.carriers.build_prove", lambda _site: prove)
    folder = tmp_path / "kept"
    async with renewing_elsewhere(folder):
        interactive, headless = open_manager(folder, "interactive"), open_manager(folder, "headless")
        async with asyncio.timeout(_LIMIT_S):
            session = await interactive.get()
        assert f"Another program is renewing the session of {_ORIGIN}. A window opens" in caplog.text
        assert await headless.get() == session, "it is in the store, in spite of the other process's lock"
        await interactive.aclose()
        await headless.aclose()
