"""How a harvest wants its browser."""

from dataclasses import dataclass

from aura_browser.webdriver.deadline import Deadline


@dataclass(frozen=True, slots=True)
class BrowserOptions:
    """How a harvest wants its browser, whichever engine opens it.

    Attributes:
        deadline: the time limit of the whole harvest.
        proxy: the proxy's URL as Chrome takes it, for a browser started here. None for no proxy: the system's proxy
            isn't used either, as the client doesn't use it.
        interactive: whether a person uses the window.
    """

    deadline: Deadline
    proxy: str | None = None
    interactive: bool = False
