"""JupyterLab through the reverse proxy: its own Python client starts a kernel and talks to it over a WebSocket."""

import asyncio
import http.cookiejar
import os
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from aura_browser.assembly import assemble_transport
from aura_browser.relay import Relay
from aura_browser.session import Session
from aura_browser.site import Probe, Site
from tests.apps.install import install_from_pypi
from tests.parts.ports import free_port
from tests.parts.server_process import started
from tests.parts.sessions import make_cookie, make_session

TOKEN: Final = "t0ken-of-the-test"
PASSWORD: Final = "correct-horse-1"
REQUIREMENTS: Final = ("jupyterlab==4.6.6", "jupyter-kernel-client==1.0.2")
CONFIG: Final = """
c = get_config()
c.ServerApp.ip, c.ServerApp.port, c.ServerApp.port_retries = "127.0.0.1", {port}, 0
c.ServerApp.open_browser, c.ServerApp.allow_root, c.ServerApp.root_dir = False, True, {folder!r}
c.IdentityProvider.token = {password!r}
c.LabApp.news_url, c.LabApp.check_for_updates_class = None, "jupyterlab.NeverCheckForUpdate"
"""
PROGRAM: Final = """
import sys
from jupyter_kernel_client import JupyterKernelClient

with JupyterKernelClient(server_url=sys.argv[1], token=None, headers={"X-Aura-Token": sys.argv[2]}) as kernel:
    reply = kernel.execute("6 * 7", timeout=60)
    print(reply["status"], reply["outputs"][0]["data"]["text/plain"])
"""


@contextmanager
def running_lab(folder: Path) -> Iterator[str]:
    """Run JupyterLab while the context lasts; yield its origin."""
    libraries, port = install_from_pypi(*REQUIREMENTS), free_port()
    config = folder / "jupyter_server_config.py"
    config.write_text(CONFIG.format(port=port, folder=str(folder), password=PASSWORD), "utf-8")
    places = {name: str(folder / name.lower()) for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    environment = {"PYTHONPATH": str(libraries), "JUPYTER_CONFIG_DIR": str(folder), "HOME": str(folder), **places}
    words = [f"{name}={value}" for name, value in environment.items()]
    command = ["env", *words, sys.executable, "-m", "jupyterlab", f"--config={config}"]
    origin = f"http://127.0.0.1:{port}"
    server = started(command, folder / "lab.log", lambda: _answers(origin), ready_s=60)
    try:
        yield origin
    finally:
        server.terminate()
        server.wait(30)


def _answers(origin: str) -> bool:
    try:
        with urllib.request.urlopen(f"{origin}/api", timeout=5) as answer:  # noqa: S310 - on loopback
            return bool(answer.status == 200)
    except OSError:
        return False


def log_in(origin: str) -> Session:
    """Log in as the form does, and return what a browser would have."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.open(f"{origin}/login?next=/lab", timeout=30).close()
    xsrf = next(cookie.value for cookie in jar if cookie.name == "_xsrf")
    form = urllib.parse.urlencode({"_xsrf": xsrf, "password": PASSWORD}).encode()
    opener.open(f"{origin}/login?next=/api/me", form, timeout=30).close()
    cookies = tuple(make_cookie(cookie.name, cookie.value or "", http_only=cookie.name != "_xsrf") for cookie in jar)
    return make_session(origin, url=f"{origin}/lab", cookies=cookies, is_login=True)


def derive(session: Session, _method: str) -> Mapping[str, str]:
    return {"X-XSRFToken": next(cookie.value for cookie in session.cookies if cookie.name == "_xsrf")}


@pytest.mark.timeout(300)
async def test_its_own_client_starts_a_kernel_and_talks_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    with await asyncio.to_thread(running_lab, folder) as origin:
        session = await asyncio.to_thread(log_in, origin)
        site = Site(f"{origin}/lab", probe=Probe("/api/me", good="200 application/json"), derive=derive)
        transport, manager = assemble_transport(site, session=session, refresh="never")
        relay = Relay(site, transport, manager, token=TOKEN, port=0)
        await relay.start()
        try:
            libraries = await asyncio.to_thread(install_from_pypi, *REQUIREMENTS)
            client = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", PROGRAM, f"http://127.0.0.1:{relay.port}", TOKEN),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": str(libraries)},
            )
            told, errors = await asyncio.wait_for(client.communicate(), 120)
        finally:
            await relay.stop()
    assert told.decode().strip() == "ok 42", errors.decode()[-3000:]
