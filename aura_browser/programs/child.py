"""Runs a program in this one's place: the same terminal and process group, its signals, its exit code."""

import errno
import os
import shutil
import signal
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from aura_browser.errors import InvalidInput

_NAMES: Final = ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGTSTP", "SIGCONT", "SIGWINCH", "SIGUSR1", "SIGUSR2")
_LOOK_EVERY_S: Final = 0.1
# What a terminal sends to all of its foreground group, so to the program too.
_OF_TERMINALS: Final = frozenset({"SIGINT", "SIGQUIT", "SIGTSTP", "SIGWINCH"})
# What Python ignores, and programs expect to end them.
_IGNORED_BY_PYTHON: Final = ("SIGPIPE", "SIGXFSZ")


def find_program(name: str) -> str:
    """Return the path of the program *name*, as a shell finds it.

    Raises:
        OSError: if there is no such program, or it can't be run.
    """
    found = shutil.which(name)
    if found is not None:
        return found
    if os.sep in name and Path(name).exists():
        raise PermissionError(errno.EACCES, "it is not a program that can be run", name)
    raise FileNotFoundError(errno.ENOENT, "there is no such program; check its name, or give its path", name)


def run_child(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run *command* in the foreground until it ends, and return its exit code, or 128 + n if signal n ended it.

    It is in this process's group, so a terminal's signals reach it without help. Signals that are sent to this process
    alone are passed on to it. When it stops, as for Ctrl-Z, this process stops too, so that a shell takes over.

    Args:
        command: the program's path and its arguments.
        environment: all of its environment.

    Raises:
        InvalidInput: where programs can't be started so, as on Windows.
        OSError: if it can't be started.
    """
    if not hasattr(os, "posix_spawn"):
        raise InvalidInput("exec", "does not work on this system, which has no POSIX processes")
    watched = {signal.SIGCHLD, *_find_signals(_NAMES)}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    try:
        reset = _find_signals(_IGNORED_BY_PYTHON)
        child = os.posix_spawn(command[0], [*command], environment, setsigmask=before, setsigdef=reset)
        return _wait(child, watched)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _find_signals(names: Sequence[str]) -> list[signal.Signals]:
    return [signal.Signals[name] for name in names if name in signal.Signals.__members__]


def _wait(child: int, watched: set[signal.Signals]) -> int:
    """Wait until *child* ends, and do with signals what has to be done. *watched* are blocked, so none is lost."""
    while True:
        number, is_for_us = _receive(watched, child)
        if number == signal.SIGCHLD:
            code = _look_at(child)
            if code is not None:
                return code
        elif is_for_us:
            os.kill(child, number)


def _receive(watched: set[signal.Signals], child: int) -> tuple[int, bool]:
    """Return the next signal, and whether it was sent to this process and not to the program as well."""
    # Another thread, which does not block it, may have been given a signal: no wait is without end.
    if hasattr(signal, "sigtimedwait"):
        info = signal.sigtimedwait(watched, _LOOK_EVERY_S)
        if info is None:
            return signal.SIGCHLD, False
        # Not above 0 if another process sent it: kill(2). What the program sends is meant for others.
        return info.si_signo, info.si_code <= 0 and info.si_pid != child
    timer = threading.Timer(_LOOK_EVERY_S, signal.pthread_kill, (threading.get_ident(), signal.SIGCHLD))
    timer.start()
    number = signal.sigwait(watched)
    timer.cancel()
    return number, signal.Signals(number).name not in _OF_TERMINALS


def _look_at(child: int) -> int | None:
    """Return the exit code of *child* if it has ended; if it has stopped, stop this process too."""
    while True:
        ended, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if not ended:
            return None
        if not os.WIFSTOPPED(status):
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        _stop_as_well()


def _stop_as_well() -> None:
    """Stop this process, so that the shell that started it takes over, until that shell continues it.

    Without a terminal nobody would. A program that had a process group of its own, as a shell has, gets the terminal
    back.
    """
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return
    try:
        foreground = os.tcgetpgrp(terminal)
        os.kill(os.getpid(), signal.SIGSTOP)
        if foreground != os.getpgrp() == os.tcgetpgrp(terminal):
            os.tcsetpgrp(terminal, foreground)
    except OSError:  # the terminal is gone, or that group is
        return
    finally:
        os.close(terminal)
