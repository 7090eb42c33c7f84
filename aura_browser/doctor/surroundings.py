"""What surrounds a harvest: other users of the machine, the first process, limits, certificates, locks."""

import os
import ssl
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from aura_browser.doctor.finding import Finding
from aura_browser.engine import Attach, AttachChrome, Chrome, Engine, Grid, LocalEngine, Selenium
from aura_browser.webdriver.process.control import explain_refusal
from aura_browser.webdriver.process.limits import find_low_limit

_PROCESSES: Final = Path("/proc")


def inspect_surroundings(engine: Engine) -> list[Finding]:
    """Check what surrounds a harvest with *engine* here."""
    findings = [check_control(engine), check_certificates()]
    if isinstance(engine, LocalEngine) and os.name == "posix":
        findings += [check_first_process(), check_limits(), check_locks(Path(tempfile.gettempdir()))]
    return findings


def check_control(engine: Engine) -> Finding:
    """Check who else can control the browser while a harvest runs."""
    match engine:
        case Attach():
            found = f"every user of that machine can control the Chrome at {engine.address}, as long as it runs"
        case AttachChrome():
            found = "your Chrome asks you about each program that connects; whom you allow controls all of it"
        case Grid():
            found = "whoever reaches the Grid can control its browsers; let it listen where only you are"
        case Selenium() if (refusal := explain_refusal()) is not None:
            found = f"ChromeDriver's port stays open for other users of this machine while a harvest runs ({refusal})"
            return Finding("control", "note", found, "docker run --cap-add SYS_PTRACE" if _is_container() else None)
        case Selenium() | Chrome():
            return Finding("control", "ok", "no other user of this machine can control a harvest's browser")
        case _:
            found = "that driver's port is open for every user of its machine"
    return Finding("control", "note", found)


def check_first_process(processes: Path = _PROCESSES) -> Finding:
    """Check that the first process reaps what others leave: in a container it is often a program that does not.

    Args:
        processes: where the system shows its processes.
    """
    name = "first process"
    try:
        command = (processes / "1" / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        return Finding(name, "ok", "not shown here")
    zombies = list(_find_zombies(processes))
    if zombies:
        counted = "1 zombie" if len(zombies) == 1 else f"{len(zombies)} zombies"
        found = f"{command} leaves {counted}, such as {zombies[0]}; harvests reap their own"
        return Finding(name, "note", found, "docker run --init" if _is_container() else None)
    return Finding(name, "ok", f"{command}, with no zombies")


def _find_zombies(processes: Path) -> Iterator[str]:
    """Yield the names of the zombies whose parent is the first process."""
    for path in processes.glob("[0-9]*/stat"):
        try:
            text = path.read_text("utf-8", "replace")
        except OSError:
            continue  # it has ended
        name, _, rest = text.partition("(")[2].rpartition(") ")
        if rest.split()[:2] == ["Z", "1"]:
            yield name


def check_limits() -> Finding:
    """Check that enough files may be open at once, and enough memory be addressed."""
    import resource

    if (limit := find_low_limit()) is not None:
        return Finding("limits", "problem", limit.text, limit.command)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    shown = "no limit" if soft == resource.RLIM_INFINITY else f"{soft} open files"
    return Finding("limits", "ok", f"{shown}, raised for Chrome if it is low")


def check_certificates() -> Finding:
    """Check that Python has certificates; Chrome has its own, and those in ``~/.pki/nssdb``."""
    paths = ssl.get_default_verify_paths()
    count = len(ssl.create_default_context().get_ca_certs())
    place = paths.cafile or paths.capath
    if count or (paths.capath and any(Path(paths.capath).glob("*.0"))):
        return Finding("certificates", "ok", f"{count} for Python in {place}; Chrome has its own, and ~/.pki/nssdb")
    found = f"none for Python (searched: {paths.openssl_cafile}, {paths.openssl_capath}, {paths.openssl_cafile_env})"
    command = (
        "apt-get install ca-certificates" if sys.platform == "linux" else "python -m pip install --upgrade certifi"
    )
    return Finding("certificates", "problem", found, command)


def check_locks(folder: Path) -> Finding:
    """Check that files can be locked, which some network file systems refuse.

    Args:
        folder: where to try.
    """
    import fcntl

    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        found = f"files in {folder} can't be locked ({error.strerror}): harvests would not wait for each other"
        return Finding("locks", "problem", found, 'mkdir -p "$HOME/tmp" && export TMPDIR="$HOME/tmp"')
    return Finding("locks", "ok", f"files in {folder} can be locked")


def _is_container() -> bool:
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
