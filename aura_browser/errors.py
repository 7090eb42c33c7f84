"""Every error that aura_browser raises, as one tree.

::

    AuraError
    ├── InvalidInput           an argument, option or message that can't work; nothing was started
    ├── InvalidConfiguration   ``sites.toml`` can't work; names the line and the key
    ├── BrowserError           the browser side
    │   ├── BrowserNotFound    no Chrome or no ChromeDriver
    │   ├── DriverMismatch     Chrome and ChromeDriver have different major versions
    │   ├── LaunchFailed       Chrome did not start; carries the end of its own stderr
    │   ├── AttachRefused      the person did not let this program connect to the everyday Chrome
    │   ├── GridFailed         no Selenium Grid answers, or it gave no browser
    │   ├── BrowserDied        the browser or its driver ended or stopped responding during a harvest
    │   ├── WindowClosed       the window was closed before the session was read
    │   ├── PageFailed         the page could not be loaded; carries Chrome's error code
    │   ├── LoginNeeded        the site asks for a login, and nobody can log in where the browser is
    │   └── NotReady           the page loaded, but was not ready in time
    ├── InteractionRequired    a person has to act, but the refresh policy or the machine does not allow it
    ├── HarvestCoolingDown     a harvest failed recently; the next one is not allowed yet
    ├── SessionFormatError     text that is not a session
    ├── ImportFailed           a file of another program of which no session can be made
    ├── StoreError             a session store can't be read or written
    │   ├── SessionUnreadable  a stored session was written by a newer program; it stays
    │   │   └── SessionLocked      it is encrypted, and no key opens it
    │   └── SessionProtected   a person's login is not replaced by a session that is not proven
    ├── SessionRefused         the site refused a renewed session too
    └── ChatError              a request failed on its way to the site, or at the site
        ├── ConnectionFailed   no complete response: refused, DNS, TLS, proxy, dropped
        ├── RateLimited        status 429; carries how long to wait
        ├── SiteFailed         the site answered with an error; carries its message
        ├── AnswerTimeout      the site sent nothing within the read timeout
        ├── EmptyAnswer        a success status without text
        └── StreamInterrupted  the answer was cut short; carries the partial text

Errors carry typed facts as attributes and build their message in ``__str__``. Attributes that may hold a secret
are never part of ``str()`` or ``repr()``. Of an address only scheme, host and path are kept, and no text can steer a
terminal.
"""

from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Final, NoReturn

from aura_browser.text import copy_text, drop_unprintable, redact_url
from aura_browser.tls import TlsFault, advise, read_code

_AWAY: Final = frozenset({502, 503, 504})

_CHECK_THE_WAY = "Check the address, the network and the proxy."


class AuraError(Exception):
    """The base class of all errors of this package."""

    def __post_init__(self) -> None:
        """Clean the facts of the error, whoever made it."""
        self.args = ()  # Exception keeps what it was made of, as it was
        for name, value in self.__dict__.items():
            if name == "url":
                self.__dict__[name] = redact_url(value)
            elif name != "partial" and isinstance(value, str):
                self.__dict__[name] = drop_unprintable(copy_text(value))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by attributes: the default repeats positional arguments, and these errors take keywords."""
        return _restore, (type(self), self.__dict__.copy())


def _restore(kind: type[AuraError], facts: dict[str, object]) -> AuraError:
    error = kind.__new__(kind)
    error.__dict__.update(facts)
    return error


def raise_alone(error: AuraError) -> NoReturn:
    """Raise *error* without the error that is being handled.

    ``raise … from None`` only hides that one: it stays reachable, and an HTTP library's error shows the cookies that
    were sent and received.
    """
    try:
        raise error
    except AuraError:
        error.__context__ = None
        raise


def _describe_wait(seconds: float | None) -> str:
    """Return how long to wait, rounded up: a request that comes too early is refused again."""
    return "a while" if seconds is None else f"{ceil(seconds)} s"


def _as_sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


@dataclass(eq=False, repr=False)
class InvalidInput(AuraError):
    """An argument, option or message is invalid. Nothing was started.

    Attributes:
        name: the invalid input, as the caller wrote it (``proxy``, ``messages[2].content``).
        problem: why it is invalid, and what would be valid.
    """

    name: str
    problem: str

    def __str__(self) -> str:
        return f"{self.name}: {self.problem}"


@dataclass(eq=False, repr=False)
class InvalidConfiguration(AuraError):
    """``sites.toml`` can't be read, or something in it can't work. Nothing was started.

    Attributes:
        file: its path.
        line: the line, from 1; None if it is not known.
        key: the site's name and the key in its table, joined by dots; empty for the whole file.
        problem: why it can't work, and what would be valid.
    """

    file: str
    line: int | None
    key: str
    problem: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        key = f"{self.key}: " if self.key else ""
        return f"{place}: {key}{_as_sentence(self.problem)} Correct it with: aura-browser sites edit"


class BrowserError(AuraError):
    """The browser could not be found, started or used."""


@dataclass(eq=False, repr=False)
class BrowserNotFound(BrowserError):
    """Chrome or ChromeDriver was not found.

    Attributes:
        program: ``Chrome`` or ``ChromeDriver``.
        looked: the places that were searched, in order.
        hint: how to get the program.
    """

    program: str
    looked: tuple[str, ...]
    hint: str

    def __str__(self) -> str:
        return f"{self.program} was not found (looked at: {'; '.join(self.looked)}). {self.hint}"


@dataclass(eq=False, repr=False)
class DriverMismatch(BrowserError):
    """Chrome and ChromeDriver have different major versions and don't work together."""

    chrome_path: str
    chrome_version: str
    driver_path: str
    driver_version: str

    def __str__(self) -> str:
        return (
            f"ChromeDriver {self.driver_version} ({self.driver_path}) does not match Chrome {self.chrome_version} "
            f"({self.chrome_path}): their major versions must be equal. Set AURA_BROWSER_DRIVER to a matching "
            "ChromeDriver, or remove this one so that Selenium downloads a matching one."
        )


