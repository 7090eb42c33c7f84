"""Nobody but the harvest controls its browser: other users of the machine, and pages, try for as long as it runs."""

import json
import subprocess
import sys

import pytest

from tests.edges.arena import ADVERSARIES, ENGINES, TRIES
from tests.parts.namespaces import in_namespaces
from tests.parts.other_user import need_other_user
from tests.parts.pages import ROOT

pytestmark = pytest.mark.chrome


@pytest.mark.parametrize("adversary", ADVERSARIES)
@pytest.mark.parametrize("engine", ENGINES)
def test_an_adversary_controls_nothing(engine: str, adversary: str) -> None:
    need_other_user()
    command = in_namespaces([sys.executable, "-m", "tests.edges.arena", engine, adversary], "--net", "--mount")
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    outcome = json.loads(run.stdout)
    assert outcome["accepted"] == [], "\n".join(outcome["accepted"])
    assert outcome["tries"]["driver"] >= TRIES
    if (engine, adversary) == ("display", "user"):
        assert outcome["tries"]["display"] >= TRIES
