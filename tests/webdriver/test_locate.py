"""Finding Chrome and ChromeDriver, and the errors of a start that can't work."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.common.exceptions import NoSuchDriverException
from selenium.webdriver.common.selenium_manager import SeleniumManager

from aura_browser.engine import Selenium
from aura_browser.errors import BrowserNotFound, DriverMismatch
from aura_browser.site import page_site
from aura_browser.webdriver import locate as locate_module
from aura_browser.webdriver.harvest import harvest
from aura_browser.webdriver.locate import BrowserPaths, Executable, find_chromes, find_drivers, locate
from tests.parts.mismatched_driver import mismatched_driver
from tests.parts.programs import program


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(locate_module, "_CHROME_APPS", ())
    monkeypatch.setattr(locate_module, "_find_checkout_bin", lambda: tmp_path / "drivers" / "bin")

    def nothing(_self: SeleniumManager, _args: list[str]) -> dict[str, str]:
        raise NoSuchDriverException("offline")

    monkeypatch.setattr(SeleniumManager, "binary_paths", nothing)
    return tmp_path


def test_the_order_of_places(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = BrowserPaths(program(places / "path", "chromium"), program(places / "path", "chromedriver"))
    assert locate() == on_path
    dropped = program(places / "drivers" / "bin", "chromedriver")
    assert locate() == BrowserPaths(on_path.chrome, dropped)
    named = program(places / "else", "driver")
    monkeypatch.setenv("AURA_BROWSER_DRIVER", str(named))
    assert locate() == BrowserPaths(on_path.chrome, named)
    given = program(places / "given", "driver")
    assert locate(driver=given).driver == given
    chrome = program(places / "given", "my-chrome")
    monkeypatch.setenv("AURA_BROWSER_CHROME", str(chrome))
    assert locate().chrome == chrome


def test_a_checkout_has_programs_of_its_own_and_an_installed_package_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = program(tmp_path / "path", "chromedriver")
    own = program(tmp_path / "drivers" / "bin", "chromedriver")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(locate_module, "__file__", str(tmp_path / "aura_browser" / "webdriver" / "locate.py"))
    chrome = program(tmp_path / "else", "chromium")
    assert locate(chrome=chrome).driver == usual
    program(tmp_path / "drivers", "install.sh")
    assert locate(chrome=chrome).driver == own


_CHROMES = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "chrome")
_DRIVERS = ("chromedriver", "chromium.chromedriver")


@pytest.mark.parametrize(("find", "names"), [(find_chromes, _CHROMES), (find_drivers, _DRIVERS)])
def test_each_program_that_is_there_is_found_by_its_names_in_this_order(
    places: Path, find: Callable[[], Iterator[Executable]], names: tuple[str, ...]
) -> None:
    for name in reversed(names):
        program(places / "path", name)
    own = program(places / "drivers" / "bin", names[0])
    on_path = [(places / "path" / name, "PATH") for name in names[1:]]
    assert [(each.path, each.source) for each in find()] == [(own, "drivers/bin"), *on_path]


def test_a_chrome_that_is_given_or_named_or_an_application_is_said_to_be_that(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, given = program(places / "Applications", "Google Chrome"), program(places / "else", "chrome")
    monkeypatch.setattr(locate_module, "_CHROME_APPS", (places / "none", application))
    assert [(each.path, each.source) for each in find_chromes()] == [(application, "applications")]
    assert next(find_chromes(given)) == Executable(given, "the path given")
    monkeypatch.setenv("AURA_BROWSER_CHROME", str(given))
    assert next(find_chromes()) == Executable(given, "AURA_BROWSER_CHROME")
    assert list(find_drivers()) == []


def test_the_current_folder_is_never_looked_at(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("chromium", "chromedriver"):
        program(places / "here", name)
        program(places / "here" / "drivers" / "bin", name)
    monkeypatch.chdir(places / "here")
    monkeypatch.setenv("PATH", f".:{places / 'path'}:")
    with pytest.raises(BrowserNotFound):
        locate()


def test_nothing_found_says_what_was_looked_for_where(places: Path) -> None:
    with pytest.raises(BrowserNotFound, match=r"Chrome was not found .*drivers/bin; PATH; .*offline.*install\.sh"):
        locate()
    program(places / "path", "chromium")
    with pytest.raises(BrowserNotFound, match="ChromeDriver was not found"):
        locate()


def test_a_named_path_that_is_no_program_ends_the_search(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(places / "path", "chromium")
    program(places / "path", "chromedriver")
    with pytest.raises(BrowserNotFound, match=r"^Chrome was not found .*the path given: /nowhere/chrome"):
        locate(chrome="/nowhere/chrome")
    with pytest.raises(BrowserNotFound, match=r"^ChromeDriver was not found .*the path given: /nowhere/driver"):
        locate(driver="/nowhere/driver")
    monkeypatch.setenv("AURA_BROWSER_DRIVER", str(places))
    with pytest.raises(BrowserNotFound, match="AURA_BROWSER_DRIVER"):
        locate()


def test_selenium_manager_is_asked_last(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chrome = program(places / "path", "chromium")
    asked: list[list[str]] = []

    def found(_self: SeleniumManager, args: list[str]) -> dict[str, str]:
        asked.append(args)
        return {"browser_path": "/managed/chrome", "driver_path": "/managed/chromedriver"}

    monkeypatch.setattr(SeleniumManager, "binary_paths", found)
    assert locate() == BrowserPaths(chrome, Path("/managed/chromedriver"))
    assert asked == [["--browser", "chrome", "--timeout", "60", "--browser-path", str(chrome)]]
    program(places / "path", "chromedriver")
    locate()
    assert len(asked) == 1


async def test_versions_that_do_not_fit_are_named_with_their_paths(tmp_path: Path) -> None:
    driver = mismatched_driver(tmp_path)
    chrome = program(tmp_path, "chrome")
    with pytest.raises(DriverMismatch) as caught:
        await harvest(page_site("http://127.0.0.1:9"), engine=Selenium(chrome_path=chrome, driver_path=driver))
    for fact in ("120", "156.0.8078.79", str(driver), str(chrome), "AURA_BROWSER_DRIVER"):
        assert fact in str(caught.value)
