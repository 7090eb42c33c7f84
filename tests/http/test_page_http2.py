"""A page at a site on HTTP/2: fifty answers at once, each whole and in order."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aura_browser import Chrome, Probe, Site, SiteClient
from tests.parts.device_bound import HOST, make_tls, write_chrome
from tests.parts.http2_app import TOKENS
from tests.parts.programs import Started
from tests.parts.sessions import make_cookie, make_session

AT_ONCE = 50
ROOT = Path(__file__).parents[2]


@contextmanager
def serving_http2(folder: Path) -> Iterator[int]:
    """Serve while the context lasts; yield the port. Whoever connects before the server runs waits for it."""
    certificate = str(folder / "site.pem")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        bind = f"fd://{listener.fileno()}"
        command = ["-m", "hypercorn", "tests.parts.http2_app:answer", "--bind", bind, "--workers", "0"]
        with Started(
            [sys.executable, *command, "--certfile", certificate, "--keyfile", certificate],
            cwd=ROOT,
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            yield listener.getsockname()[1]
            process.kill()


async def read(client: SiteClient, number: int) -> tuple[str, str]:
    async with client.get(f"/{number}") as response:
        return response.headers["X-Protocol"], await response.text()


@pytest.mark.chrome
async def test_fifty_answers_at_once_are_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, spki = make_tls(tmp_path)
    with serving_http2(tmp_path) as port:
        origin = f"https://{HOST}:{port}"
        session = make_session(origin, cookies=(make_cookie(domain=HOST),))
        engine = Chrome(chrome_path=write_chrome(tmp_path, spki))
        site = Site(f"{origin}/", probe=Probe("/me"))
        async with SiteClient(site, session=session, engine=engine, transport="page", refresh="never") as client:
            answers = await asyncio.gather(*(read(client, number) for number in range(AT_ONCE)))
    for number, (protocol, text) in enumerate(answers):
        assert protocol == "2"
        assert text.split() == [f"{number}.{token}" for token in range(TOKENS)]
    assert "waits for its turn" not in caplog.text
