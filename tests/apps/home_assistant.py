"""Home Assistant: tokens in the local storage that a refresh grant renews, and a login form below shadow roots."""

import asyncio
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aura_browser import Condition, Session, SiteClient
from tests.apps.app import MEMBER, Form, Visited
from tests.apps.install import install_environment
from tests.apps.visitor import Visitor
from tests.parts.person import Person

# The second row is what it would install by itself at its first start.
_REQUIREMENTS: Final = (
    *("homeassistant==2024.3.3", "josepy<2"),
    *("home-assistant-frontend==20240307.0", "SQLAlchemy==2.0.27", "fnv-hash-fast==0.5.0", "janus==1.0.0"),
    *("pillow==10.2.0", "psutil-home-assistant==0.0.1", "PyQRCode==1.2.1", "pyotp==2.8.0", "securetar==2024.2.1"),
)
_SETTINGS: Final = """
http:
  server_host: 127.0.0.1
  server_port: {port}
frontend:
api:
websocket_api:
"""
_DONE: Final = {"done": ["user", "core_config", "analytics", "integration"]}
_ONBOARDED: Final = {"version": 4, "minor_version": 1, "key": "onboarding", "data": _DONE}
_STORED: Final = "hassTokens"
_START: Final = """
import datetime, sys
from homeassistant.__main__ import main
from homeassistant.auth import AuthManager
defaults = [*AuthManager.async_create_refresh_token.__defaults__]
life = next(each for each in defaults if isinstance(each, datetime.timedelta))
defaults[defaults.index(life)] = datetime.timedelta(seconds=float(sys.argv.pop(1)))
AuthManager.async_create_refresh_token.__defaults__ = tuple(defaults)
sys.exit(main())
"""


class HomeAssistant(Visited):
    """Home Assistant in an environment of its own.

    Attributes:
        token_life_s: how long an access token lasts.
    """

    application = "home-assistant"
    member_sees = "home-assistant-main"
    private = "/api/config"
    private_text = "time_zone"
    holds_dead = Condition("js", f"localStorage.getItem('{_STORED}')")
    starts_within_s = 180.0
    token_life_s = 1800.0

    def prepare(self) -> None:
        """Add the member, as somebody who has seen the introduction."""
        storage = self.folder / ".storage"
        storage.mkdir()
        (storage / "onboarding").write_text(json.dumps(_ONBOARDED))
        self.run(self._python, "-m", "homeassistant", "--script", "auth", *self._at, "add", MEMBER, self.password)

    def command(self, port: int) -> Sequence[str]:
        """Return Home Assistant's own command, with the life of tokens, which no setting of its has."""
        (self.folder / "configuration.yaml").write_text(_SETTINGS.format(port=port))
        return [self._python, "-c", _START, str(self.token_life_s), *self._at]

    @property
    def _python(self) -> str:
        return str(install_environment("home-assistant", *_REQUIREMENTS) / "bin" / "python")

    @property
    def _at(self) -> tuple[str, str]:
        return "--config", str(self.folder)

    def form(self, user: str = MEMBER) -> Form:
        """Return the login page's form."""
        fields = {"input[name=username]": user, "input[name=password]": self.password}
        return Form("/auth/authorize", "mwc-button", fields)

    async def work(self, person: Person) -> None:
        """Load the log: most else is asked for through the WebSocket."""
        await super().work(person)
        await person.leave_the_page(self.origin, f"{self.origin}/config/logs")
        await person.fill_in("/config/logs", {}, "mwc-button[raised]")
        await person.wait_for("/config/logs", ".error-log-intro .card-header")

    async def log_in(self, user: str = MEMBER) -> Session:
        """Get tokens, and keep them where the page does."""
        async with Visitor(self.site.url) as visitor:
            visitor.keep(_STORED, json.dumps(await asyncio.to_thread(self._get_tokens, user)))
            return visitor.session

    def drop(self) -> None:
        """Start it again without the tokens that it gave out."""
        self.end()
        file = self.folder / ".storage" / "auth"
        stored = json.loads(file.read_text())
        tokens = stored["data"]["refresh_tokens"]
        stored["data"]["refresh_tokens"] = [each for each in tokens if each["token_type"] == "system"]
        file.write_text(json.dumps(stored))
        self.restart()

    async def write(self, client: SiteClient, text: str) -> int:
        """Set a state."""
        async with client.post("/api/states/sensor.note", json={"state": text}) as response:
            return response.status

    def read(self) -> str:
        """Return the state."""
        headers = {"Authorization": f"Bearer {self._get_tokens(MEMBER)['access_token']}"}
        return str(self._ask("/api/states/sensor.note", None, headers)["state"])

    def _get_tokens(self, user: str) -> dict[str, Any]:
        """Return what the page keeps after a login."""
        client = {"client_id": f"{self.origin}/"}
        flow = {**client, "handler": ["homeassistant", None], "redirect_uri": f"{self.origin}/"}
        number = self._post("/auth/login_flow", flow)["flow_id"]
        code = self._post(f"/auth/login_flow/{number}", {**client, "username": user, "password": self.password})
        form = urllib.parse.urlencode({**client, "grant_type": "authorization_code", "code": code["result"]})
        tokens = self._ask("/auth/token", form.encode(), {})
        ends_ms = round((time.time() + tokens["expires_in"]) * 1000)
        return {**tokens, "hassUrl": self.origin, "clientId": client["client_id"], "expires": ends_ms}

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._ask(path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _ask(self, path: str, body: bytes | None, headers: Mapping[str, str]) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.origin}{path}", body, dict(headers))  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - loopback
            found: dict[str, Any] = json.loads(response.read())
        return found