@dataclass(eq=False, repr=False)
class LaunchFailed(BrowserError):
    """Chrome did not start.

    Attributes:
        chrome_path: the path of that Chrome.
        reason: the driver's message, in one line.
        stderr_tail: the last lines of Chrome's stderr, oldest first; may be empty.
        advice: what to do, if the cause is known.
    """

    chrome_path: str
    reason: str
    stderr_tail: tuple[str, ...] = ()
    advice: str = ""

    def __str__(self) -> str:
        output = f" Chrome's last lines: {' | '.join(self.stderr_tail)}" if self.stderr_tail else ""
        advice = self.advice or ("To check this machine, run: aura-browser doctor" if self.stderr_tail else "")
        text = f"Chrome ({self.chrome_path}) did not start: {_as_sentence(self.reason)}{output}"
        return f"{text} {advice}".rstrip()


@dataclass(eq=False, repr=False)
class GridFailed(BrowserError):
    """No Selenium Grid answers, or it gave no browser.

    Attributes:
        url: the Grid's URL, without a password.
        reason: the Grid's message, or that there was no answer.
    """

    url: str
    reason: str

    def __str__(self) -> str:
        return (
            f"No browser from the Selenium Grid at {self.url}: {_as_sentence(self.reason)} Check the URL, and that the "
            "Grid has a free node with Chrome."
        )


@dataclass(eq=False, repr=False)
class AttachRefused(BrowserError):
    """The person's own Chrome was not connected to, because the person did not allow it.

    Attributes:
        reason: what happened to Chrome's question.
    """

    reason: str

    def __str__(self) -> str:
        return (
            f"Your Chrome did not let this program connect: {_as_sentence(self.reason)} Run the command again, and "
            'click "Allow" in the question that Chrome shows.'
        )


@dataclass(eq=False, repr=False)
class BrowserDied(BrowserError):
    """The browser or its driver ended or stopped responding during a harvest.

    Attributes:
        url: the page's URL.
        reason: what was seen of it.
        advice: what to do, if the cause is known.
    """

    url: str
    reason: str
    advice: str = ""

    def __str__(self) -> str:
        return f"The browser stopped at {self.url}: {_as_sentence(self.reason)} {self.advice or 'Try again.'}"


@dataclass(eq=False, repr=False)
class WindowClosed(BrowserError):
    """The browser's window was closed, by the person or the page, before the session was read.

    Attributes:
        url: the page's URL.
        closes_itself: whether the window closes by itself once the page is ready; else the person closes it.
    """

    url: str
    closes_itself: bool = True

    def __str__(self) -> str:
        until = "; it closes by itself" if self.closes_itself else " until the page has loaded"
        return (
            f"The window at {self.url} was closed before the session was read, so nothing was saved. Run it again "
            f"and leave the window open{until}."
        )


@dataclass(eq=False, repr=False)
class PageFailed(BrowserError):
    """The page could not be loaded.

    Attributes:
        url: the page's URL.
        code: Chrome's error code, such as ``ERR_CONNECTION_REFUSED``, or what the proxy or the site answered.
    """

    url: str
    code: str

    def __str__(self) -> str:
        fault = read_code(self.code)
        return f"Chrome could not load {self.url}: {self.code}. {advise(fault) if fault else _CHECK_THE_WAY}"


