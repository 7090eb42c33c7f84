"""TLS that fails in a real Chrome, and what is advised against that."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from aura_browser import page_site
from aura_browser.errors import PageFailed
from aura_browser.webdriver.harvest import harvest
from tests.parts.command import run
from tests.parts.missing import missing
from tests.parts.servers import page, serving
from tests.parts.tls import make_certificate, make_context


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("ERR_CERT_AUTHORITY_INVALID", "for Chrome to ~/.pki/nssdb, with certutil"),
        ("ERR_CERT_WEAK_SIGNATURE_ALGORITHM", "for Chrome to ~/.pki/nssdb, with certutil"),
        ("ERR_CERT_DATE_INVALID", "Check this machine's clock"),
        ("ERR_CERT_COMMON_NAME_INVALID", "Check the host in the address."),
        ("ERR_SSL_PROTOCOL_ERROR", "or only http"),
        ("ERR_CONNECTION_REFUSED", "Check the address, the network and the proxy."),
    ],
)
def test_the_advice_fits_the_cause(code: str, advice: str) -> None:
    assert advice in str(PageFailed("https://a.example/", code))


def trust(certutil: str, certificate: Path, home: Path) -> None:
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    for command in (["-N", "--empty-password"], ["-A", "-n", "mine", "-t", "C,,", "-i", str(certificate)]):
        subprocess.run([certutil, "-d", f"sql:{database}", *command], check=True, capture_output=True, timeout=20)


@pytest.mark.chrome
async def test_a_certificate_of_ones_own_is_refused_and_taken_as_advised(tmp_path: Path) -> None:
    certutil = shutil.which("certutil") or missing(
        "certutil is not here; install it with: apt-get install libnss3-tools"
    )
    certificate = make_certificate(tmp_path / "server.pem")
    async with serving(page("<p>Hello"), make_context(certificate)) as (_server, origin):
        with pytest.raises(PageFailed, match="ERR_CERT_AUTHORITY_INVALID") as caught:
            await harvest(page_site(origin))
        assert "~/.pki/nssdb" in str(caught.value)
        assert "network" not in str(caught.value)
        await asyncio.to_thread(trust, certutil, certificate, tmp_path)
        environment = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "SSL_CERT_FILE": str(certificate)}
        taken = await asyncio.to_thread(lambda: run("harvest", origin, **environment))
    assert taken.returncode == 0, taken.stderr
    assert json.loads(taken.stdout)["proof"] == "open"
