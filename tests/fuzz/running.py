"""Lets many made-up inputs in, and measures the time and memory that they take."""

import asyncio
import logging
import resource
import time
from dataclasses import dataclass

from tests.fuzz.entrances import ENTRANCES, let_in

MAX_S = 2.0
MAX_MIB = 64.0


@dataclass(frozen=True)
class Outcome:
    """What came out.

    Attributes:
        seconds: the time for all inputs.
        slowest_s: the time for the slowest one.
        slowest: its seed.
        grown_mib: how much more memory the process took at its peak.
    """

    seconds: float
    slowest_s: float
    slowest: str
    grown_mib: float


def fuzz(name: str, count: int, seed: str) -> Outcome:
    """Let *count* inputs into the entrance *name*.

    Raises:
        AssertionError: naming the seed of an input that something other than an AuraError came of.
    """
    return asyncio.run(_fuzz(name, count, seed))


async def _fuzz(name: str, count: int, seed: str) -> Outcome:
    logging.disable(logging.CRITICAL)
    before, began = _peak_mib(), time.perf_counter()
    slowest_s, slowest = 0.0, ""
    try:
        for number in range(count):
            each = f"{seed}:{name}:{number}"
            started = time.perf_counter()
            try:
                await let_in(ENTRANCES[name], each)
            except Exception as error:
                raise AssertionError(f"{each}: {type(error).__name__}: {ascii(error)[:500]}") from error
            if (took := time.perf_counter() - started) > slowest_s:
                slowest_s, slowest = took, each
    finally:
        logging.disable(logging.NOTSET)
    return Outcome(time.perf_counter() - began, slowest_s, slowest, _peak_mib() - before)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
