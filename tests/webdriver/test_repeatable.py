"""Which of a page's requests may be sent again."""

import pytest
from yarl import URL

from aura_browser.webdriver.repeatable import is_harmless

_HOST = "https://chat.example.com"


@pytest.mark.parametrize(
    ("address", "may_be_sent"),
    [
        (f"{_HOST}/api/me?lang=de", True),
        (f"{_HOST}/x?q={'a' * 19}", True),
        (f"{_HOST}/x?q={'a' * 20}", False),
        (f"{_HOST}/x?api_key=1", False),
        (f"{_HOST}/Sign-Out", False),
        (f"{_HOST}/x?then=logout", False),
        ("https://ann@chat.example.com/", False),
        (f"{_HOST}/{'a' * 499}", True),
        (f"{_HOST}/{'a' * 500}", False),
        (f"{_HOST}/{'a/' * 20_000}", False),
    ],
)
def test_what_may_change_something_or_is_secret_or_too_long_is_not_sent_again(
    address: str, *, may_be_sent: bool
) -> None:
    assert is_harmless(URL(address)) is may_be_sent
