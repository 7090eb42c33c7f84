"""All checks in their order: each bounded in time, and one that crashes is a finding too."""

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

from aura_browser.doctor.browser import look_at_browser, look_at_driver
from aura_browser.doctor.connections import look_at_attached, look_at_grid, look_at_proxy
from aura_browser.doctor.extras import look_at_extras, needed_extras
from aura_browser.doctor.finding import Finding
from aura_browser.doctor.machine import look_at_machine
from aura_browser.doctor.page import LocalPage, local_page
from aura_browser.doctor.sessions import look_at_sessions
from aura_browser.doctor.state import look_at_state
from aura_browser.doctor.trial import try_harvest
from aura_browser.engine import Attach, Engine, Grid, Selenium
from aura_browser.errors import AuraError

_log = logging.getLogger(__name__)

T = TypeVar("T")

_CHECK_S: Final = 10.0
_BROWSER_CHECK_S: Final = 60.0  # several programs tell their versions, each with a bound of its own
_KEPT_S: Final = 20.0
_TRIAL_S: Final = 60.0  # of which the harvest takes half at most; ending a browser takes a moment too


async def examine(
    *, engine: Engine | None = None, proxy: str | None = None, store: str | None = None, interactive: bool = False
) -> list[Finding]:
    """Look at all that the main job needs, and do it once with a page of this machine.

    Nothing is changed or downloaded, and no network is used but to the proxy, Grid, browser and store named.

    Args:
        engine: the browser that is to be used; None for a new Chrome on this machine.
        proxy: the proxy to go through, as :func:`aura_browser.assembly.assemble` takes it.
        store: where sessions are cached; likewise.
        interactive: whether a person is to log in in a window.
    """
    engine = engine or Selenium()
    async with local_page() as page:
        findings = await _bounded("program", in_thread(_program))
        findings += await _needed(engine, proxy, store, page, interactive=interactive)
        is_hopeless = any(finding.stops and finding.name != "display" for finding in findings)
        findings += await _bounded("state folder", _kept(store, engine), _KEPT_S)
        if is_hopeless:
            return [*findings, Finding("harvest", "note", "not tried, because of what is said above")]
        through = proxy if page.was_fetched else None
        return findings + await _bounded("harvest", try_harvest(engine, through, page.url), _TRIAL_S, stops=True)


async def _needed(
    engine: Engine, proxy: str | None, store: str | None, page: LocalPage, *, interactive: bool
) -> list[Finding]:
    """Return what is found of what a harvest can't do without."""
    findings = await _browser(engine, proxy)
    if isinstance(engine, Selenium):
        findings += await _bounded("machine", in_thread(lambda: look_at_machine(engine, interactive=interactive)))
    findings += await _bounded("extras", in_thread(lambda: look_at_extras(needed_extras(engine, proxy, store))))
    if proxy:
        findings += await _bounded("proxy", look_at_proxy(proxy, page), stops=True)
    return findings


async def _browser(engine: Engine, proxy: str | None) -> list[Finding]:
    match engine:
        case Grid():
            return await _bounded("grid", in_thread(lambda: look_at_grid(engine, proxy)), stops=True)
        case Attach():
            return await _bounded("attach", _attached(engine), _BROWSER_CHECK_S, stops=True)
        case Selenium():
            return await _bounded("chrome", in_thread(lambda: look_at_browser(engine)), _BROWSER_CHECK_S, stops=True)
        case _:
            return []


async def _kept(store: str | None, engine: Engine) -> list[Finding]:
    # A folder that does not answer is not asked for sessions: that is done in threads which have to be waited for.
    state = await in_thread(lambda: look_at_state(store, engine))
    return state + await _bounded("sessions", look_at_sessions(store))


async def _attached(engine: Attach) -> list[Finding]:
    chrome, version = await look_at_attached(engine)
    return [chrome, *await in_thread(lambda: look_at_driver(engine, version))]


async def _bounded(
    name: str, check: Awaitable[list[Finding]], seconds: float = _CHECK_S, *, stops: bool = False
) -> list[Finding]:
    """Return what *check* finds, or that it can't tell; *stops* says whether the job can't run then."""
    try:
        async with asyncio.timeout(seconds):
            return await check
    except TimeoutError:
        problem = f"not known: no answer within {seconds:g} s"
    except AuraError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one check, the others are of use
        # Without its text, which may hold anything.
        _log.debug("The check of %s failed here:\n%s", name, "".join(format_tb(error.__traceback__)))
        problem = f"not known: {type(error).__name__} at {_place(error)} (a fault of this program)"
    return [Finding(name, "problem", problem, "aura-browser doctor --debug", stops=stops)]


def in_thread(check: Callable[[], T]) -> Awaitable[T]:
    """Run *check* in a thread that does not keep the program from ending: a file system may never answer."""
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            done.set_result(check())
        except Exception as error:  # noqa: BLE001 - raised where it is awaited
            done.set_exception(error)

    threading.Thread(target=run, name="aura-browser-doctor", daemon=True).start()
    return asyncio.wrap_future(done)


def _place(error: Exception) -> str:
    frame = extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _program() -> list[Finding]:
    versions = (f"{name} {metadata.version(name)}" for name in ("aura-browser", "selenium", "aiohttp"))
    here = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return [Finding("program", "ok", f"{', '.join(versions)}, {here}")]
