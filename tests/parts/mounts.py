"""Empty file systems in memory, for what only a file system of its own shows: full, read-only, not to be removed."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.parts.missing import missing


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """Mount an empty file system in memory on *folder*."""
    folder.mkdir(parents=True)
    mount, umount = shutil.which("mount", path="/usr/bin:/bin"), shutil.which("umount", path="/usr/bin:/bin")
    done = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False, stderr=subprocess.PIPE, timeout=20
    )
    if not (umount and done) or done.returncode:
        missing("nothing may be mounted here; run the tests as root, in a container with: --cap-add SYS_ADMIN")
    try:
        yield
    finally:
        subprocess.run([umount, folder], check=True, timeout=20)
