"""Node-RED: a bearer token in the local storage, no cookie, and a page that anybody is given."""

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from aura_browser import Condition, Session, SiteClient
from tests.apps.app import GUEST, MEMBER, App, Form, Refusal
from tests.apps.install import install_from_npm
from tests.apps.visitor import Visitor

_REQUIREMENT: Final = "node-red@4.1.15"
_STORED: Final = "auth-tokens"
_LOGIN: Final = {"client_id": "node-red-editor", "grant_type": "password"}
_SCOPES: Final = {MEMBER: "*", GUEST: "read"}
_SETTINGS: Final = """
const people = {boss: "*", guest: "read"};
const find = (name) => name in people ? {username: name, permissions: people[name]} : null;
module.exports = {
  uiHost: "127.0.0.1",
  flowFile: "flows.json",
  credentialSecret: "only-for-tests",
  editorTheme: {tours: false},
  telemetry: {enabled: false},
  adminAuth: {
    type: "credentials",
    users: async (name) => find(name),
    authenticate: async (name, password) => password === process.env.PASSWORD ? find(name) : null,
  },
};
"""


class NodeRed(App):
    """Node-RED, which keeps its logins in memory and in a file."""

    application = "node-red"
    member_sees = "#red-ui-workspace-chart"
    private = "/flows"
    private_text = "flows"
    # The page is the same for everybody.
    checks: ClassVar[Mapping[str, set[str]]] = {state: {"open"} for state in ("good", "dropped", "nobody")}
    writes_as_learned = False  # what is written is of the API's second version, which a header has to ask for
    holds_dead = Condition("js", f"localStorage.getItem('{_STORED}')")

    @property
    def environment(self) -> Mapping[str, str]:
        """The password of everybody."""
        return {"PASSWORD": self.password}

    def prepare(self) -> None:
        """Write its settings."""
        (self.folder / "settings.js").write_text(_SETTINGS)

    def command(self, port: int) -> Sequence[str]:
        """Return Node-RED's own command."""
        program = install_from_npm(_REQUIREMENT) / "node_modules" / "node-red" / "red.js"
        return ["node", str(program), "--userDir", str(self.folder), "--port", str(port)]

    def form(self, user: str = MEMBER) -> Form:
        """Return the editor's form, which has no address of its own."""
        fields = {"#node-dialog-login-username": user, "#node-dialog-login-password": self.password}
        return Form(self.origin, "#node-dialog-login-submit", fields)

    async def log_in(self, user: str = MEMBER) -> Session:
        """Get a token, and keep it where the editor does."""
        async with Visitor(self.site.url) as visitor:
            answer = await visitor.post(
                "/auth/token", _LOGIN | {"username": user, "password": self.password, "scope": _SCOPES[user]}
            )
            assert answer.status == 200, answer
            visitor.keep(_STORED, answer.text)
            return visitor.session

    def drop(self) -> None:
        """Revoke each token that the server knows."""
        for token in json.loads((self.folder / ".sessions.json").read_text()):
            form = urllib.parse.urlencode({"token": token}).encode()
            headers = {"Authorization": f"Bearer {token}"}
            request = urllib.request.Request(f"{self.origin}/auth/revoke", form, headers)  # noqa: S310 - loopback
            urllib.request.urlopen(request, timeout=20).close()  # noqa: S310 - loopback

    async def write(self, client: SiteClient, text: str) -> int:
        """Deploy flows, of which one is called *text*; the bearer token is derived from the session."""
        flows = {"flows": [{"id": "tab1", "type": "tab", "label": text}]}
        async with client.post("/flows", json=flows) as response:
            return response.status

    def read(self) -> str:
        """Return the first flow's name."""
        file = self.folder / "flows.json"
        return str(json.loads(file.read_text())[0]["label"]) if file.exists() else ""

    def refusal(self) -> Refusal:
        """Return the login of somebody else who gets the password wrong. Five of these lock the login."""
        form = _LOGIN | {"username": "nobody", "password": "wrong"}
        return Refusal("POST", "/auth/token", 403, "invalid_grant", form)
