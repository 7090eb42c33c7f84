"""What an application offers to the tests that all of them share."""

import os
import subprocess
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Final, Self

import psutil

from aura_browser import Condition, Session, Site, SiteClient
from aura_browser.site.sites_file import parse_sites
from tests.apps.definition import read_definition
from tests.apps.visitor import Visitor
from tests.parts.person import Person
from tests.parts.ports import free_port
from tests.parts.server_process import started

MEMBER: Final = "boss"
GUEST: Final = "guest"


@dataclass(frozen=True)
class Form:
    """How a person logs in: the part of the page's address, what is typed where, and what is clicked."""

    at: str
    button: str
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Refusal:
    """A request that is refused although the session is good, and how the application says so."""

    method: str
    path: str
    status: int
    text: str
    form: Mapping[str, str] | None = field(default=None, repr=False)


class Running(ABC):
    """An application that runs on a free port of 127.0.0.1 while the context lasts.

    Args:
        folder: an existing, empty folder for its data.

    Attributes:
        application: what its definition is called that comes with the package.
        page: the path that its definition begins at.
        private: a path that only a login is given.
        private_text: what is there.
        starts_within_s: seconds after which a start has failed.
    """

    starts_within_s: ClassVar[float] = 60.0
    application: ClassVar[str]
    page: ClassVar[str] = "/"
    private: ClassVar[str]
    private_text: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.origin = ""
        self.password = "correct-horse-1"
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.prepare()
        self._port = free_port()
        self.origin = f"http://127.0.0.1:{self._port}"
        self._start()
        return self

    def restart(self) -> None:
        """End it, and start it again at the same address."""
        self.__exit__(None, None, None)
        self._start()

    def _start(self) -> None:
        environment = [f"{name}={value}" for name, value in self.environment.items()]
        command = ["env", "-C", str(self.folder), *environment, *self.command(self._port)]
        self._process = started(command, self.folder / "app.log", self._answers, ready_s=self.starts_within_s)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None and self._process.poll() is None:
            # With the workers that some have.
            for process in psutil.Process(self._process.pid).children(recursive=True):
                process.kill()
            self._process.kill()
            self._process.wait()

    def end(self) -> None:
        """End it as it wants to be ended, with all saved."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that it is started with."""
        return {}

    @abstractmethod
    def prepare(self) -> None:
        """Install it, and write its configuration and people to its folder."""

    @abstractmethod
    def command(self, port: int) -> Sequence[str]:
        """Return the command that serves it."""

    @property
    def definition(self) -> str:
        """The table of its definition, as a person would have it in sites.toml."""
        return read_definition(self.application, f"{self.origin}{self.page}")

    @property
    def site(self) -> Site:
        """Its definition: probe, marks, tokens and the condition that a login meets."""
        return parse_sites(self.definition.encode(), Path("sites.toml"))[self.application]

    @abstractmethod
    async def log_in(self, user: str = MEMBER) -> Session:
        """Return the session of somebody who logged in without a browser."""

    @abstractmethod
    def drop(self) -> None:
        """End all logins at the server; every session that was given out stays as it is."""

    @abstractmethod
    async def write(self, client: SiteClient, text: str) -> int:
        """Save *text* through *client*, with all that the application wants against forgery; return the status."""

    @abstractmethod
    def read(self) -> str:
        """Return what was saved last, as the server has it."""

    async def visit(self) -> Session:
        """Return the session of somebody who has looked at the site and never logged in."""
        async with Visitor(self.site.url) as visitor:
            await visitor.get(self.site.url)
            return visitor.session

    def run(self, *command: str, timeout_s: float = 60) -> str:
        """Run a program to its end in the application's folder; return what it printed."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.origin, timeout=5) as response:  # noqa: S310 - loopback
                return bool(response.status)
        except urllib.error.HTTPError as error:
            error.close()
            return True
        except OSError:
            return False


class Visited(Running):
    """An application with a page on which a person logs in.

    Attributes:
        holds_dead: a condition that holds in a browser whose login is dead.
        member_is_at: a part of the address of the page that a login leads to.
        member_sees: an element that is shown there (CSS selector).
        writes_as_learned: whether what is learned of it is enough for :meth:`Running.write`.
    """

    holds_dead: ClassVar[Condition]
    member_is_at: ClassVar[str] = "/"
    member_sees: ClassVar[str]
    writes_as_learned: ClassVar[bool] = True

    @abstractmethod
    def form(self, user: str = MEMBER) -> Form:
        """Return how a person logs in."""

    async def work(self, person: Person) -> None:
        """Wait until the person is logged in, and let them click once where they work."""
        await person.wait_for(self.member_is_at, self.member_sees)


class App(Visited):
    """An application that knows two people: a member, who may do everything, and a guest.

    Attributes:
        checks: what a check by the page alone may say of a good login, a dropped one and nobody's session.
    """

    checks: ClassVar[Mapping[str, set[str]]]

    @abstractmethod
    def refusal(self) -> Refusal:
        """Return a request of a guest that is refused with a status of 403 for lack of rights."""
