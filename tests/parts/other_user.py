"""Another user of this machine, who runs programs beside a test's own."""

import os
import shutil
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.parts.missing import missing
from tests.parts.pages import ROOT

UID: Final = 65534
"""The other user's id: nobody's, which every system has."""


def need_other_user() -> None:
    """Skip the test where no program can be run as somebody else; under CI that is a failure."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        missing("a second user is needed: run the tests as root, with setpriv (apt-get install util-linux)")


def as_other_user(*command: str, uid: int = UID) -> list[str]:
    """Return *command* as the other user runs it."""
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs", *command]


def start_script(script: Path, *args: str) -> "subprocess.Popen[bytes]":
    """Run a script of the standard library only as the other user, who need not be able to read it here."""
    python = str(Path(sys.base_prefix) / "bin" / "python3")
    with script.open("rb") as text:
        return subprocess.Popen(
            as_other_user(python, "-IS", "-", *args),
            stdin=text,
            stdout=subprocess.PIPE,
            cwd="/",
            env={"PATH": os.defpath},
        )


def find_python() -> str:  # noqa: RET503 - missing() does not return
    """Return a Python with which the other user can run the package; skip the test where there is no such one."""
    need_other_user()
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        with suppress(OSError):
            command = as_other_user(
                "env", "-i", f"PYTHONPATH={package_path()}", candidate, "-c", "import aura_browser.cli"
            )
            if not subprocess.run(command, check=False, capture_output=True, cwd="/", timeout=60).returncode:
                return candidate
    missing(f"the other user can run no Python with this package; install {version} for all users")


def package_path() -> str:
    """Return the folders in which this package and what it needs are."""
    return os.pathsep.join((str(ROOT), sysconfig.get_path("purelib")))
