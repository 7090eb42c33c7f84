"""A machine that is made up, for reports in tests."""

from tests.bench.results import Machine

MACHINE = Machine(cores=2, python="3.12.0", chrome="Chromium 150", system="Linux 6 x86_64", load=0.25)
