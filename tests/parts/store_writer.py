"""Kills writers of a file store at random moments, and reads what they leave: ``store_writer FOLDER ROUNDS SEED``.

An interpreter takes too long to start a thousand times, so this one starts once, forks a writer per round, and ends it
with SIGKILL in the middle of its work. What came out is printed as JSON.
"""

import asyncio
import os
import signal
import sys
import time
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Final, NoReturn

import msgspec

from aura_browser.session import Session
from aura_browser.store import FileStore, SessionKey
from tests.parts.sessions import content, make_session

KEY: Final = SessionKey("http://127.0.0.1:8080")
_LONGEST_S: Final = 0.012
_SESSIONS: Final = tuple(make_session(local_storage={"page": letter * 400_000}) for letter in "ab")


class Result(msgspec.Struct):
    """What came out.

    Attributes:
        complete: reads that gave one of the two sessions, whole.
        missing: reads that gave nothing.
        broken: reads that gave anything else.
        kept_whole: rounds after which the session before the last was whole too.
        hits: kills that left a file half written.
        most_leftovers: temporary files that lay there at once.
        names: all files in the end, after three more writes that nobody disturbed.
    """

    complete: int = 0
    missing: int = 0
    broken: int = 0
    kept_whole: int = 0
    hits: int = 0
    most_leftovers: int = 0
    names: tuple[str, ...] = ()


def torture(folder: Path, rounds: int, seed: int) -> Result:
    """Kill *rounds* writers, and read after each."""
    store, chance, result = FileStore(folder), Random(seed), Result()  # noqa: S311 - no secret
    for session in _SESSIONS:
        asyncio.run(store.save(KEY, session))
    for _ in range(rounds):
        before = _temporary(folder)
        _kill_a_writer(store, chance.uniform(0, _LONGEST_S))
        after = _temporary(folder)
        result.hits += bool(after - before)
        result.most_leftovers = max(result.most_leftovers, len(after))
        asyncio.run(_read(store, result))
    for session in (*_SESSIONS, _SESSIONS[0]):  # as many as are kept: a slow machine may have killed each before that
        asyncio.run(store.save(KEY, session))
    result.names = tuple(sorted(path.name for path in folder.iterdir()))
    return result


def _kill_a_writer(store: FileStore, after_s: float) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _write_until_killed(store, writer)
    try:
        os.read(reader, 1)
        time.sleep(after_s)  # the moment of the kill is random on purpose
    finally:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(reader)
        os.close(writer)
    if not os.WIFSIGNALED(status):
        raise ChildProcessError(f"the writer ended by itself: {status}")


def _write_until_killed(store: FileStore, writer: int) -> NoReturn:
    async def write() -> None:
        os.write(writer, b".")
        for session in cycle(_SESSIONS):
            await store.save(KEY, session)

    try:
        asyncio.run(write())
    finally:
        os._exit(1)


async def _read(store: FileStore, result: Result) -> None:
    session = await store.load(KEY)
    result.missing += session is None
    result.complete += content(session) in _SESSIONS
    result.broken += session is not None and content(session) not in _SESSIONS
    previous = await store.read(f"{KEY.slug}.previous")
    result.kept_whole += previous is not None and content(Session.from_json(previous)) in _SESSIONS


def _temporary(folder: Path) -> set[tuple[str, int, int]]:
    """Return the files that are neither a session nor a lock, so that one written anew is told from the old one."""
    facts = set()
    for path in folder.iterdir():
        if path.suffix not in {".json", ".lock", ".corrupt"} and path.name != ".swap":
            state = path.stat()
            facts.add((path.name, state.st_mtime_ns, state.st_size))
    return facts


if __name__ == "__main__":
    _result = torture(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(msgspec.json.encode(_result).decode())  # noqa: T201 - the parent process reads it
