"""The main job once, with a page of this machine: a harvest, and its proof through the real client."""

import time
from ipaddress import ip_address
from typing import Final

import msgspec
from yarl import URL

from aura_browser.assembly import assemble
from aura_browser.doctor.finding import Finding, build_blocker
from aura_browser.doctor.machine import suggest_sandbox_fix
from aura_browser.engine import Attach, AttachChrome, Engine, Grid, LocalEngine
from aura_browser.errors import AttachRefused, AuraError, LaunchFailed, PageFailed
from aura_browser.harvests import browser_harvest
from aura_browser.site import page_site

_HARVEST_TIMEOUT_S: Final = 30.0


async def try_harvest(engine: Engine, proxy: str | None, url: str) -> list[Finding]:
    """Harvest the page at *url*, and report how long it took.

    Args:
        engine: which browser; one on another machine is not tried, since it can't open a page of this one.
        proxy: the proxy to use, or None.
        url: a page on loopback.
    """
    if not _is_local(engine):
        return [Finding("harvest", "note", "not tried: that browser can't open a page of this machine")]
    site = page_site(url)
    harvest = browser_harvest(site, engine=_without_profile(engine), proxy=proxy, timeout_s=_HARVEST_TIMEOUT_S)
    manager = assemble(site, proxy=proxy, store="memory", harvest=harvest)
    began = time.perf_counter()
    try:
        session = await manager.harvest()
    except AuraError as error:
        return [_describe_failure(engine, error)]
    finally:
        await manager.aclose()
    took = time.perf_counter() - began
    browser = f"{session.browser.name} {session.browser.version}"
    return [Finding("harvest", "ok", f"of a page on this machine, with {browser}, verified: {took:.2f} s")]


def _is_local(engine: Engine) -> bool:
    match engine:
        case Grid(url=url):
            host = URL(url).host
        case Attach(address=address):
            host = URL(f"http://{address}").host
        case _:
            return True
    try:
        return host == "localhost" or ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _without_profile(engine: Engine) -> Engine:
    """Return *engine* without its profile: a trial must not touch the person's profile."""
    if not isinstance(engine, LocalEngine):
        return engine
    return msgspec.structs.replace(engine, profile=None)


def _describe_failure(engine: Engine, error: AuraError) -> Finding:
    if isinstance(error, PageFailed) and isinstance(engine, Grid | Attach):
        # A container has a loopback of its own.
        return Finding(
            "harvest", "note", f"the browser there works, but can't open a page of this machine: {error.code}"
        )
    if isinstance(error, AttachRefused) and isinstance(engine, AttachChrome):
        command = f"aura-browser doctor --attach {engine.option}"
        return build_blocker("harvest", f"waiting for Allow: {error.reason}", command)
    is_sandbox = isinstance(error, LaunchFailed) and any("sandbox" in line.lower() for line in error.stderr_tail)
    fix = suggest_sandbox_fix() if is_sandbox else "aura-browser doctor --debug"
    return build_blocker("harvest", str(error), fix)
