"""Made-up inputs at every entrance: only AuraErrors come out, with bounded work and memory."""

import pytest

from tests.fuzz.entrances import ENTRANCES
from tests.fuzz.running import MAX_MIB, fuzz

COUNT = 2_000
SEED = "test"


@pytest.mark.parametrize("name", ENTRANCES)
def test_only_our_errors_come_out(name: str) -> None:
    outcome = fuzz(name, COUNT, SEED)
    assert outcome.grown_mib < MAX_MIB
    assert outcome.slowest_s < 10, outcome.slowest  # milliseconds, on a machine that does nothing else
