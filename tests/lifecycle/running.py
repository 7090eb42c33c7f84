"""Runs many cells, two at once, with one Grid for all that need one."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Final

from tests.lifecycle.grid import held_grid
from tests.lifecycle.matrix import Cell, senseless
from tests.lifecycle.needs import missing
from tests.lifecycle.run import Result, run_cell

_AT_ONCE: Final = 2


@contextmanager
def running(wanted: Iterable[Cell]) -> Iterator[dict[Cell, "Future[Result]"]]:
    """Run the cells *wanted*, and yield what becomes of each. Those that have not begun when the context ends don't."""
    reasons = {cell: senseless(cell) or missing(cell.engine) for cell in wanted}
    with ExitStack() as exits:
        needs_grid = any(cell.engine == "grid" and reason is None for cell, reason in reasons.items())
        grid = exits.enter_context(held_grid()) if needs_grid else None
        pool = exits.enter_context(ThreadPoolExecutor(_AT_ONCE))
        exits.callback(pool.shutdown, cancel_futures=True)

        def result(cell: Cell) -> Result:
            reason = reasons[cell]
            return run_cell(cell, grid) if reason is None else Result(cell=cell, undone=reason)

        yield {cell: pool.submit(result, cell) for cell in reasons}
