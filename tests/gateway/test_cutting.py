"""Stop sequences and lengths, whatever pieces a text comes in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_browser.gateway.cutting import Cutter

PIECES = st.lists(st.text(alphabet="ab€", max_size=6), max_size=12)
STOPS = st.lists(st.text(alphabet="ab€", min_size=1, max_size=4), max_size=3).map(tuple)


def run(pieces: list[str], stops: tuple[str, ...], max_tokens: int | None = None) -> tuple[str, Cutter]:
    cutter, given_out = Cutter(stops, max_tokens), ""
    for piece in pieces:
        given_out += cutter.feed(piece)
        if cutter.reason:
            return given_out, cutter
    return given_out + cutter.flush(), cutter


@given(PIECES, STOPS)
def test_the_first_stop_that_comes_ends_it_wherever_pieces_are_cut(pieces: list[str], stops: tuple[str, ...]) -> None:
    whole = "".join(pieces)
    text, cutter = run(pieces, stops)
    # The first one to be complete, as a reader of the text character by character would see it.
    ends = [(whole.find(stop), stop) for stop in stops if stop in whole]
    if not ends:
        assert (text, cutter.reason, cutter.stop) == (whole, None, None)
        return
    assert cutter.reason == "stop"
    assert cutter.stop in stops
    assert whole.startswith(text + (cutter.stop or ""))
    assert not any(stop in text for stop in stops)


@given(PIECES, st.integers(1, 8))
def test_a_length_is_never_exceeded_and_no_character_is_cut(pieces: list[str], max_tokens: int) -> None:
    whole = "".join(pieces)
    text, cutter = run(pieces, (), max_tokens)
    assert whole.startswith(text)
    assert len(text.encode()) <= 4 * max_tokens
    assert cutter.tokens == -(-len(text.encode()) // 4)
    assert (cutter.reason == "length") == (text != whole)


@pytest.mark.parametrize(("max_tokens", "reason"), [(1, None), (None, None)])
def test_an_answer_as_long_as_asked_for_is_not_cut(max_tokens: int | None, reason: str | None) -> None:
    assert run(["ab", "cd"], (), max_tokens)[1].reason == reason


def test_what_waits_for_a_stop_is_given_at_the_end() -> None:
    cutter = Cutter(("STOP",), None)
    assert [cutter.feed("a ST"), cutter.feed("O"), cutter.flush()] == ["a ", "", "STO"]


def test_what_waits_counts_too() -> None:
    text, cutter = run(["abc", "dSTO"], ("STOP",), 1)
    assert (text, cutter.reason) == ("abcd", "length")


def test_what_waits_is_not_given_after_a_length_that_fell_into_a_character() -> None:
    cutter = Cutter(("STOP",), 1)
    assert (cutter.feed("abc€ST"), cutter.reason, cutter.flush(), cutter.tokens) == ("abc", "length", "", 1)
