"""What an engine needs of the machine, and the command that brings it."""

import shutil
import sys
from importlib.util import find_spec

import pytest

from aura_browser.extras import install_command
from tests.lifecycle.matrix import Engine
from tests.parts.selenium_grid import need_grid


def missing(engine: Engine) -> str | None:
    """Return what is missing for *engine* and how to bring it, or None if all is there."""
    if not sys.platform.startswith("linux"):
        return "what is left is looked for in Linux's /proc"
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        return "Chrome or ChromeDriver is missing; bring both with: drivers/install.sh"
    match engine:
        case "display" if find_spec("pyvirtualdisplay") is None or not shutil.which("Xvfb"):
            return f"{install_command('virtual-display')}, and bring Xvfb: apt-get install xvfb"
        case "undetected" if find_spec("undetected_chromedriver") is None:
            return f"undetected-chromedriver is missing; bring it with: {install_command('undetected')}"
        case "grid":
            return _missing_for_a_grid()
    return None


def _missing_for_a_grid() -> str | None:
    try:
        need_grid()
    except (pytest.skip.Exception, pytest.fail.Exception) as missed:
        return str(missed)
    return None
