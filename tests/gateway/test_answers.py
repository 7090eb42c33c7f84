"""Answers of each wire, byte for byte as recorded: what a client that is not tested here reads in them too."""

import pytest

from aura_browser.gateway.wires.question import Wire
from tests.gateway.answers.writing import WIRES, path_of, write_all


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: path_of(wire).stem)
def test_an_answer_is_written_as_recorded(wire: Wire) -> None:
    assert write_all(wire) == path_of(wire).read_text("utf-8")
