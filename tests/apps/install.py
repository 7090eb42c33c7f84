"""Installs the applications once, into folders below ``.venv``, and says what is missing."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.parts.missing import missing

_CACHE: Final = Path(__file__).parents[2] / ".venv" / "apps"
_TIMEOUT_S: Final = 1500.0
_ARCHIVE_NAME: Final = "*.deb"

took_s: dict[str, float] = {}
"""The seconds that each installation of this run took."""


def need_program(program: str, packages: str) -> None:
    """Skip the test where *program* is missing; under CI that is a failure."""
    if shutil.which(program) is None:
        missing(f"{program} is missing; bring it with: apt-get install {packages}")


def install_from_pypi(*requirements: str) -> Path:
    """Return a folder for ``PYTHONPATH`` in which *requirements* are installed."""

    def fill(folder: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--target", str(folder), *requirements], f"pip install {' '.join(requirements)}")

    return _install(f"pypi-{'-'.join(requirements)}", fill)


def install_environment(name: str, *requirements: str) -> Path:
    """Return the folder of a virtual environment of its own in which *requirements* are installed."""

    def fill(folder: Path) -> None:
        command = f"pip install {' '.join(requirements)}"
        _run([sys.executable, "-m", "venv", str(folder)], "python -m venv")
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, *requirements], command)

    return _install(f"environment-{name}", fill)


def install_from_npm(*requirements: str) -> Path:
    """Return a folder whose ``node_modules`` holds *requirements*."""
    need_program("node", "nodejs npm")
    need_program("npm", "nodejs npm")

    def fill(folder: Path) -> None:
        npm = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder)]
        _run([*npm, *requirements], f"npm install {' '.join(requirements)}")

    return _install(f"npm-{'-'.join(requirements).replace('/', '-')}", fill)


def install_from_debian(name: str, *packages: str) -> Path:
    """Return a folder with the files of Debian *packages*, whose absolute paths lead into that folder."""
    for program in ("apt-get", "dpkg"):
        need_program(program, "apt dpkg")

    def fill(folder: Path) -> None:
        _run(
            ["env", "-C", str(folder), "apt-get", "download", "-qq", *packages],
            f"apt-get download {' '.join(packages)}",
        )
        for archive in sorted(folder.glob(_ARCHIVE_NAME)):
            _run(["dpkg", "-x", str(archive), str(folder)], f"dpkg -x {archive.name}")
            archive.unlink()
        _lead_into(_CACHE / name, folder)

    return _install(name, fill)


def _lead_into(place: Path, folder: Path) -> None:
    """Make absolute links and the paths in PHP files below *folder* lead to *place*, where it will lie."""
    for path in [path for path in folder.rglob("*") if path.is_symlink()]:
        target = path.readlink()
        if target.is_absolute():
            path.unlink()
            path.symlink_to(f"{place}{target}")
    for path in folder.rglob("*.php"):
        if path.is_file() and not path.is_symlink() and b"/usr/share/" in (text := path.read_bytes()):
            path.write_bytes(text.replace(b"'/usr/share/", f"'{place}/usr/share/".encode()))


def _install(name: str, fill: Callable[[Path], None]) -> Path:
    """Return the folder *name* of the cache; fill it first if it is not there, all at once or not at all."""
    place = _CACHE / name
    if place.exists():
        return place
    _CACHE.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=_CACHE, prefix=".part-") as part:
        folder = Path(part) / name
        folder.mkdir()
        fill(folder)
        try:
            folder.rename(place)
        except OSError:
            if not place.exists():  # unless another run was faster
                raise
    took_s[name] = time.monotonic() - began
    return place


def _run(command: Sequence[str], how_to_bring_it: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        pytest.fail(f"{how_to_bring_it}: not done after {_TIMEOUT_S:.0f} s")
    if done.returncode:
        missing(f"an application can't be installed; this fails here: {how_to_bring_it}\n{done.stderr[-1000:]}")
