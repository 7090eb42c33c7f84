"""DokuWiki: everything is a page with a status of 200, whoever asks, and its forms hold a token of the session."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from aura_browser import Condition, Session, SiteClient
from tests.apps.app import MEMBER, App, Form, Refusal
from tests.apps.install import install_from_debian, need_program
from tests.apps.visitor import Visitor
from tests.parts.person import Person

_PACKAGES: Final = (
    *("dokuwiki", "libjs-jquery", "libjs-jquery-cookie", "libjs-jquery-ui", "libphp-simplepie"),
    *("php-constant-time", "php-geshi", "php-phpseclib", "php-random-compat"),
)
_LOCAL: Final = """<?php
$conf['title'] = 'Wiki';
$conf['useacl'] = 1;
$conf['superuser'] = '@admin';
$conf['savedir'] = '%s/data';
$conf['disableactions'] = 'register,resendpwd';
$conf['updatecheck'] = 0;
"""
_ACL: Final = "*\t@ALL\t1\n*\t@admin\t16\nprivate:*\t@ALL\t0\nprivate:*\t@admin\t16\n"
_PLACES: Final = (
    *("attic", "cache", "index", "locks", "log", "media", "media/private", "media_attic", "media_meta", "meta"),
    *("pages", "pages/private", "tmp"),
)
_DEFINE_PLACES: Final = "<?php define('DOKU_MAIN_CONF', '%s/'); define('DOKU_CONF', '%s/');"


class DokuWiki(App):
    """DokuWiki from Debian's packages, unpacked into a folder, below PHP's own server."""

    application = "dokuwiki"
    page = "/doku.php?id=start&do=login"
    member_is_at = "doku.php"
    member_sees = "#dokuwiki__usertools .action.logout"
    private = "/doku.php?id=private:plan"
    private_text = "The plan is secret."
    holds_dead = Condition("cookie", "DokuWiki")
    checks: ClassVar[Mapping[str, set[str]]] = {
        "good": {"valid"},
        "dropped": {"refused"},
        "nobody": {"open", "refused"},
    }

    def prepare(self) -> None:
        """Write configuration, people and pages."""
        need_program("php", "php-cli php-mbstring php-xml")
        conf = self.folder / "conf"
        shutil.copytree(self._installed / "etc" / "dokuwiki", conf, symlinks=True)
        for name in ("acl.auth.php", "users.auth.php"):
            (conf / name).unlink()
        (conf / "acl.auth.php").write_text(_ACL)
        (conf / "local.php").write_text(_LOCAL % self.folder)
        (self.folder / "places.php").write_text(_DEFINE_PLACES % (conf, conf))
        for place in _PLACES:
            (self.folder / "data" / place).mkdir(parents=True)
        (self.folder / "php").mkdir()
        (self.folder / "data" / "pages" / "start.txt").write_text("Anybody may read this.")
        (self.folder / "data" / "pages" / "private" / "plan.txt").write_text(self.private_text)
        (self.folder / "data" / "media" / "private" / "plan.txt").write_text(self.private_text)
        self._set_passwords()

    def command(self, port: int) -> Sequence[str]:
        """Return PHP's server for development."""
        options = {"auto_prepend_file": self.folder / "places.php", "session.save_path": self.folder / "php"}
        settings = [part for name, value in options.items() for part in ("-d", f"{name}={value}")]
        root = self._installed / "usr" / "share" / "dokuwiki"
        return ["php", *settings, "-S", f"127.0.0.1:{port}", "-t", str(root)]

    def form(self, user: str = MEMBER) -> Form:
        """Return the form on the login page."""
        fields = {"#dw__login [name=u]": user, "#dw__login [name=p]": self.password}
        return Form("do=login", "#dw__login button[type=submit]", fields)

    async def work(self, person: Person) -> None:
        """Open the editor."""
        await super().work(person)
        await person.leave_the_page(self.origin, f"{self.origin}/doku.php?id=note&do=edit")
        await person.wait_for("do=edit", "#wiki__text")

    async def log_in(self, user: str = MEMBER) -> Session:
        """Log in; the cookie holds the password, encrypted."""
        async with Visitor(f"{self.origin}/doku.php?id=start") as visitor:
            form = {"sectok": "", "id": "start", "do": "login", "u": user, "p": self.password}
            answer = await visitor.post("/doku.php?id=start&do=login", form)
            assert answer.status == 302, answer
            return visitor.session

    def drop(self) -> None:
        """Change everybody's password, and forget who was logged in; nothing less ends a login."""
        self.password += "+"
        self._set_passwords()
        for file in (self.folder / "php").iterdir():
            file.unlink()

    async def write(self, client: SiteClient, text: str) -> int:
        """Save a page; the token against forgery is asked for anew."""
        return (await self.save(client, text))[0]

    async def save(self, client: SiteClient, text: str) -> tuple[int, str]:
        """Save a page with a token that can't be right; return the answer's status, a redirect's if it was saved."""
        form = {"sectok": "0" * 32, "id": "private:note", "wikitext": text, "prefix": ".", "suffix": "", "summary": "x"}
        form["do[save]"] = "1"
        async with client.post("/doku.php?id=private:note", data=form, allow_redirects=False) as response:
            return response.status, await response.text()

    def read(self) -> str:
        """Return the page's file."""
        file = self.folder / "data" / "pages" / "private" / "note.txt"
        return file.read_text().strip() if file.exists() else ""

    def refusal(self) -> Refusal:
        """Return a file that only the member may read."""
        return Refusal("GET", "/lib/exe/fetch.php?media=private:plan.txt", 403, "Forbidden")

    @property
    def _installed(self) -> Path:
        return install_from_debian("dokuwiki", *_PACKAGES)

    def _set_passwords(self) -> None:
        script = "echo password_hash($argv[1], PASSWORD_BCRYPT, ['cost' => 4]);"
        digest = self.run("php", "-r", script, self.password)
        people = {"boss": "admin,user", "guest": "user"}
        lines = [f"{name}:{digest}:{name.title()}:{name}@localhost:{groups}" for name, groups in people.items()]
        (self.folder / "conf" / "users.auth.php").write_text("\n".join(lines) + "\n")
