"""Real programs send what was exported for them, and what they save comes in: as the page of formats says."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.formats.programs.gate import Gate, serving_gate
from tests.formats.programs.matrix import LOST, run_sender
from tests.formats.programs.receivers import RECEIVERS, Receiver, run_receiver
from tests.formats.programs.senders import SENDERS, Sender
from tests.formats.programs.table import SAVES, SENDS, read_table


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with serving_gate(tmp_path_factory.mktemp("gate")) as running:
        yield running


@pytest.mark.parametrize("sender", [each for each in SENDERS if each.is_quick], ids=lambda each: each.name)
def test_a_program_sends_what_the_page_says(sender: Sender, gate: Gate, tmp_path: Path) -> None:
    told = dict(read_table(SENDS)[sender.name])
    if sender.name == "http.cookiejar" and sys.version_info >= (3, 14):
        told["no end"] = "yes"  # 3.14.8 loads them; 3.11.7 and 3.13.5 do not
    assert run_sender(sender, gate, tmp_path) == told


QUICK = [
    pytest.param(each, marks=[pytest.mark.chrome] * each.needs_chrome, id=each.name)
    for each in RECEIVERS
    if each.is_quick
]


@pytest.mark.parametrize("receiver", QUICK)
def test_what_a_program_saves_comes_in_as_the_page_says(receiver: Receiver, gate: Gate, tmp_path: Path) -> None:
    assert run_receiver(receiver, gate, tmp_path) == read_table(SAVES)[receiver.name]


def test_the_page_has_all_programs_and_none_that_loses_a_cookie_without_a_word() -> None:
    sends, saves = read_table(SENDS), read_table(SAVES)
    assert list(sends) == [sender.name for sender in SENDERS]
    assert list(saves) == [receiver.name for receiver in RECEIVERS]
    assert not [name for name, row in sends.items() if LOST in row.values()]
