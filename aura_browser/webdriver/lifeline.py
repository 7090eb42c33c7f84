"""A process that outlives ours for a moment, to end the browser if we can't: we may be killed without a word."""

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final, Self

# It waits for the end of its standard input: the other end of that pipe is ours alone, and closes however we end.
# Chrome's last processes may still be writing to the folder while it is removed.
_SCRIPT: Final = """
IFS= read -r folder || exit
read -r group
read -r never
[ -z "$group" ] || kill -9 "-$group" 2>/dev/null
for again in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf -- "$folder" 2>/dev/null && break
    sleep 0.2
done
"""


class Lifeline:
    """Removes a folder and ends a process group when this process ends without leaving the context."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            ["/bin/sh", "-c", _SCRIPT, "aura-browser-lifeline"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # All is cleaned up by now. Killed, not told: the number of the group may be another's already.
        self._process.kill()
        with self._process:
            pass

    def hold_folder(self, folder: Path) -> None:
        """Have *folder* removed. To be told once, before the group."""
        self._tell(str(folder))

    def hold_group(self, group: int) -> None:
        """Have the process group *group* ended."""
        self._tell(str(group))

    def _tell(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()
