"""Facts of the machine that figures hang on."""

import os
import platform
import subprocess

from aura_browser.errors import BrowserError
from tests.bench.results import Machine


def this_machine() -> Machine:
    """Return them as they are now."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        chrome=_chrome(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        load=os.getloadavg()[0],
    )


def _chrome() -> str:
    from aura_browser.webdriver.locate import locate

    try:
        command = [str(locate().chrome), "--version"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (BrowserError, OSError, subprocess.SubprocessError):
        return ""
