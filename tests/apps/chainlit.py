"""Chainlit: pages are 200 for everybody, the API 401; the login is a JWT in a cookie that only a new secret ends."""

import secrets
from collections.abc import Mapping, Sequence

from aura_browser import Condition, Session, SiteClient
from tests.apps.app import MEMBER, Form, Visited
from tests.apps.install import install_environment
from tests.apps.visitor import Visitor

_APP = """
import os
from pathlib import Path
import chainlit as cl
from chainlit.data.base import BaseDataLayer
from chainlit.user import PersistedUser

async def nothing(self, *_args, **_options):
    return None

async def get_user(self, identifier):
    return PersistedUser(id=identifier, createdAt="2026-01-01T00:00:00Z", identifier=identifier)

async def save(self, feedback):
    Path("note").write_text(feedback.comment or "")
    return "1"

methods = dict.fromkeys(BaseDataLayer.__abstractmethods__, nothing)
Layer = type("Layer", (BaseDataLayer,), methods | {"get_user": get_user, "upsert_feedback": save})

@cl.data_layer
def layer():
    return Layer()

@cl.password_auth_callback
def log_in(user, password):
    return cl.User(identifier=user) if password == os.environ["PASSWORD"] else None

@cl.on_message
async def answer(message):
    await cl.Message(f"echo: {message.content}").send()
"""


class Chainlit(Visited):
    """Chainlit in an environment of its own."""

    application = "chainlit"
    member_sees = "#chat-input"
    private = "/user"
    private_text = MEMBER
    holds_dead = Condition("cookie", "access_token")

    @property
    def environment(self) -> Mapping[str, str]:
        """Its secret, and everybody's password."""
        secret = (self.folder / "secret").read_text()
        return {"CHAINLIT_AUTH_SECRET": secret, "PASSWORD": self.password, "HOME": str(self.folder)}

    def prepare(self) -> None:
        """Write the app."""
        install_environment("chainlit", "chainlit==2.12.0")
        (self.folder / "app.py").write_text(_APP)
        self._make_secret()

    def command(self, port: int) -> Sequence[str]:
        """Return Chainlit's own command."""
        python = install_environment("chainlit", "chainlit==2.12.0") / "bin" / "python"
        options = ["--headless", "--host", "127.0.0.1", "--port", str(port)]
        return [str(python), "-m", "chainlit", "run", "app.py", *options]

    def form(self, user: str = MEMBER) -> Form:
        """Return the login page's form."""
        fields = {"#email": user, "#password": self.password}
        return Form("/login", "button[type=submit]", fields)

    async def log_in(self, user: str = MEMBER) -> Session:
        """Send what the form sends."""
        async with Visitor(f"{self.origin}/") as visitor:
            answer = await visitor.post("/login", {"username": user, "password": self.password})
            assert answer.status == 200, answer
            return visitor.session

    def drop(self) -> None:
        """Start it again with another secret."""
        self._make_secret()
        self.restart()

    async def write(self, client: SiteClient, text: str) -> int:
        """Send feedback."""
        feedback = {"feedback": {"forId": "1", "value": 1, "comment": text}, "sessionId": "1"}
        async with client.request("PUT", "/feedback", json=feedback) as response:
            return response.status

    def read(self) -> str:
        """Return the feedback."""
        file = self.folder / "note"
        return file.read_text() if file.exists() else ""

    def _make_secret(self) -> None:
        (self.folder / "secret").write_text(secrets.token_hex(32))
