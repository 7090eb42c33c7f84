"""What counts as a change while a person has the window."""

import pytest

from aura_browser.webdriver.changes import Changes

Look = tuple[tuple[str | None, ...], str]
_SETTLED = "settled"


def see(changes: Changes, values: tuple[str | None, ...], how: str = _SETTLED) -> bool:
    return changes.see(values, is_settled=how == _SETTLED, is_login=how == "login", is_check=how == "check")


@pytest.mark.parametrize(
    ("looks", "is_over", "by_person"),
    [
        ([(("", "a"), _SETTLED), (("", "a"), _SETTLED)], False, False),
        ([(("", "a"), _SETTLED), (("", "b"), "moving")], True, True),
        ([(("", None), _SETTLED), (("", "a"), "moving")], True, True),
        ([(("", "a"), _SETTLED), ((None, "a"), "moving"), (("", "a"), "moving")], True, True),
        # A page that has not come to rest shows nothing yet, and neither does a cookie that is late.
        ([(("", None), "moving"), (("", "a"), _SETTLED)], False, False),
        ([(("", None), "login"), (("", "a"), _SETTLED)], False, False),
        # On a login page other conditions count at once.
        ([((None, "a"), "login"), (("", "a"), "moving")], True, True),
        # A check page passed ends it, and is no login.
        ([(("", "a"), "check")], False, False),
        ([((None, None), "check"), (("", "a"), "moving")], False, False),
        ([((None, None), "check"), (("", "a"), _SETTLED)], True, False),
        ([((None, None), "check"), (("", None), _SETTLED), (("", "a"), _SETTLED)], True, True),
    ],
)
def test_a_change_is_noticed(looks: list[Look], *, is_over: bool, by_person: bool) -> None:
    changes = Changes([False, True])
    results = [see(changes, values, how) for values, how in looks]
    assert results[:-1] == [False] * (len(looks) - 1)
    assert (results[-1], changes.by_person) == (is_over, by_person)
