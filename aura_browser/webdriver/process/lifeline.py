"""A process that cleans up after this one, even if this one is killed by SIGKILL."""

import os
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self
from weakref import WeakSet

from aura_browser.webdriver.process.environment import copy_environment

# The script waits for the end of its standard input: only this process holds the other end of that pipe, so it closes
# however this process ends; a forked child gives its copy up at once. The code may hold a password, so Python gets it
# on standard input and not as an argument. A process in `end` has a second to remove its files. Chrome's last
# processes may still write to the folder while it is removed, so that is retried.
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
_CLEANUP_TIMEOUT_S: Final = 5.0
# The person's own PATH may hold "." or a folder of programs with other meanings.
_SYSTEM_PATH: Final = (os.confstr("CS_PATH") if hasattr(os, "confstr") else None) or os.defpath

Process = subprocess.Popen[bytes]

_open_lifelines: "WeakSet[Lifeline]" = WeakSet()


class Lifeline:
    """Cleans up what was added to it, if this process dies inside the context or calls :meth:`run_cleanup`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            ["/bin/sh", "-c", _SCRIPT, "aura-browser-lifeline", sys.executable],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=copy_environment() | {"PATH": _SYSTEM_PATH},
            start_new_session=True,
        )
        _open_lifelines.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.stdin is not None and self._process.stdin.closed:
            return
        # Everything is cleaned up by now. The script must not run: a process id may belong to another process already.
        self._process.kill()
        with self._process:
            pass

    def add_folder(self, folder: Path) -> None:
        """Remove *folder* in the cleanup."""
        self._send(f"folder {folder}")

    def start(
        self,
        command: Sequence[str],
        output: Path,
        how: Literal["kill", "end"],
        *,
        env: Mapping[str, str],
        pass_fds: Collection[int] = (),
        stdout: int | None = None,
        pipe: tuple[int, int] | None = None,
        ignores_sigpipe: bool = False,
    ) -> Process:
        """Start *command* in a process group of its own, and end it in the cleanup.

        The new process registers its id itself before it becomes *command*: this process might be killed between
        starting and registering it.

        Args:
            command: a program's path and its arguments.
            output: the file to append its output to.
            how: ``kill`` to kill its group; ``end`` to send it SIGTERM, and SIGKILL after a second.
            env: its environment.
            pass_fds: the file descriptors that it inherits.
            stdout: a file descriptor for its standard output alone; None for *output*.
            pipe: what becomes its file descriptors 3, to read from, and 4, to write to; None for none.
            ignores_sigpipe: let it go on, with an error, when it writes to what nobody reads any more.

        Raises:
            OSError: if no process can be started. If *command* can't be run, the shell writes that to *output* and
                exits with code 126 or 127.
        """
        entry = "kill -$$" if how == "kill" else "end $$"
        # Standard streams hand the descriptors over: /bin/sh can name single-digit ones only.
        streams = '>>"$0" 2>&1' if stdout is None else '2>>"$0" >&0 </dev/null'
        stdin, stderr = pipe or (subprocess.DEVNULL if stdout is None else stdout, subprocess.DEVNULL)
        if pipe is not None:
            streams = f"3<&0 4>&2 </dev/null {streams}"
        signals = "trap '' PIPE; " if ignores_sigpipe else ""
        script = f'{signals}echo "{entry}"; exec "$@" {streams}'
        return Process(
            ["/bin/sh", "-c", script, str(output), *command],
            stdin=stdin,
            stdout=self._process.stdin,
            stderr=stderr,
            start_new_session=True,
            env=env,
            pass_fds=pass_fds,
        )

    def add_code(self, code: str) -> None:
        """Run *code* in the cleanup.

        Args:
            code: one line of Python that imports the standard library only.
        """
        self._send(f"python {code}")

    def run_cleanup(self) -> None:
        """Run the cleanup now and wait for at most 5 s; then it goes on in the background."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_CLEANUP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            threading.Thread(target=self._process.wait, daemon=True).start()  # reaps it

    def abandon(self) -> None:
        """Give up this process's copy of the pipe, in a forked child: the parent's death must be noticed without it."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            # Replaced, not closed: the file object closes its descriptor later, which must not be another file's then.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._process.stdin.fileno(), inheritable=False)
            os.close(null)

    def _send(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(os.fsencode(f"{line}\n"))
            self._process.stdin.flush()


def _abandon_all() -> None:
    for lifeline in list(_open_lifelines):
        lifeline.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
