"""MLflow: HTTP basic authentication with each request, no cookie, no page to log in at."""

import base64
import json
import secrets
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aura_browser import Session, SiteClient
from aura_browser.harvests import basic_harvest
from tests.apps.app import GUEST, MEMBER, Running
from tests.apps.install import install_environment

_REQUIREMENT: Final = "mlflow[auth]==3.17.2"
_API: Final = "/api/2.0/mlflow"
_SETTINGS: Final = """[mlflow]
default_permission = NO_PERMISSIONS
database_uri = sqlite:///{folder}/people.db
admin_username = {member}
admin_password = {password}
"""


class MLflow(Running):
    """MLflow's tracking server in an environment of its own, with a member who may do everything, and a guest."""

    application = "mlflow"
    private = f"{_API}/users/current"
    private_text = MEMBER
    starts_within_s = 180.0

    @property
    def environment(self) -> Mapping[str, str]:
        """Where its settings are, and the key of its cookies."""
        settings = str(self.folder / "auth.ini")
        return {"MLFLOW_AUTH_CONFIG_PATH": settings, "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex()}

    def prepare(self) -> None:
        """Write its settings."""
        text = _SETTINGS.format(folder=self.folder, member=MEMBER, password=self.password)
        (self.folder / "auth.ini").write_text(text)

    def command(self, port: int) -> Sequence[str]:
        """Return MLflow's own command."""
        python = install_environment("mlflow", _REQUIREMENT) / "bin" / "python"
        options = ["--app-name", "basic-auth", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        return [str(python), "-m", "mlflow", "server", *options, "--backend-store-uri", "sqlite:///mlflow.db"]

    async def log_in(self, user: str = MEMBER) -> Session:
        """Return a user's name and password as a session."""
        return await basic_harvest(self.site, ask=lambda: f"{user}:{self.password}")()

    def add_guest(self) -> None:
        """Add somebody who may see nothing."""
        self._ask("POST", "/users/create", {"username": GUEST, "password": self.password})

    def drop(self) -> None:
        """Change the member's password."""
        new = secrets.token_urlsafe(20)
        change = {"username": MEMBER, "current_password": self.password, "password": new}
        self._ask("PATCH", "/users/update-password", change)
        self.password = new

    async def write(self, client: SiteClient, text: str) -> int:
        """Save a remark on the first experiment."""
        tag = {"experiment_id": "0", "key": "note", "value": text}
        async with client.post(f"{_API}/experiments/set-experiment-tag", json=tag) as response:
            return response.status

    def read(self) -> str:
        """Return the remark."""
        found = self._ask("GET", "/experiments/get?experiment_id=0", None)
        return next((tag["value"] for tag in found["experiment"].get("tags", ()) if tag["key"] == "note"), "")

    def _ask(self, method: str, path: str, body: Mapping[str, str] | None) -> dict[str, Any]:
        basic = base64.b64encode(f"{MEMBER}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.origin}{_API}{path}", data, headers, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - loopback
            found: dict[str, Any] = json.loads(response.read() or b"{}")
        return found
