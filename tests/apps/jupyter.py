"""JupyterLab: 403 for strangers and for forged requests, and a login that only a new secret of the server ends."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aura_browser import Condition, Session, SiteClient
from tests.apps.app import MEMBER, Form, Visited
from tests.apps.install import install_environment
from tests.apps.visitor import Visitor

_REQUIREMENTS: Final = ("jupyterlab==4.6.6", "jupyter_server==2.21.1", "ipykernel")
_CONFIG: Final = """
import os
c.IdentityProvider.token = ""
c.PasswordIdentityProvider.hashed_password = %r
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.port_retries = 0
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True
c.ServerApp.root_dir = %r
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
"""


class Jupyter(Visited):
    """JupyterLab in an environment of its own."""

    application = "jupyter"
    page = "/lab"
    member_is_at = "/lab"
    member_sees = "#jp-main-dock-panel"
    private = "/api/me"
    private_text = "identity"
    holds_dead = Condition("js", "true")

    @property
    def environment(self) -> dict[str, str]:
        """Where it keeps what it writes."""
        names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "HOME")
        return {name: str(self.folder / name.lower()) for name in names}

    def prepare(self) -> None:
        """Write its configuration."""
        for place in (*self.environment.values(), str(self.folder / "work")):
            Path(place).mkdir()
        script = "import sys; from jupyter_server.auth import passwd; print(passwd(sys.argv[1], 'sha1'))"
        hashed = self.run(self._python, "-c", script, self.password).strip()
        (self.folder / "config.py").write_text(_CONFIG % (hashed, str(self.folder / "work")))

    def command(self, port: int) -> Sequence[str]:
        """Return JupyterLab's own command."""
        return [self._python, "-m", "jupyterlab", f"--config={self.folder / 'config.py'}", f"--port={port}"]

    def form(self, user: str = MEMBER) -> Form:
        """Return the login page's form."""
        del user
        return Form("/login", "#login_submit", {"#password_input": self.password})

    async def log_in(self, user: str = MEMBER) -> Session:
        """Send the form; there is one account."""
        del user
        async with Visitor(f"{self.origin}/lab") as visitor:
            page = await visitor.get("/login?next=/lab")
            found = re.search(r'name="_xsrf" value="([^"]+)"', page.text)
            assert found is not None, page.text[-500:]
            answer = await visitor.post("/login?next=/lab", {"_xsrf": found[1], "password": self.password})
            assert (answer.status, answer.location) == (302, "/lab"), answer
            return visitor.session

    def drop(self) -> None:
        """Start the server again with another secret; nothing less ends a login."""
        (Path(self.environment["JUPYTER_RUNTIME_DIR"]) / "jupyter_cookie_secret").unlink()
        self.restart()

    async def write(self, client: SiteClient, text: str) -> int:
        """Save a file; the header against forgery is made of a cookie."""
        body = {"type": "file", "format": "text", "content": text}
        async with client.request("PUT", "/api/contents/note.txt", json=body) as response:
            return response.status

    def read(self) -> str:
        """Return the file."""
        file = self.folder / "work" / "note.txt"
        return file.read_text() if file.exists() else ""

    async def run_code(self, client: SiteClient, code: str) -> str:
        """Run *code* in a new kernel, over a WebSocket; return what it printed."""
        async with client.post("/api/kernels", json={"name": "python3"}) as response:
            assert response.status == 201, await response.text()
            kernel = (await response.json())["id"]
        request = {
            "header": {"msg_id": "1", "session": "s", "username": "u", "msg_type": "execute_request", "version": "5.3"},
            "parent_header": {},
            "metadata": {},
            "content": {"code": code, "silent": False},
            "channel": "shell",
        }
        async with client.ws_connect(f"/api/kernels/{kernel}/channels") as socket:
            await socket.send_str(json.dumps(request))
            while True:
                message = json.loads(await socket.receive_str(timeout=30))
                if message["msg_type"] == "stream":
                    return str(message["content"]["text"])

    @property
    def _python(self) -> str:
        return str(install_environment("jupyterlab", *_REQUIREMENTS) / "bin" / "python")
