"""Made-up inputs at every entrance: only AuraErrors come out, with bounded work and memory."""

import pytest

from tests.fuzz.entrances import ENTRANCES
from tests.fuzz.running import MAX_MIB, fuzz

SEED = "test"


@pytest.mark.parametrize("count", [1_000, pytest.param(3_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", ENTRANCES)
def test_only_our_errors_come_out(name: str, count: int) -> None:
    outcome = fuzz(name, count, SEED)
    assert outcome.grown_mib < MAX_MIB
    assert outcome.slowest_s < 10, outcome.slowest  # milliseconds, on a machine that does nothing else
