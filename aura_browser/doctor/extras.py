"""The packages that only some settings need."""

import os
from importlib import metadata
from importlib.util import find_spec

from yarl import URL

from aura_browser.doctor.finding import Finding, build_blocker
from aura_browser.engine import Engine, LocalEngine, Undetected
from aura_browser.extras import EXTRAS, install_command
from aura_browser.store.encrypted import KEY_VARIABLE
from aura_browser.store.place import is_redis


def inspect_extras(needed: set[str]) -> list[Finding]:
    """Check each extra; one that is *needed* and not installed is a blocker."""
    return [_check_extra(name, is_needed=name in needed) for name in EXTRAS]


def find_needed_extras(engine: Engine, proxy: str | None, store: str | None) -> set[str]:
    """Return the extras that these settings and the environment need."""
    facts = {
        "keyring": KEY_VARIABLE in os.environ,
        "redis": store is not None and is_redis(store),
        "socks": proxy is not None and URL(proxy).scheme.startswith("socks"),
        "undetected": isinstance(engine, Undetected),
        "virtual-display": isinstance(engine, LocalEngine) and engine.virtual_display,
    }
    return {name for name, is_needed in facts.items() if is_needed}


def _check_extra(name: str, *, is_needed: bool) -> Finding:
    label, fix = f"extra {name}", install_command(name)
    missing = [module for module in EXTRAS[name] if find_spec(module) is None]
    if not missing:
        return Finding(label, "ok", ", ".join(f"{module} {_read_version(module)}" for module in EXTRAS[name]))
    if is_needed:
        return build_blocker(label, f"needed for these settings, and {', '.join(missing)} is missing", fix)
    return Finding(label, "note", "not installed, and not needed for these settings", fix)


def _read_version(module: str) -> str:
    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        return "(unknown version)"
