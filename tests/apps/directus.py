"""Directus: pages are 200 for everybody; a JWT in a cookie, which only a request of the page's renews."""

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from aura_browser import Condition, Session, SiteClient
from tests.apps.app import MEMBER, Form, Visited
from tests.apps.install import install_from_npm
from tests.apps.visitor import Visitor

_REQUIREMENTS: Final = ("directus@11.3.5", "sqlite3")


class Directus(Visited):
    """Directus with SQLite.

    Attributes:
        token_life: how long a login lasts if nothing renews it.
    """

    application = "directus"
    page = "/admin"
    member_is_at = "/admin/"
    member_sees = ".module-bar"
    private = "/users/me"
    private_text = MEMBER
    holds_dead = Condition("cookie", "directus_session_token")
    starts_within_s = 180.0
    token_life = "1d"

    @property
    def environment(self) -> Mapping[str, str]:
        """Its settings."""
        return {
            "HOST": "127.0.0.1",
            "DB_CLIENT": "sqlite3",
            "DB_FILENAME": str(self._database),
            "SECRET": (self.folder / "secret").read_text(),
            "ADMIN_EMAIL": self._email,
            "ADMIN_PASSWORD": self.password,
            "TELEMETRY": "false",
            "ACCESS_TOKEN_TTL": self.token_life,
            "SESSION_COOKIE_TTL": self.token_life,
        }

    @property
    def _email(self) -> str:
        return f"{MEMBER}@example.com"

    @property
    def _database(self) -> Path:
        return self.folder / "data.db"

    def prepare(self) -> None:
        """Make its database, with the member."""
        (self.folder / "secret").write_text(secrets.token_hex(32))
        self.run(*self._program, "bootstrap", timeout_s=self.starts_within_s)

    def command(self, port: int) -> Sequence[str]:
        """Return Directus' own command."""
        address = [f"PORT={port}", f"PUBLIC_URL=http://127.0.0.1:{port}"]
        return ["env", *address, *self._program, "start"]

    @property
    def _program(self) -> tuple[str, str]:
        return "node", str(install_from_npm(*_REQUIREMENTS) / "node_modules" / "directus" / "cli.js")

    def form(self, user: str = MEMBER) -> Form:
        """Return the login page's form."""
        fields = {"input[type=email]": self._email, "input[type=password]": self.password}
        return Form("/admin/login", "button[type=submit]", fields)

    async def log_in(self, user: str = MEMBER) -> Session:
        """Send what the form sends."""
        async with Visitor(self.site.url) as visitor:
            answer = await visitor.post_json(
                "/auth/login", {"email": self._email, "password": self.password, "mode": "session"}
            )
            assert answer.status == 200, answer
            return visitor.session

    def drop(self) -> None:
        """Delete all logins."""
        with closing(sqlite3.connect(self._database, timeout=30)) as database, database:
            database.execute("DELETE FROM directus_sessions")

    async def write(self, client: SiteClient, text: str) -> int:
        """Save the project's name."""
        async with client.request("PATCH", "/settings", json={"project_name": text}) as response:
            return response.status

    def read(self) -> str:
        """Return the project's name."""
        with closing(sqlite3.connect(self._database, timeout=30)) as database:
            return str(database.execute("SELECT project_name FROM directus_settings").fetchone()[0])
