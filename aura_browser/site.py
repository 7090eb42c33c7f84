"""A site: a web app at one origin, and how to tell that a session for it is ready or stale."""

import shlex
from dataclasses import dataclass
from typing import Final, Literal, get_args

from yarl import URL

from aura_browser.errors import InvalidInput

ConditionKind = Literal["cookie", "selector", "url", "text", "js"]


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that has to hold before a session is read.

    Attributes:
        kind: ``cookie`` (its name), ``selector`` (CSS, an element is there), ``url`` (glob on the page's address),
            ``text`` (the page shows it) or ``js`` (an expression that is true in the page).
        argument: what the kind asks for.
    """

    kind: ConditionKind
    argument: str

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read ``KIND:ARGUMENT``, such as ``cookie:sid`` or ``selector:textarea``.

        Raises:
            InvalidInput: if the kind is unknown or the argument is empty.
        """
        kind, _, argument = text.partition(":")
        known = next((k for k in get_args(ConditionKind) if k == kind), None)
        if known is None or not argument:
            forms = "cookie:NAME, selector:CSS, url:GLOB, text:TEXT or js:EXPRESSION"
            raise InvalidInput("until", f"{text!r} is not one of {forms}")
        return cls(known, argument)

    def __str__(self) -> str:
        return f"{self.kind}:{self.argument}"


@dataclass(frozen=True, slots=True)
class Site:
    """A web app at one origin.

    A site's page is ready when it has loaded with a status below 400 and every condition in *ready* holds.

    Attributes:
        url: the page that a browser opens.
        ready: what has to hold there besides.
        api_paths: beginnings of paths that answer programs. There an HTML page or a redirect to elsewhere is never
            the app's own answer: it is a login or check page, and the session is stale.
    """

    url: str
    ready: tuple[Condition, ...] = ()
    api_paths: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """Scheme, host and port, such as ``https://openchat.team``."""
        return str(URL(self.url).origin())

    def login_command(self, *options: str) -> str:
        """Return the command by which a person logs in there, in a window; *options* are added to it."""
        words = ["aura-browser", "harvest", self.url, "--interactive"]
        for condition in self.ready or ("CONDITION",):
            words += ["--until", str(condition)]
        return shlex.join([*words, *options])

    def is_api(self, url: URL) -> bool:
        """Tell whether *url* is one of the site's that answer programs."""
        return str(url.origin()) == self.origin and url.path.startswith(self.api_paths)


def page_site(url: str, until: tuple[Condition, ...] = ()) -> Site:
    """Return the site that any page is at.

    Args:
        url: the page; ``https://`` is put before a bare host.
        until: what has to hold there before its session is read.

    Raises:
        InvalidInput: if *url* is not an address that a browser can open, or holds a password.
    """
    return Site(url=page_url(url), ready=until)


def openchat_site(url: str) -> Site:
    """Return the openchat-ui app (the one behind openchat.team) at *url*.

    It is ready when the chat box is there. Its page's body has no class, so ``body:not(.no-js)`` alone would hold
    on a login page too; a check page has the class ``no-js`` (both measured).

    Raises:
        InvalidInput: as :func:`page_site`.
    """
    ready = (
        Condition("selector", "body:not(.no-js)"),
        Condition("selector", 'textarea[placeholder^="Type a message"]'),
    )
    return Site(url=page_url(url), ready=ready, api_paths=("/api/",))


def page_url(text: str) -> str:
    """Return *text* as the whole http or https address of a page.

    Raises:
        InvalidInput: if it is none, or holds a user name or password.
    """
    try:
        url = URL(text if "://" in text else f"https://{text}")
        usable = url.scheme in {"http", "https"} and url.host and url.explicit_port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InvalidInput("url", "not an http or https address, such as https://openchat.team")
    if url.user or url.password:
        raise InvalidInput("url", "leave the user name and password out; log in with --interactive instead")
    return str(url)


OPENCHAT: Final = openchat_site("https://openchat.team")