@dataclass(eq=False, repr=False)
class LoginNeeded(BrowserError):
    """The site asks for a login, and nobody can log in where the browser is. Nothing was saved.

    Attributes:
        url: the page that asks, without its query.
        mark: what showed it, such as ``a password field``.
        command: the command with which a person logs in.
    """

    url: str
    mark: str
    command: str

    def __str__(self) -> str:
        return f"{self.url} asks for a login ({self.mark}). Log in yourself: {self.command}"


@dataclass(eq=False, repr=False)
class NotReady(BrowserError):
    """The page loaded, but was not ready in time.

    Attributes:
        url: the browser's last URL.
        status: the page's HTTP status, or None if Chrome did not report one.
        waited_s: how long the harvest waited, in seconds.
        missing: the conditions that were not met at the end.
        command: the command with which a person completes a login or a check in a window; empty if a person had one.
        is_answered: whether anything came from the site; if not, no person can help.
    """

    url: str
    status: int | None
    waited_s: float
    missing: tuple[str, ...]
    command: str = ""
    is_answered: bool = True

    def __str__(self) -> str:
        status = "" if self.status is None else f" (status {self.status})"
        problem = f"{self.url}{status} was not ready after {self.waited_s:.0f} s; not met: {', '.join(self.missing)}."
        if not self.is_answered:
            return f"{problem} Nothing has answered. Allow more time (--timeout), or try again later."
        if not self.command:
            return f"{problem} Allow more time (--timeout), or ask for less."
        return (
            f"{problem} Allow more time (--timeout). If the page asks for a login or a check, complete it yourself in "
            f"a visible window: {self.command}"
        )


@dataclass(eq=False, repr=False)
class InteractionRequired(AuraError):
    """A person has to act, but the refresh policy or the machine does not allow it.

    Attributes:
        reason: why a browser is needed.
        command: the command that a person can run.
    """

    reason: str
    command: str

    def __str__(self) -> str:
        return f"{self.reason} Run: {self.command}"


@dataclass(eq=False, repr=False)
class HarvestCoolingDown(AuraError):
    """A harvest failed, or its session was refused, recently; the next one is not allowed yet.

    Attributes:
        retry_after_s: seconds until the next harvest is allowed.
        reason: why the last harvest failed.
    """

    retry_after_s: float
    reason: str

    def __str__(self) -> str:
        wait, reason = _describe_wait(self.retry_after_s), _as_sentence(self.reason)
        return f"No new harvest for another {wait}, because the last one failed: {reason} Try again after that."


@dataclass(eq=False, repr=False)
class SessionFormatError(AuraError):
    """Text is not a valid session.

    Attributes:
        field: the invalid field, such as ``cookies[0].name``; empty if the whole text is invalid.
        problem: why it is invalid; never contains a value from the text.
        is_newer: whether a newer aura-browser wrote it.
    """

    field: str
    problem: str
    is_newer: bool = False

    def __str__(self) -> str:
        where = f" at {self.field}" if self.field else ""
        advice = "Update aura-browser." if self.is_newer else "Harvest a new session."
        return f"Not a session{where}: {_as_sentence(self.problem)} {advice}"


@dataclass(eq=False, repr=False)
class ImportFailed(AuraError):
    """No session can be made of a file of another program.

    Attributes:
        kind: what the file was recognised as, such as ``cookies.txt``.
        place: the line, field or cookie that it fails at; empty for the whole file.
        problem: why; never contains a value from the file.
        advice: what to do.
    """

    kind: str
    place: str
    problem: str
    advice: str

    def __str__(self) -> str:
        where = f", {self.place}" if self.place else ""
        return f"{self.kind}{where}: {_as_sentence(self.problem)} {self.advice}"


@dataclass(eq=False, repr=False)
class StoreError(AuraError):
    """A session store can't be read or written.

    Attributes:
        place: the store's folder or URL, or the name of the value in it.
        problem: why it can't be used, and what to do.
    """

    place: str
    problem: str

    def __str__(self) -> str:
        return f"The session store {self.place} can't be used: {self.problem}"


class SessionUnreadable(StoreError):
    """A stored session can't be read by this program. It is left unchanged, and nothing replaces it."""

    def __str__(self) -> str:
        return f"The stored session {self.place} can't be read: {self.problem}"


