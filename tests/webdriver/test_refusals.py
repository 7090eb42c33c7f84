"""How long a page that refuses, or asks for a login, may go on to another one by itself."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from aura_browser import page_site
from aura_browser.errors import LoginNeeded, PageFailed, RateLimited, SiteFailed
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.observing import Observation
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.page import Frame
from aura_browser.webdriver.refusals import find_refusal, raise_failure

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
FAILED = replace(PLAIN, status=None, frame=replace(PLAIN.frame, url="chrome-error://chromewebdata/", has_failed=True))


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


@pytest.mark.parametrize(
    ("seen", "shows_password", "mark"),
    [
        (LOGIN, True, "a password field"),
        (replace(PLAIN, status=401), False, "status 401"),
        (replace(PLAIN, status=401, headers={"www-authenticate": "Basic x"}), False, "HTTP basic authentication"),
        (replace(PLAIN, status=401, headers={"www-authenticate": "bAsIc"}), False, "HTTP basic authentication"),
        (replace(PLAIN, status=401, headers={"www-authenticate": "Bearer"}), False, "status 401"),
    ],
)
def test_a_login_that_is_needed_is_told_by_its_mark(
    seen: Observation,
    shows_password: bool,  # noqa: FBT001 - from the table above
    mark: str,
) -> None:
    refused = refusal_of(seen, 99, shows_password=shows_password)
    assert isinstance(refused, LoginNeeded)
    assert (refused.url, refused.mark) == (seen.frame.url, mark)


@pytest.mark.parametrize(("scheme", "is_said"), [("Basic x", True), ("Bearer", False)])
def test_a_password_that_is_asked_for_is_said_before_the_page_is_there(scheme: str, *, is_said: bool) -> None:
    asking = replace(PLAIN, status=401, headers={"www-authenticate": scheme}, is_complete=False)
    assert (refusal_of(asking, 0, shows_password=False) is not None) is is_said
    assert refusal_of(replace(asking, status=200), 0, shows_password=False) is None


@pytest.mark.parametrize("query", ["?a=1", ""])
def test_a_page_with_another_query_or_path_than_was_asked_for_is_another(query: str) -> None:
    url = f"https://app.example.com/chat{query}" if query else "https://app.example.com/other"
    other = replace(PLAIN, frame=Frame("loader", url, has_failed=False))
    assert isinstance(refusal_of(other, 0.5, shows_password=True), LoginNeeded)


def test_a_page_that_chrome_shows_itself_is_told_by_the_sites_address() -> None:
    own = replace(PLAIN, frame=Frame("loader", "chrome-error://chromewebdata/", has_failed=True), status=503)
    failed = refusal_of(own, 99, shows_password=False)
    assert isinstance(failed, SiteFailed)
    assert failed.url == SITE.url
    missing = refusal_of(replace(own, status=404), 99, shows_password=False)
    assert isinstance(missing, PageFailed)
    assert (missing.url, missing.code) == (SITE.url, "the site answers 404")


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (replace(PLAIN, status=407), "the proxy refused the user and password"),
        (FAILED, "ERR_X"),
        (replace(FAILED, frame=replace(FAILED.frame, loader="other")), "Chrome shows an error page"),
        (replace(FAILED, status=502), None),
        (replace(FAILED, is_complete=False), None),
        (PLAIN, None),
    ],
)
def test_a_page_that_could_not_be_loaded_is_told_by_chromes_code(seen: Observation, code: str | None) -> None:
    log = SimpleNamespace(failure_of=lambda loader: "ERR_X" if loader == "loader" else "")
    observer: Any = SimpleNamespace(log=log)
    if code is None:
        raise_failure(observer, seen, SITE)
        return
    with pytest.raises(PageFailed) as caught:
        raise_failure(observer, seen, SITE)
    assert caught.value.url == SITE.url
    assert code in caught.value.code


def refusal_of(seen: Observation, shown_for_s: float, *, shows_password: bool) -> Exception | None:
    observer = SimpleNamespace(page=SimpleNamespace(shows_password=lambda: shows_password))
    options = BrowserOptions(Deadline(9.0))
    return find_refusal(observer, seen, SITE, options, shown_for_s=shown_for_s)  # type: ignore[arg-type]
