"""What errors say."""

import inspect

import pytest

from aura_browser import errors
from aura_browser.errors import AuraError, HarvestCoolingDown, RateLimited, StreamInterrupted

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if vars(kind).get("__annotations__")]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_takes_its_facts_by_name_and_equals_only_itself(kind: type[AuraError]) -> None:
    one, other = (kind(**dict.fromkeys(kind.__annotations__, "x")) for _ in range(2))
    assert vars(one) == dict.fromkeys(kind.__annotations__, "x")
    assert len({one, other}) == 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RateLimited("http://a.example/", 0.4), "Wait 1 s, then try again."),
        (RateLimited("http://a.example/", 7.0), "Wait 7 s, then try again."),
        (RateLimited("http://a.example/", 7.2), "Wait 8 s, then try again."),
        (RateLimited("http://a.example/", None), "Wait a while, then try again."),
        (HarvestCoolingDown(1.3, "It failed."), "for another 2 s, because"),
    ],
)
def test_who_waits_as_long_as_an_error_says_waits_long_enough(error: AuraError, said: str) -> None:
    assert said in str(error)


def test_an_answer_that_broke_off_is_as_long_as_what_came() -> None:
    assert "after 2 characters: it ended." in str(StreamInterrupted("http://a.example/", "it ended", "ab"))
    assert "after 12,345 characters: it ended." in str(StreamInterrupted("http://a.example/", "it ended", "ab", 12_345))
