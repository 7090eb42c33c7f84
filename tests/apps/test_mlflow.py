"""What only MLflow does: HTTP basic authentication, so that a person gives a password and no browser is opened."""

import asyncio
import json

import pytest

from aura_browser import SiteClient
from tests.apps.mlflow import MLflow
from tests.parts.command import Terminal, run

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.timeout(600),
    pytest.mark.parametrize("running", ["mlflow"], indirect=True),
]


@pytest.fixture(autouse=True)
def no_browser(defined: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURA_BROWSER_CHROME", "/nowhere/chrome")


async def test_a_person_types_the_password_and_the_shell_has_a_session(running: MLflow) -> None:
    without = await asyncio.to_thread(run, "harvest", "mlflow")
    assert without.returncode == 77, without.stderr
    with Terminal("harvest", "mlflow", "-o", "/dev/null") as terminal:
        terminal.read_until("User")
        terminal.type("boss\n")
        terminal.read_until("Password")
        terminal.type(f"{running.password}\n")
        terminal.read_until("use it")
    words = ("request", f"mlflow{running.private}")
    good = await asyncio.to_thread(run, *words)
    assert json.loads(good.stdout)["user"]["username"] == "boss", good.stderr
    running.drop()
    dropped = await asyncio.to_thread(run, *words)
    assert (dropped.returncode, dropped.stdout) == (77, ""), dropped.stderr
    assert "Run: aura-browser harvest mlflow --basic" in dropped.stderr
    renewed = await asyncio.to_thread(run, *words, AURA_BROWSER_BASIC=f"boss:{running.password}")
    assert json.loads(renewed.stdout)["user"]["username"] == "boss", renewed.stderr


async def test_what_is_learned_works_unedited(running: MLflow) -> None:
    secret = {"AURA_BROWSER_BASIC": f"boss:{running.password}"}
    words = ("sites", "learn", f"{running.origin}/", "--name", "tracking", "--yes", "--json")
    learned = await asyncio.to_thread(run, *words, **secret)
    assert learned.returncode == 0, learned.stderr
    assert json.loads(learned.stdout)["definition"]["login"] == "basic"
    tried = await asyncio.to_thread(run, "sites", "test", "tracking")
    assert tried.returncode == 0, tried.stdout + tried.stderr
    asked = await asyncio.to_thread(run, "request", f"tracking{running.private}")
    assert json.loads(asked.stdout)["user"]["username"] == "boss", asked.stderr
    async with SiteClient("tracking", refresh="never") as client:
        assert await running.write(client, "learned") == 200
    assert running.read() == "learned"
