"""The libraries that only some settings need, and the command that installs them."""

import os
import sys
from collections.abc import Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from shlex import join, quote
from typing import Final

EXTRAS: Final[Mapping[str, Mapping[str, str]]] = {
    "carry": {"pyrage": "pyrage>=1.4"},
    "keyring": {"cryptography": "cryptography>=45", "keyring": "keyring>=25"},
    "mcp": {"mcp": "mcp>=2.0"},
    "redis": {"redis": "redis>=8.0"},
    "socks": {"aiohttp_socks": "aiohttp-socks>=0.11"},
    "undetected": {
        "undetected_chromedriver": "undetected-chromedriver>=3.5.5",
        "setuptools": "setuptools<81",
    },
    "virtual-display": {"pyvirtualdisplay": "PyVirtualDisplay>=3.0"},
}
"""Each extra with its modules and what pip calls the libraries that bring them."""


def install_command(name: str) -> str:
    """Return the command that installs the libraries of the extra *name* where this program runs.

    It names the libraries, never this project: on PyPI the name ``aura-browser`` is somebody else's.
    """
    requirements = EXTRAS[name].values()
    return f"{_find_installer()} {' '.join(quote(each) for each in requirements)}"


def _find_installer() -> str:
    # A virtual environment that is activated; asked without the file system, as this may run in an event loop.
    if sys.prefix != sys.base_prefix and str(Path(sys.executable).parent) == _first_on_path():
        return "pip install"
    if _has_pip():
        return join([sys.executable, "-m", "pip", "install"])
    return join(["uv", "pip", "install", "--python", sys.executable])


def _first_on_path() -> str:
    return os.environ.get("PATH", "").partition(os.pathsep)[0]


def _has_pip() -> bool:
    # Not importlib.util.find_spec: setuptools' own finder answers for pip, and warns.
    return PathFinder.find_spec("pip") is not None
