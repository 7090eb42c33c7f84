"""The packages that only some settings need."""

import os
from importlib import metadata
from importlib.util import find_spec
from typing import Final

from yarl import URL

from aura_browser.doctor.finding import Finding, stopping
from aura_browser.engine import Engine, Selenium, Undetected
from aura_browser.store.encrypted import KEY_VARIABLE

EXTRAS: Final = {
    "keyring": ("cryptography", "keyring"),
    "redis": ("redis",),
    "socks": ("aiohttp_socks",),
    "undetected": ("undetected_chromedriver", "setuptools"),
    "virtual-display": ("pyvirtualdisplay",),
}
"""The extras, and the modules that each of them brings; the packages have the same names, but for case and dashes."""


def look_at_extras(needed: set[str]) -> list[Finding]:
    """Tell of each extra whether it is installed, and stop at those that are *needed* and are not."""
    return [_extra(name, is_needed=name in needed) for name in EXTRAS]


def needed_extras(engine: Engine, proxy: str | None, store: str | None) -> set[str]:
    """Return the extras that these settings, and the environment, need."""
    facts = {
        "keyring": KEY_VARIABLE in os.environ,
        "redis": store is not None and store.startswith(("redis://", "rediss://", "unix://")),
        "socks": proxy is not None and URL(proxy).scheme.startswith("socks"),
        "undetected": isinstance(engine, Undetected),
        "virtual-display": isinstance(engine, Selenium) and engine.virtual_display,
    }
    return {name for name, is_needed in facts.items() if is_needed}


def _extra(name: str, *, is_needed: bool) -> Finding:
    label, mend = f"extra {name}", f"pip install 'aura-browser[{name}]'"
    missing = [module for module in EXTRAS[name] if find_spec(module) is None]
    if not missing:
        return Finding(label, "ok", ", ".join(f"{module} {_version(module)}" for module in EXTRAS[name]))
    if is_needed:
        return stopping(label, f"needed for these settings, and {', '.join(missing)} is missing", mend)
    return Finding(label, "note", "not installed, and not needed for these settings", mend)


def _version(module: str) -> str:
    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        return "(version not known)"
