"""What a process that runs a part of the tests tells the first: for a test that passed, one message in place of six.

Thousands of tests take a hundredth of a second or less, and what is told of each then costs both processes as much.
"""

from typing import Final

import pytest
from _pytest.runner import runtestprotocol  # what plugins that run a test again use

_LONG_S: Final = 1.0  # a fixture that takes so long is shown among what takes longest


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run *item* as pytest does; leave out that it begins and ends, and its fixtures where all went well."""
    if not hasattr(item.config, "workerinput"):
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed or report.duration >= _LONG_S:
            item.ihook.pytest_runtest_logreport(report=report)
    return True
