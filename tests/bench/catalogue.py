"""All benchmarks by name, in the order that they run in."""

from collections.abc import Callable
from typing import Final

from tests.bench import (
    cached,
    everyday,
    expiry,
    fuzz,
    gateway,
    growth,
    harvest,
    memory,
    paging,
    programs,
    relaying,
    renewal,
    requests,
    sending,
    startup,
    streaming,
)
from tests.bench.measure import Effort
from tests.bench.results import Result

BENCHMARKS: Final[dict[str, Callable[[Effort], list[Result]]]] = {
    module.NAME: module.run
    for module in (
        startup,
        cached,
        programs,
        sending,
        relaying,
        requests,
        streaming,
        gateway,
        expiry,
        memory,
        growth,
        fuzz,
        harvest,
        renewal,
        paging,
        everyday,
    )
}

NEED_CHROME: Final = frozenset({harvest.NAME, renewal.NAME, paging.NAME, everyday.NAME})
