"""A process that outlives ours for a moment, to end the browser if we can't: we may be killed without a word."""

import os
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from aura_browser.webdriver.process.environment import without_secrets

# It waits for the end of its standard input: the other end of that pipe is ours alone, and closes however we end.
# What it is told may hold a password, so Python gets it on its standard input too. A process that is ended has a second
# to put its files away. Chrome's last processes may still be writing to the folder while it is removed.
_SCRIPT: Final = """
python=$1 folder= kill= end= code=
while IFS= read -r line; do
    case $line in
        folder*) folder=${line#* } ;;
        kill*) kill="$kill ${line#* }" ;;
        end*) end="$end ${line#* }" ;;
        python*) code="$code${line#* }
" ;;
    esac
done
for process in $kill; do kill -9 "$process" 2>/dev/null; done
for process in $end; do
    kill "$process" 2>/dev/null
    for again in 1 2 3 4 5; do
        kill -0 "$process" 2>/dev/null || continue 2
        sleep 0.2
    done
    kill -9 "$process" 2>/dev/null
done
[ -z "$code" ] || printf %s "$code" | "$python" -IS - 2>/dev/null
[ -n "$folder" ] || exit 0
for again in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf -- "$folder" 2>/dev/null && break
    sleep 0.2
done
"""
_LAST_WORK_S: Final = 5.0

Process = subprocess.Popen[bytes]


class Lifeline:
    """Ends what it was told of when this process ends without leaving the context, or lets go of it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            ["/bin/sh", "-c", _SCRIPT, "aura-browser-lifeline", sys.executable],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=without_secrets(),
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.stdin is not None and self._process.stdin.closed:
            return
        # All is cleaned up by now. Killed, not told: a process's number may be another's already.
        self._process.kill()
        with self._process:
            pass

    def hold_folder(self, folder: Path) -> None:
        """Have *folder* removed."""
        self._tell(f"folder {folder}")

    def start(
        self,
        command: Sequence[str],
        output: Path,
        how: Literal["kill", "end"],
        *,
        env: Mapping[str, str],
        pass_fds: Collection[int] = (),
    ) -> Process:
        """Start *command* in a process group of its own, held from its first moment on.

        It tells its number itself before it becomes *command*: between our starting it and our telling, we might be
        killed.

        Args:
            command: a program's path and its arguments.
            output: the file that takes what it writes.
            how: ``kill`` has its group killed, ``end`` has it ended, by SIGKILL if it does not heed SIGTERM.
            env: its environment.
            pass_fds: of our open files, those that it gets.

        Raises:
            OSError: if no process can be started. That *command* can't be run is said in *output*, and exit code 126.
        """
        told = "kill -$$" if how == "kill" else "end $$"
        script = f'echo "{told}"; exec "$@" >>"$0" 2>&1'
        return Process(
            ["/bin/sh", "-c", script, str(output), *command],
            stdin=subprocess.DEVNULL,
            stdout=self._process.stdin,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=env,
            pass_fds=pass_fds,
        )

    def hold(self, code: str) -> None:
        """Have *code* run by Python, with the standard library alone.

        Args:
            code: a single line.
        """
        self._tell(f"python {code}")

    def let_go(self) -> None:
        """Have it done now, and wait for that; what takes longer than 5 s goes on without us."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_LAST_WORK_S)
        except subprocess.TimeoutExpired:
            threading.Thread(target=self._process.wait, daemon=True).start()  # reaps it

    def _tell(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(os.fsencode(f"{line}\n"))
            self._process.stdin.flush()
