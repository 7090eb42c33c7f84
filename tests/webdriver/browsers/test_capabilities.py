"""What is sent to ChromeDriver and to Chrome for a harvest, word for word; no Chrome is started."""

from pathlib import Path

import pytest

from aura_browser.engine import Chrome
from aura_browser.webdriver.browsers.capabilities import (
    build_arguments,
    build_base_capabilities,
    build_launch_capabilities,
)
from aura_browser.webdriver.browsers.launch import prepare_launch
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.workspace import open_workspace

_EVERY = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-quic",
]
_UNUSED = (
    "--disable-extensions",
    "--disable-component-extensions-with-background-pages",
    "--disable-default-apps",
)
_PREFERENCES = {
    "download_restrictions": 3,
    "policy.url_blocklist": ["mailto:*", "news:*", "snews:*", "tel:*", "sms:*"],
}
_OFF = "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,PreloadTopChromeWebUI,SpareRendererForSitePerProcess"


@pytest.mark.parametrize(
    ("proxy", "has_window", "rest"),
    [
        (None, True, ["--no-proxy-server"]),
        (None, False, ["--no-proxy-server", "--headless=new"]),
        ("http://h:1", True, ["--proxy-server=http://h:1", "--proxy-bypass-list=<-loopback>"]),
    ],
)
def test_chrome_gets_these_arguments(proxy: str | None, rest: list[str], *, has_window: bool) -> None:
    options = BrowserOptions(Deadline(60), proxy=proxy)
    assert build_arguments(options, ["--mine"], has_window=has_window) == [*_EVERY, "--mine", *rest, _OFF]
    merged = build_arguments(options, ["--disable-features=Mine"], has_window=has_window)
    assert merged == [*_EVERY, *rest, f"{_OFF},Mine"]


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_chrome_that_is_started_here_begins_with_an_empty_page_and_writes_no_file(
    tmp_path: Path, *, is_kept: bool
) -> None:
    engine = Chrome(profile=tmp_path / "me" if is_kept else None, sandbox=False)
    with (
        open_workspace() as workspace,
        prepare_launch(engine, BrowserOptions(Deadline(60)), workspace, flags=["--mine"]) as launch,
    ):
        place = tmp_path / "me" if is_kept else workspace.folder / "profile"
        own = ["--remote-debugging-pipe", f"--user-data-dir={place}", "--no-sandbox"]
        assert launch.flags == (*own, *(() if is_kept else _UNUSED), "--mine")
        assert (launch.profile, launch.is_kept, launch.has_window, launch.variables) == (place, is_kept, False, {})
        assert launch.preferences == _PREFERENCES | {
            "session.restore_on_startup": 6 if is_kept else 4,
            "session.startup_urls": ["about:blank"],
            "download.default_directory": str(workspace.folder / "downloads"),
        }


def test_a_person_gets_a_window() -> None:
    options = BrowserOptions(Deadline(60), interactive=True)
    with open_workspace() as workspace, prepare_launch(Chrome(sandbox=True), options, workspace) as launch:
        assert (launch.has_window, "--no-sandbox" in launch.flags) == (True, False)


@pytest.mark.parametrize(("has_window", "prompts"), [(True, "ignore"), (False, "dismiss")])
def test_chromedriver_gets_these_capabilities(prompts: str, *, has_window: bool) -> None:
    base = {
        "browserName": "chrome",
        "pageLoadStrategy": "none",
        "timeouts": {"script": 500},
        "unhandledPromptBehavior": prompts,
        "goog:loggingPrefs": {"performance": "ALL"},
    }
    assert build_base_capabilities(has_window=has_window) == base
    options = BrowserOptions(Deadline(60))
    chrome = {
        "args": build_arguments(options, [], has_window=has_window),
        "prefs": _PREFERENCES,
    }
    launched = build_launch_capabilities(options, [], has_window=has_window)
    assert launched == base | {"goog:chromeOptions": chrome}
