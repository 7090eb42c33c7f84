"""A clock that a test moves."""


class Clock:
    """Epoch seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now
