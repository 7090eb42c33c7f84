"""How long a page that refuses, or asks for a login, may go on to another one by itself."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from aura_browser import page_site
from aura_browser.errors import LoginNeeded, PageFailed, RateLimited, SiteFailed
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.observing import Observation
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.page import Frame
from aura_browser.webdriver.refusals import find_refusal

SITE = page_site("https://app.example.com/chat")
PLAIN = Observation(
    frame=Frame("loader", "https://app.example.com/chat", has_failed=False),
    status=200,
    headers={},
    is_complete=True,
    has_script=False,
    has_frame=False,
    refresh_s=None,
    is_check=False,
    text="",
    values=(),
    cookie_names=None,
)
LOGIN = replace(PLAIN, frame=Frame("loader", "https://app.example.com/login", has_failed=False))
SCRIPTED = replace(PLAIN, has_script=True)


@pytest.mark.parametrize(
    ("seen", "shows_password", "error", "early_s", "late_s"),
    [
        (PLAIN, True, LoginNeeded, 0.9, 1.0),
        (LOGIN, True, LoginNeeded, 0.4, 0.5),
        (replace(PLAIN, status=403), True, LoginNeeded, 0.4, 0.5),
        (replace(PLAIN, status=401), False, LoginNeeded, 0.9, 1.0),
        (replace(PLAIN, status=429), False, RateLimited, 0.4, 0.5),
        (replace(SCRIPTED, status=429), False, RateLimited, 2.9, 3.0),
        (replace(PLAIN, status=503), False, SiteFailed, 0.4, 0.5),
        (replace(SCRIPTED, status=500), False, SiteFailed, 2.9, 3.0),
        (replace(PLAIN, status=404), False, PageFailed, 2.9, 3.0),
        (replace(SCRIPTED, status=410), False, PageFailed, 2.9, 3.0),
    ],
)
def test_a_page_that_refuses_is_given_time_to_go_on(
    seen: Observation,
    shows_password: bool,  # noqa: FBT001 - from the table above
    error: type[Exception],
    early_s: float,
    late_s: float,
) -> None:
    assert refusal_of(seen, early_s, shows_password=shows_password) is None
    assert type(refusal_of(seen, late_s, shows_password=shows_password)) is error
    for waiting in (replace(seen, is_complete=False), replace(seen, is_check=True)):
        assert refusal_of(waiting, 99, shows_password=shows_password) is None


def test_a_page_that_refuses_nothing_is_no_refusal() -> None:
    assert refusal_of(PLAIN, 99, shows_password=False) is None
    assert refusal_of(replace(PLAIN, status=403), 99, shows_password=False) is None


def test_a_refused_page_says_when_to_try_again() -> None:
    limited = refusal_of(replace(PLAIN, status=429, headers={"retry-after": "7"}), 1.0, shows_password=False)
    assert isinstance(limited, RateLimited)
    assert limited.retry_after_s == 7


def refusal_of(seen: Observation, shown_for_s: float, *, shows_password: bool) -> Exception | None:
    observer = SimpleNamespace(page=SimpleNamespace(shows_password=lambda: shows_password))
    options = BrowserOptions(Deadline(9.0))
    return find_refusal(observer, seen, SITE, options, shown_for_s=shown_for_s)  # type: ignore[arg-type]
