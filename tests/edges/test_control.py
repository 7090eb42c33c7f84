"""Nobody but the harvest controls its browser: other users of the machine, and pages, try for as long as it runs."""

import json
import subprocess
import sys

import pytest

from tests.edges.arena import ENGINES, TRIES
from tests.parts.namespaces import in_namespaces
from tests.parts.other_user import need_other_user
from tests.parts.pages import ROOT

pytestmark = pytest.mark.chrome


@pytest.mark.parametrize("engine", ENGINES)
def test_adversaries_control_nothing(engine: str) -> None:
    need_other_user()
    command = in_namespaces([sys.executable, "-m", "tests.edges.arena", engine], "--net", "--mount")
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    outcome = json.loads(run.stdout)
    assert outcome["accepted"] == [], "\n".join(outcome["accepted"])
    tries = outcome["tries"]
    assert min(tries["driver"], tries["loopback"], tries["elsewhere"]) >= TRIES
    assert engine != "display" or tries["display"] >= TRIES
