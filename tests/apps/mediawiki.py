"""MediaWiki: a redirect to the login that only its query tells, errors in a header at 200, a token from a GET."""

import json
import shutil
from collections.abc import Mapping, Sequence
from typing import Final

from aura_browser import Condition, Session, SiteClient
from tests.apps.app import MEMBER, Form, Visited
from tests.apps.install import install_from_debian, need_program
from tests.apps.visitor import Visitor
from tests.parts.person import Person

_PACKAGES: Final = ("mediawiki", "mediawiki-classes")
_PAGE: Final = "/index.php?title=Special:Preferences"


class MediaWiki(Visited):
    """MediaWiki from Debian's packages, unpacked into a folder, below PHP's own server."""

    application = "mediawiki"
    page = _PAGE
    member_is_at = "Special:Preferences"
    member_sees = "#pt-logout"
    private = "/api.php?action=query&meta=userinfo&assert=user&format=json"
    private_text = "Boss"
    writes_as_learned = False  # its API has a field of another name than its pages
    holds_dead = Condition("cookie", "labwikiUserName")

    @property
    def environment(self) -> Mapping[str, str]:
        """Several requests at once."""
        return {"PHP_CLI_SERVER_WORKERS": "4"}

    def prepare(self) -> None:
        """Copy it: its configuration lies among its files, and says its address, which is known later."""
        need_program("php", "php-cli php-mbstring php-xml php-intl php-sqlite3")
        shutil.copytree(install_from_debian("mediawiki", *_PACKAGES), self.folder / "root", symlinks=True)
        self._root = next((self.folder / "root").glob("usr/share/mediawiki"))
        (self._root / "LocalSettings.php").unlink()  # it leads to where the package is, for all runs

    def command(self, port: int) -> Sequence[str]:
        """Return PHP's server for development; the wiki is made first, since it has to know its address."""
        database = self.folder / "database"
        database.mkdir(exist_ok=True)
        options = ["--dbtype", "sqlite", "--dbpath", str(database), "--dbname", "labwiki", "--scriptpath", ""]
        options += ["--server", f"http://127.0.0.1:{port}", "--pass", self.password, "--skins=Vector"]
        script = str(self._root / "maintenance" / "install.php")
        if not any(database.iterdir()):
            self.run("php", script, *options, "Lab wiki", "Boss")
        return ["php", "-S", f"127.0.0.1:{port}", "-t", str(self._root)]

    def form(self, user: str = MEMBER) -> Form:
        """Return the login page's form."""
        fields = {"#wpName1": user.title(), "#wpPassword1": self.password}
        return Form("UserLogin", "#wpLoginAttempt", fields)

    async def work(self, person: Person) -> None:
        """Open the editor."""
        await super().work(person)
        await person.leave_the_page(self.origin, f"{self.origin}/index.php?title=Note&action=edit")
        await person.wait_for("action=edit", "#wpTextbox1")

    async def log_in(self, user: str = MEMBER) -> Session:
        """Log in by the API, and be remembered."""
        async with Visitor(f"{self.origin}{_PAGE}") as visitor:
            asked = await visitor.get("/api.php?action=query&meta=tokens&type=login&format=json")
            token = json.loads(asked.text)["query"]["tokens"]["logintoken"]
            form = {"action": "clientlogin", "username": user.title(), "password": self.password, "rememberMe": "1"}
            form |= {"logintoken": token, "loginreturnurl": f"{self.origin}/", "format": "json"}
            answer = await visitor.post("/api.php", form)
            assert '"PASS"' in answer.text, answer
            return visitor.session

    def drop(self) -> None:
        """Change what the cookies are compared with."""
        self.run("php", str(self._root / "maintenance" / "invalidateUserSessions.php"), "--user", "Boss")

    async def write(self, client: SiteClient, text: str) -> int:
        """Save a page; the token is asked for by the client."""
        form = {"action": "edit", "title": "Note", "text": text, "format": "json", "assert": "user"}
        async with client.post("/api.php", data=form) as response:
            assert '"Success"' in (said := await response.text()), said
            return response.status

    def read(self) -> str:
        """Return the page's text."""
        script = str(self._root / "maintenance" / "getText.php")
        return self.run("php", script, "Note").strip()
