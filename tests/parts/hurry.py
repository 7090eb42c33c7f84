"""The end of a harvest's time, brought forward: nobody waits for the rest of it once the harvest waits for its last."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from aura_browser.engine import OnWait
from aura_browser.webdriver import collect
from aura_browser.webdriver import harvest as harvests
from aura_browser.webdriver.deadline import Deadline


class Hurry:
    """Ends the time of the test's harvests. Called with names, it returns an ``on_wait`` that does so.

    Args:
        monkeypatch: of the test.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._deadlines: list[Deadline] = []

    def __call__(self, *names: str) -> Callable[[float, tuple[str, ...]], None]:
        """Return an ``on_wait`` that ends the time once a harvest waits for what these *names* are in, and no more."""

        def see(_left_s: float, missing: tuple[str, ...]) -> None:
            if len(missing) == len(names) and all(name in each for name, each in zip(names, missing, strict=True)):
                self.end()

        return see

    def expect(self, *names: str) -> None:
        """End the time of the harvests of commands, too, which have an ``on_wait`` of their own."""
        see, collect_session = self(*names), collect.collect_session

        def collect_and_see(
            *args: Any,  # noqa: ANN401 - passed on
            on_wait: OnWait | None,
            **rest: Any,  # noqa: ANN401 - passed on
        ) -> collect.Reading:
            def wait(left_s: float, missing: tuple[str, ...]) -> None:
                see(left_s, missing)
                if on_wait is not None:
                    on_wait(left_s, missing)

            return collect_session(*args, on_wait=wait, **rest)

        self._monkeypatch.setattr(collect, "collect_session", collect_and_see)

    def end(self, left_s: float = 0.0) -> None:
        """End the time of each harvest that runs in so many seconds, as if it were over."""
        for deadline in self._deadlines:
            deadline._end = time.monotonic() + left_s

    def make_deadline(self, seconds: float) -> Deadline:
        """Return a new deadline whose end can be brought forward."""
        self._deadlines.append(Deadline(seconds))
        return self._deadlines[-1]


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> Hurry:
    """Return what ends the time of this test's harvests."""
    made = Hurry(monkeypatch)
    monkeypatch.setattr(harvests, "Deadline", made.make_deadline)
    return made
