"""All checks in their order: each has a time limit, and a check that crashes is a finding too."""

import asyncio
import logging
import platform
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from importlib import metadata
from pathlib import Path
from traceback import extract_tb, format_tb
from typing import Final, TypeVar

from aura_browser.doctor.browser import inspect_browser, inspect_driver
from aura_browser.doctor.connections import inspect_attached, inspect_everyday, inspect_grid, inspect_proxy
from aura_browser.doctor.extras import find_needed_extras, inspect_extras
from aura_browser.doctor.finding import Finding
from aura_browser.doctor.machine import inspect_machine
from aura_browser.doctor.page import LocalPage, serve_page
from aura_browser.doctor.sessions import inspect_sessions
from aura_browser.doctor.sites import inspect_sites
from aura_browser.doctor.state import inspect_state
from aura_browser.doctor.surroundings import inspect_surroundings
from aura_browser.doctor.trial import try_harvest
from aura_browser.engine import Attach, AttachChrome, Chrome, DefaultEngine, Engine, Grid, LocalEngine, Selenium
from aura_browser.errors import AuraError

_log = logging.getLogger(__name__)

T = TypeVar("T")

_CHECK_TIMEOUT_S: Final = 10.0
_BROWSER_TIMEOUT_S: Final = 60.0  # several programs print their versions, each with its own time limit
_STATE_TIMEOUT_S: Final = 20.0
_TRIAL_TIMEOUT_S: Final = 60.0  # the harvest takes at most half of it; closing a browser takes a moment too


async def examine(
    *, engine: Engine | None = None, proxy: str | None = None, store: str | None = None, interactive: bool
) -> list[Finding]:
    """Check all that the main job needs, and run it once with a page of this machine.

    Nothing is changed or downloaded. Only the given proxy, Grid, browser and store are contacted.

    Args:
        engine: the browser to use; None for a new Chrome on this machine.
        proxy: the proxy to use, as in :func:`aura_browser.assembly.assemble`.
        store: where sessions are cached; likewise.
        interactive: whether a person must be able to log in in a window.
    """
    engine = engine or DefaultEngine()
    async with serve_page() as page:
        findings = await _run_check("program", run_in_thread(_describe_program))
        findings += await _check_requirements(engine, proxy, store, page, interactive=interactive)
        is_blocked = any(finding.stops and finding.name != "display" for finding in findings)
        findings += await _run_check("state folder", _check_state(store, engine), _STATE_TIMEOUT_S)
        if is_blocked:
            return [*findings, Finding("harvest", "note", "not tried because of the problems above")]
        through = proxy if page.was_fetched else None
        return findings + await _run_check(
            "harvest", try_harvest(engine, through, page.url), _TRIAL_TIMEOUT_S, stops=True
        )


async def _check_requirements(
    engine: Engine, proxy: str | None, store: str | None, page: LocalPage, *, interactive: bool
) -> list[Finding]:
    """Check what a harvest can't do without."""
    findings = await _check_browser(engine, proxy)
    if isinstance(engine, LocalEngine):
        findings += await _run_check("machine", run_in_thread(lambda: inspect_machine(engine, interactive=interactive)))
    findings += await _run_check("surroundings", run_in_thread(lambda: inspect_surroundings(engine)))
    findings += await _run_check(
        "extras", run_in_thread(lambda: inspect_extras(find_needed_extras(engine, proxy, store)))
    )
    if proxy:
        findings += await _run_check("proxy", inspect_proxy(proxy, page), stops=True)
    return findings


async def _check_browser(engine: Engine, proxy: str | None) -> list[Finding]:
    match engine:
        case Grid():
            return await _run_check("grid", run_in_thread(lambda: inspect_grid(engine, proxy)), stops=True)
        case Attach():
            return await _run_check("attach", _check_attached(engine), _BROWSER_TIMEOUT_S, stops=True)
        case AttachChrome():
            return await _run_check("attach", run_in_thread(lambda: inspect_everyday(engine)), stops=True)
        case Selenium() | Chrome():
            return await _run_check(
                "chrome", run_in_thread(lambda: inspect_browser(engine)), _BROWSER_TIMEOUT_S, stops=True
            )
        case _:
            return []


async def _check_state(store: str | None, engine: Engine) -> list[Finding]:
    # Sessions are read only if the folder answers: the store's threads can't be abandoned when a file system hangs.
    state = await run_in_thread(lambda: inspect_state(store, engine))
    state += await _run_check("sites", run_in_thread(inspect_sites))
    return state + await _run_check("sessions", inspect_sessions(store))


async def _check_attached(engine: Attach) -> list[Finding]:
    chrome, version = await inspect_attached(engine)
    return [chrome, *await run_in_thread(lambda: inspect_driver(engine, version))]


async def _run_check(
    name: str, check: Awaitable[list[Finding]], seconds: float = _CHECK_TIMEOUT_S, *, stops: bool = False
) -> list[Finding]:
    """Return the findings of *check*, or a problem if it fails; *stops* says whether that blocks the main job."""
    try:
        async with asyncio.timeout(seconds):
            return await check
    except TimeoutError:
        problem = f"unknown: no answer within {seconds:g} s"
    except AuraError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - one failed check must not hide the others
        # Without the error's text, which may hold a secret.
        _log.debug("The check of %s failed here:\n%s", name, "".join(format_tb(error.__traceback__)))
        problem = f"unknown: {type(error).__name__} at {_locate(error)} (a bug in aura-browser; report it)"
    return [Finding(name, "problem", problem, "aura-browser doctor --debug", stops=stops)]


def run_in_thread(check: Callable[[], T]) -> Awaitable[T]:
    """Run *check* in a daemon thread: a hung file system must not keep the program from ending."""
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            done.set_result(check())
        except Exception as error:  # noqa: BLE001 - raised where it is awaited
            done.set_exception(error)

    threading.Thread(target=run, name="aura-browser-doctor", daemon=True).start()
    return asyncio.wrap_future(done)


def _locate(error: Exception) -> str:
    frame = extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _describe_program() -> list[Finding]:
    packages = {"aura-browser": "aura-browser-session", "selenium": "selenium", "aiohttp": "aiohttp"}
    versions = (f"{name} {metadata.version(package)}" for name, package in packages.items())
    here = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return [Finding("program", "ok", f"{', '.join(versions)}, {here}")]
