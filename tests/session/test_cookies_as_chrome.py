"""Cookies as Chrome keeps them, compared with what a real Chrome kept (``make cookies-vs-chrome`` asks it anew)."""

from tests.cookies.compare import EXPLAINED, differences, origins_at
from tests.cookies.lines import STORIES, cases
from tests.cookies.record import read_record


def test_every_line_and_story_is_kept_as_chrome_kept_it() -> None:
    record = read_record(origins_at)
    found = list(differences(record))
    assert [text for line, text in found if line not in EXPLAINED] == []
    assert EXPLAINED.keys() == {line for line, _ in found}


def test_the_record_holds_the_whole_table() -> None:
    record = read_record(origins_at)
    assert len(record.cases) == len(list(cases(record.now)))
    assert len({case.line for case in cases(record.now)}) >= 400
    assert record.stories.keys() == STORIES.keys()
    kept = [case.cookie for case in record.cases]
    assert kept.count(None) > 1000
    assert len(kept) - kept.count(None) > 1000
