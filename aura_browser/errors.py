"""Every error that aura_browser raises, as one tree.

::

    AuraError
    ├── InvalidInput           an argument, option or message that can't work; nothing was started
    ├── BrowserError           the browser side
    │   ├── BrowserNotFound    no Chrome or no ChromeDriver
    │   ├── DriverMismatch     Chrome and ChromeDriver have different major versions
    │   ├── LaunchFailed       Chrome did not start; carries the end of its own stderr
    │   ├── GridFailed         no Selenium Grid there, or none of its browsers to be had
    │   ├── BrowserDied        the browser or its driver ended, or stopped answering, during a harvest
    │   ├── WindowClosed       its window was closed before the session was read
    │   ├── PageFailed         the page could not be loaded; carries Chrome's error code
    │   └── NotReady           the page loaded, but the site never became ready in time
    ├── InteractionRequired    a person has to act, and the refresh policy or the machine rules it out
    ├── HarvestCoolingDown     a harvest failed a moment ago; no other browser is started yet
    ├── SessionFormatError     text that is not a session
    ├── StoreError             a session store can't be read or written
    │   └── SessionLocked      a stored session is encrypted, and no key opens it
    ├── SessionRefused         the site refused a renewed session too
    └── ChatError              a request that reached, or tried to reach, the site
        ├── ConnectionFailed   no answer at all: refused, DNS, TLS, proxy, dropped
        ├── RateLimited        429; carries how long to wait
        ├── SiteFailed         the site answered with an error; carries its message
        ├── AnswerTimeout      the site stayed silent before the first text
        ├── EmptyAnswer        a good status and no text
        └── StreamInterrupted  the answer broke off; carries the partial text

Errors carry typed facts as attributes and make their prose in ``__str__``. No attribute that may hold a
secret is part of ``str()`` or ``repr()``, and text that comes from outside is cleaned for a terminal.
"""

from dataclasses import dataclass


class AuraError(Exception):
    """The base of every error here."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by attributes: the default replays positional arguments, and these errors take keywords."""
        return _restore, (type(self), self.__dict__.copy())


def _restore(kind: type[AuraError], facts: dict[str, object]) -> AuraError:
    error = kind.__new__(kind)
    error.__dict__.update(facts)
    return error


@dataclass(eq=False, repr=False)
class InvalidInput(AuraError):
    """An argument, option or message that can't work. Nothing was started.

    Attributes:
        name: what was wrong, as the caller wrote it (``proxy``, ``messages[2].content``).
        problem: why, and what would do.
    """

    name: str
    problem: str

    def __str__(self) -> str:
        return f"{self.name}: {self.problem}"


class BrowserError(AuraError):
    """The browser side: finding, starting, using it."""


@dataclass(eq=False, repr=False)
class BrowserNotFound(BrowserError):
    """No Chrome or no ChromeDriver.

    Attributes:
        program: ``Chrome`` or ``ChromeDriver``.
        looked: the places that were looked at, in order.
        hint: how to get it.
    """

    program: str
    looked: tuple[str, ...]
    hint: str

    def __str__(self) -> str:
        return f"{self.program} was not found (looked at: {'; '.join(self.looked)}). {self.hint}"


@dataclass(eq=False, repr=False)
class DriverMismatch(BrowserError):
    """Chrome and ChromeDriver have different major versions, which don't work together."""

    chrome_path: str
    chrome_version: str
    driver_path: str
    driver_version: str

    def __str__(self) -> str:
        return (
            f"ChromeDriver {self.driver_version} ({self.driver_path}) does not fit Chrome {self.chrome_version} "
            f"({self.chrome_path}): their major versions must be the same. Name a ChromeDriver that fits in "
            "AURA_BROWSER_DRIVER, or remove this one, and Selenium downloads one that does."
        )


@dataclass(eq=False, repr=False)
class LaunchFailed(BrowserError):
    """Chrome did not start.

    Attributes:
        chrome_path: the Chrome that was started.
        reason: what the driver said, in one line.
        stderr_tail: the last lines of Chrome's own stderr, oldest first; may be empty.
    """

    chrome_path: str
    reason: str
    stderr_tail: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = f" Chrome's last lines: {' | '.join(self.stderr_tail)}" if self.stderr_tail else ""
        return f"Chrome ({self.chrome_path}) did not start: {self.reason}.{said}"


@dataclass(eq=False, repr=False)
class GridFailed(BrowserError):
    """No Selenium Grid there, or none of its browsers to be had.

    Attributes:
        url: the Grid's address, without a password.
        reason: what the Grid said, or that nothing did.
    """

    url: str
    reason: str

    def __str__(self) -> str:
        return f"No browser from the Selenium Grid at {self.url}: {self.reason}"


@dataclass(eq=False, repr=False)
class BrowserDied(BrowserError):
    """The browser or its driver ended, or stopped answering, during a harvest."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"The browser ended while it was at {self.url}: {self.reason}. Try again."


@dataclass(eq=False, repr=False)
class WindowClosed(BrowserError):
    """The browser's window was closed, by the person or by the page, before the session was read."""

    url: str

    def __str__(self) -> str:
        return (
            f"The window at {self.url} was closed before the session could be read; nothing was kept. Run it again, "
            "and leave the window open: it closes by itself."
        )


