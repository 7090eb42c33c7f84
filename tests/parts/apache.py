"""A real Apache with a login form before what it serves, as companies have one: a git repository, or another server."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.parts.missing import missing
from tests.parts.ports import free_port
from tests.parts.server_process import started

USER: Final = "ann"
PASSWORD: Final = "s3cret-password"
_MODULES: Final = Path("/usr/lib/apache2/modules")
_CONFIG: Final = """
ServerName 127.0.0.1
ServerRoot {root}
PidFile {root}/pid
ErrorLog {root}/error.log
Listen 127.0.0.1:{port}
{user}
{modules}
{content}
<Location />
    AuthType form
    AuthName members
    AuthFormProvider file
    AuthUserFile {root}/users
    Session On
    SessionCookieName session path=/;HttpOnly
    SessionCryptoPassphrase a-made-up-passphrase
    Require valid-user
</Location>
<Location /login>
    SetHandler form-login-handler
    AuthFormLoginSuccessLocation /
    Require all granted
</Location>
"""

_GIT: Final = """
ScriptAlias /git/ {git}/git-http-backend/
SetEnv GIT_PROJECT_ROOT {root}/repositories
SetEnv GIT_HTTP_EXPORT_ALL 1
PassEnv PATH
"""
_PROXY: Final = """
ProxyPass /login !
ProxyPass / {backend}/ flushpackets=on
"""
_MODULES_OF_ALL: Final = (
    *("mpm_prefork", "authn_core", "authn_file", "authz_core", "authz_user", "auth_form", "request", "session"),
    *("session_cookie", "session_crypto"),
)


@contextmanager
def serving_git() -> Iterator[tuple[str, Path]]:
    """Serve a bare repository ``project.git`` at ``/git/`` while the context lasts; yield the origin and its folder."""
    with tempfile.TemporaryDirectory(prefix="apache-") as folder:
        repository = _make_repository(Path(folder))
        git = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607 - the one on the path
        content = _GIT.format(git=git, root=folder)
        with _serving(Path(folder), content, ("alias", "env", "cgi")) as origin:
            yield origin, repository


@contextmanager
def serving_before(backend: str) -> Iterator[str]:
    """Pass on to the server at *backend* what members ask for, while the context lasts; yield the origin."""
    with (
        tempfile.TemporaryDirectory(prefix="apache-") as folder,
        _serving(Path(folder), _PROXY.format(backend=backend), ("proxy", "proxy_http")) as origin,
    ):
        yield origin


@contextmanager
def _serving(root: Path, content: str, modules: tuple[str, ...]) -> Iterator[str]:
    if not (shutil.which("apache2") and shutil.which("htpasswd") and (_MODULES / "mod_auth_form.so").exists()):
        missing("apache2 is missing; bring it with: make test-parts")
    port = free_port()
    root.chmod(0o755)
    subprocess.run(["htpasswd", "-cbB", str(root / "users"), USER, PASSWORD], capture_output=True, check=True)  # noqa: S607 - the one on the path
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    loads = "\n".join(f"LoadModule {name}_module {_MODULES}/mod_{name}.so" for name in (*_MODULES_OF_ALL, *modules))
    config = root / "apache.conf"
    config.write_text(_CONFIG.format(root=root, port=port, user=user, modules=loads, content=content), "utf-8")
    # In a group of its own: when it is ended, it ends its whole group.
    command = ["setsid", "apache2", "-DFOREGROUND", "-f", str(config)]
    server = started(command, root / "started.log", lambda: "resuming normal operations" in _read(root / "error.log"))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def _make_repository(root: Path) -> Path:
    repository = root / "repositories" / "project.git"
    for command in (
        ["git", "init", "-q", "--bare", "-b", "main", str(repository)],
        ["git", "-C", str(repository), "config", "http.receivepack", "true"],
    ):
        subprocess.run(command, capture_output=True, check=True)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "www-data:www-data", str(root / "repositories")], check=True)  # noqa: S607 - the one on the path
    return repository


def _read(log: Path) -> str:
    return log.read_text("utf-8", "replace") if log.exists() else ""


def log_in(origin: str) -> str:
    """Log in as the form does, and return the session's cookie, without its name."""
    curl = shutil.which("curl") or pytest.fail("curl is missing")
    data = f"httpd_username={USER}&httpd_password={PASSWORD}"
    head = subprocess.run(
        [curl, "-s", "-i", "-d", data, f"{origin}/login"], capture_output=True, text=True, check=True
    ).stdout
    line = next(line for line in head.splitlines() if line.lower().startswith("set-cookie: session="))
    return line.partition("session=")[2].partition(";")[0]