class SessionLocked(SessionUnreadable):
    """A stored session is encrypted, and no available key decrypts it."""

    def __str__(self) -> str:
        return f"The stored session {self.place} can't be decrypted: {self.problem}"


class SessionProtected(StoreError):
    """The stored session is a person's login, and the new one is not proven to be one. The stored one stays."""

    def __str__(self) -> str:
        return f"The stored session {self.place} stays: {self.problem}"


@dataclass(eq=False, repr=False)
class SessionRefused(AuraError):
    """The site refused a renewed session too.

    Attributes:
        url: the requested URL.
        status: the response's HTTP status.
        mark: what in the response showed the refusal.
        advice: the likely cause, and what to do.
    """

    url: str
    status: int
    mark: str
    advice: str

    @property
    def asks_for_login(self) -> bool:
        """Whether a login page, a check page or a redirect elsewhere showed it, where another login helps."""
        return any(sign in self.mark for sign in ("a password field", "a check page", " to "))

    def __str__(self) -> str:
        return f"{self.url} refused a new session too ({self.mark}). {self.advice}"


class ChatError(AuraError):
    """A request failed on its way to the site, or at the site."""


@dataclass(eq=False, repr=False)
class ConnectionFailed(ChatError):
    """No complete response: refused, DNS, TLS, proxy, dropped.

    Attributes:
        url: the requested URL.
        reason: why there is none.
        is_proxys_reply: whether the proxy itself answered, and could not reach the site.
        tls: what failed of TLS; None if it was something else.
    """

    url: str
    reason: str
    is_proxys_reply: bool = False
    tls: TlsFault | None = None

    def __str__(self) -> str:
        advice = advise(self.tls) if self.tls else _CHECK_THE_WAY
        return f"No answer from {self.url}: {_as_sentence(self.reason)} {advice}"


@dataclass(eq=False, repr=False)
class RateLimited(ChatError):
    """The site limits requests (429).

    Attributes:
        url: the requested URL.
        retry_after_s: seconds to wait, or None if the site did not say.
    """

    url: str
    retry_after_s: float | None

    def __str__(self) -> str:
        return f"{self.url} limits requests (429). Wait {_describe_wait(self.retry_after_s)}, then try again."


@dataclass(eq=False, repr=False)
class SiteFailed(ChatError):
    """The site answered with an error that a new session would not fix.

    Attributes:
        url: the requested URL.
        status: the response's HTTP status; 0 if the response is not valid HTTP.
        message: the site's message, cleaned for a terminal.
        retry_after_s: seconds to wait, or None if the site did not say.
    """

    url: str
    status: int
    message: str
    retry_after_s: float | None = None

    def __str__(self) -> str:
        message = _as_sentence(self.message or "no message")
        status = self.status or "without a status"
        return f"{self.url} answered {status}: {message} {self._advice}".rstrip()

    @property
    def is_away(self) -> bool:
        """Whether the status says that the site is away for a while: 502, 503 or 504."""
        return self.status in _AWAY

    @property
    def _advice(self) -> str:
        if self.status and self.status < HTTPStatus.BAD_REQUEST:
            return ""
        return "Check the request." if 0 < self.status < HTTPStatus.INTERNAL_SERVER_ERROR else "Try again later."


@dataclass(eq=False, repr=False)
class AnswerTimeout(ChatError):
    """The site sent nothing within the read timeout.

    Attributes:
        url: the requested URL.
        read_timeout_s: the read timeout, in seconds.
    """

    url: str
    read_timeout_s: float

    def __str__(self) -> str:
        return f"{self.url} sent nothing for {self.read_timeout_s:g} s. Try again, or set a longer read timeout."


@dataclass(eq=False, repr=False)
class EmptyAnswer(ChatError):
    """A success status without text."""

    url: str

    def __str__(self) -> str:
        return f"{self.url} answered with no text at all. Try again."


@dataclass(eq=False, repr=False)
class StreamInterrupted(ChatError):
    """The answer was cut short after its first text. It is never requested again automatically.

    Attributes:
        url: the requested URL.
        reason: why it was cut short.
        partial: the text so far, or its end if it is over a million characters. Not part of ``str()`` and ``repr()``.
        length: how many characters arrived, also those that *partial* no longer has; None if it has all.
    """

    url: str
    reason: str
    partial: str
    length: int | None = None

    def __str__(self) -> str:
        arrived = len(self.partial) if self.length is None else self.length
        return (
            f"The answer from {self.url} broke off after {arrived:,} characters: {_as_sentence(self.reason)} "
            "Ask again for a complete answer."
        )