@dataclass(eq=False, repr=False)
class PageFailed(BrowserError):
    """The page could not be loaded.

    Attributes:
        url: the page.
        code: Chrome's error code, such as ``ERR_CONNECTION_REFUSED``, or what the proxy did.
    """

    url: str
    code: str

    def __str__(self) -> str:
        return f"Chrome could not load {self.url}: {self.code}. Check the address, the network and the proxy."


@dataclass(eq=False, repr=False)
class NotReady(BrowserError):
    """The page loaded, but the site never became ready in time.

    Attributes:
        url: where the browser was at the end.
        status: the page's HTTP status, or None if Chrome did not tell.
        waited_s: how long was waited, in seconds.
        missing: the conditions that did not hold at the end.
    """

    url: str
    status: int | None
    waited_s: float
    missing: tuple[str, ...]

    def __str__(self) -> str:
        status = "" if self.status is None else f" (status {self.status})"
        return (
            f"{self.url}{status} was not ready after {self.waited_s:.0f} s; never held: {', '.join(self.missing)}. "
            "If the page asks for a login or a check, complete it yourself in a visible window "
            "(aura-browser harvest --interactive), or allow more time (--timeout)."
        )


@dataclass(eq=False, repr=False)
class InteractionRequired(AuraError):
    """A person has to act, and the refresh policy or the machine rules it out.

    Attributes:
        reason: why a browser is needed.
        command: what a person can run.
    """

    reason: str
    command: str

    def __str__(self) -> str:
        return f"{self.reason} Run: {self.command}"


@dataclass(eq=False, repr=False)
class HarvestCoolingDown(AuraError):
    """A harvest failed, or did not help, a moment ago; no other browser is started yet.

    Attributes:
        retry_after_s: seconds until the next harvest is allowed.
        reason: what the last harvest died of.
    """

    retry_after_s: float
    reason: str

    def __str__(self) -> str:
        wait = f"{self.retry_after_s:.0f} s"
        return f"No new browser for another {wait}, because the last harvest did not help: {self.reason}"


@dataclass(eq=False, repr=False)
class SessionFormatError(AuraError):
    """Text that is not a session.

    Attributes:
        field: where, such as ``cookies[0].name``; empty if the whole text is at fault.
        problem: why; never holds a value from the text.
    """

    field: str
    problem: str

    def __str__(self) -> str:
        where = f" at {self.field}" if self.field else ""
        return f"Not a session{where}: {self.problem}"


@dataclass(eq=False, repr=False)
class StoreError(AuraError):
    """A session store can't be read or written.

    Attributes:
        place: the store, such as a folder's path.
        problem: why, and what to do.
    """

    place: str
    problem: str

    def __str__(self) -> str:
        return f"The session store {self.place} can't be used: {self.problem}"


class SessionLocked(StoreError):
    """A stored session is encrypted, and no key opens it. It stays where it is, byte for byte."""


@dataclass(eq=False, repr=False)
class SessionRefused(AuraError):
    """The site refused a renewed session too.

    Attributes:
        url: what was asked for.
        status: the answer's HTTP status.
        mark: what in the answer told of the refusal.
        advice: what may differ, and what to do.
    """

    url: str
    status: int
    mark: str
    advice: str

    def __str__(self) -> str:
        return f"{self.url} refused a new session too ({self.mark}). {self.advice}"


class ChatError(AuraError):
    """A request that reached, or tried to reach, the site."""


@dataclass(eq=False, repr=False)
class ConnectionFailed(ChatError):
    """No answer at all: refused, DNS, TLS, proxy, dropped."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"No answer from {self.url}: {self.reason}"


@dataclass(eq=False, repr=False)
class RateLimited(ChatError):
    """The site asks to slow down (429).

    Attributes:
        url: what was asked for.
        retry_after_s: seconds to wait, or None if the site did not say.
    """

    url: str
    retry_after_s: float | None

    def __str__(self) -> str:
        wait = "a while" if self.retry_after_s is None else f"{self.retry_after_s:.0f} s"
        return f"{self.url} limits requests (429). Wait {wait}, then try again."


@dataclass(eq=False, repr=False)
class SiteFailed(ChatError):
    """The site answered with an error that a new session would not mend.

    Attributes:
        url: what was asked for.
        status: the answer's HTTP status; 0 if its first line could not be read.
        message: what the site said, cleaned for a terminal.
    """

    url: str
    status: int
    message: str

    def __str__(self) -> str:
        return f"{self.url} answered {self.status}: {self.message or 'no message'}"


@dataclass(eq=False, repr=False)
class AnswerTimeout(ChatError):
    """The site stayed silent before the first text.

    Attributes:
        url: what was asked for.
        read_timeout_s: how long nothing came, in seconds.
    """

    url: str
    read_timeout_s: float

    def __str__(self) -> str:
        return f"{self.url} sent nothing for {self.read_timeout_s:g} s. Try again, or allow a longer read time-out."


@dataclass(eq=False, repr=False)
class EmptyAnswer(ChatError):
    """A good status and no text: the site lost its answer."""

    url: str

    def __str__(self) -> str:
        return f"{self.url} answered with no text at all. Try again."


@dataclass(eq=False, repr=False)
class StreamInterrupted(ChatError):
    """The answer broke off after its first text. It is never asked for again on its own.

    Attributes:
        url: what was asked for.
        reason: how it broke off.
        partial: the text so far; of more than a million characters the end. Not part of ``str()`` and ``repr()``.
    """

    url: str
    reason: str
    partial: str

    def __str__(self) -> str:
        return f"The answer from {self.url} broke off after {len(self.partial)} characters: {self.reason}"
