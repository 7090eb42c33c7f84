"""A real Apache with a git repository behind a login form, as companies have one."""

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
from tests.parts.server_process import free_port, started

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
ScriptAlias /git/ {git}/git-http-backend/
SetEnv GIT_PROJECT_ROOT {root}/repositories
SetEnv GIT_HTTP_EXPORT_ALL 1
PassEnv PATH
<Location />
    AuthType form
    AuthName git
    AuthFormProvider file
    AuthUserFile {root}/users
    Session On
    SessionCookieName session path=/;HttpOnly
    SessionCryptoPassphrase a-made-up-passphrase
    Require valid-user
</Location>
<Location /login>
    SetHandler form-login-handler
    AuthFormLoginSuccessLocation /git/
    Require all granted
</Location>
"""


def _list_modules() -> str:
    names = (
        *("mpm_prefork", "authn_core", "authn_file", "authz_core", "authz_user", "auth_form", "request", "session"),
        *("session_cookie", "session_crypto", "alias", "env", "cgi"),
    )
    return "\n".join(f"LoadModule {name}_module {_MODULES}/mod_{name}.so" for name in names)


@contextmanager
def serving_git() -> Iterator[tuple[str, Path]]:
    """Serve a bare repository ``project.git`` at ``/git/`` while the context lasts; yield the origin and its folder."""
    if not (shutil.which("apache2") and shutil.which("htpasswd") and (_MODULES / "mod_auth_form.so").exists()):
        missing("apache2 is missing; bring it with: make test-parts")
    with tempfile.TemporaryDirectory(prefix="apache-") as folder:
        root, port = Path(folder), free_port()
        _fill(root)
        git = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607 - the one on the path
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        config = root / "apache.conf"
        config.write_text(_CONFIG.format(root=root, port=port, user=user, git=git, modules=_list_modules()), "utf-8")
        log = root / "started.log"
        # In a group of its own: when it is ended, it ends its whole group.
        command = ["setsid", "apache2", "-DFOREGROUND", "-f", str(config)]
        server = started(command, log, lambda: "resuming normal operations" in _read(root / "error.log"))
        try:
            yield f"http://127.0.0.1:{port}", root / "repositories" / "project.git"
        finally:
            server.terminate()
            server.wait(20)


def _fill(root: Path) -> None:
    root.chmod(0o755)
    repository = root / "repositories" / "project.git"
    for command in (
        ["htpasswd", "-cbB", str(root / "users"), USER, PASSWORD],
        ["git", "init", "-q", "--bare", "-b", "main", str(repository)],
        ["git", "-C", str(repository), "config", "http.receivepack", "true"],
    ):
        subprocess.run(command, capture_output=True, check=True)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "www-data:www-data", str(root / "repositories")], check=True)  # noqa: S607 - the one on the path


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
