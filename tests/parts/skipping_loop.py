"""An event loop in which no real time passes: it moves its clock on to the next timer instead of waiting."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class SkippingSelector(selectors.SelectSelector):
    """Moves time on to the next timer instead of waiting for it. Nothing real is connected to the loop."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("the loop has nothing left to wait for")
        if timeout > 0:
            self.now += timeout
        return []


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when it has nothing else to do. What is meant for threads runs at once."""

    def __init__(self) -> None:
        self._skipping = SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now

    def run_in_executor(self, _executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]  # noqa: ANN401 - the signature is asyncio's
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whatever it is goes to who awaits it
            future.set_exception(error)
        return future
