"""What the ways to get a browser refuse, under which name, and what they say of themselves."""

from collections.abc import Callable

import pytest

from aura_browser import AttachChrome
from aura_browser.engine import Attach, Chrome, Grid, Selenium, parse_attach
from aura_browser.errors import InvalidInput


@pytest.mark.parametrize(
    ("make", "name", "given"),
    [
        (
            Grid,
            "grid",
            ("", "127.0.0.1:4444", "ftp://grid:4444", "http://", "http://[", "http://grid/?a=b", "http://g/#a"),
        ),
        (
            Attach,
            "attach",
            ("", "9222", "host", "host:", "host:99999", "host:1/x", "me@host:1", "host:1?x", "host:1#x"),
        ),
        (AttachChrome, "attach", ("", "nightly", "stable ", "Stable")),
    ],
)
def test_an_address_that_can_not_be_one_is_refused_by_the_options_name(
    make: Callable[[str], object], name: str, given: tuple[str, ...]
) -> None:
    for text in given:
        with pytest.raises(InvalidInput) as caught:
            make(text)
        assert caught.value.name == name, text


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:4444", "https://me:s3cret@grid.example/wd/hub", "http://[::1]:4444/"]
)
def test_a_grids_address_is_kept_and_not_shown(url: str) -> None:
    grid = Grid(url)
    assert grid.url == url
    assert "grid.example" not in repr(grid)
    assert "s3cret" not in repr(grid)


@pytest.mark.parametrize("address", ["127.0.0.1:9222", "[::1]:9222", "host.example:1"])
def test_a_debugging_ports_address_is_kept(address: str) -> None:
    assert Attach(address).address == address


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("chrome", AttachChrome("stable")),
        ("chrome:", AttachChrome("stable")),
        ("chrome:beta", AttachChrome("beta")),
        ("chrome:dev", AttachChrome("dev")),
        ("chrome:canary", AttachChrome("canary")),
        ("chrome:9222", Attach("chrome:9222")),
        ("127.0.0.1:9222", Attach("127.0.0.1:9222")),
    ],
)
def test_what_is_attached_to_is_a_channel_of_chrome_or_an_address(text: str, engine: Attach | AttachChrome) -> None:
    assert parse_attach(text) == engine
    if isinstance(engine, AttachChrome):
        assert engine.option == text.removesuffix(":")


def test_a_window_is_shown_where_the_person_is_unless_said_otherwise() -> None:
    assert not Selenium().virtual_display
    assert not Chrome().virtual_display
    assert AttachChrome().option == "chrome"
