"""Answers of each wire, byte for byte as recorded: what a client that is not tested here reads in them too."""

import pytest

from tests.gateway.answers.writing import WIRES, path_of, write_all


@pytest.mark.parametrize("name", WIRES)
def test_an_answer_is_written_as_recorded(name: str) -> None:
    assert write_all(name) == path_of(name).read_text("utf-8")
