"""How a harvest wants its browser."""

from dataclasses import dataclass, field

from aura_browser.engine import OnWait
from aura_browser.webdriver.deadline import Deadline


@dataclass(frozen=True, slots=True)
class BrowserOptions:
    """How a harvest wants its browser, whichever engine opens it.

    Attributes:
        deadline: the time limit of the whole harvest.
        proxy: the proxy's URL as Chrome takes it, for a browser started here. None for no proxy: the system's proxy
            isn't used either, as the client doesn't use it.
        interactive: whether a person uses the window.
        basic: user and password for HTTP basic authentication, ``user:password``; None for none.
        command_options: the options of a command that does the same harvest, for errors that name one.
        url: the address that will be opened.
        on_wait: called with the seconds left and what is waited for, while a person has to allow the connection.
    """

    deadline: Deadline
    proxy: str | None = None
    interactive: bool = False
    basic: str | None = field(default=None, repr=False)
    command_options: tuple[str, ...] = ()
    url: str = ""
    on_wait: OnWait | None = None
