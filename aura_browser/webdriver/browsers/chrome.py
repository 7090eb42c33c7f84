"""The engine ``chrome``: a new Chrome on this machine, without ChromeDriver and without a port."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final

from aura_browser.engine import Chrome
from aura_browser.errors import BrowserNotFound
from aura_browser.webdriver.browsers.capabilities import build_arguments
from aura_browser.webdriver.browsers.launch import Launch, prepare_launch
from aura_browser.webdriver.locate import CHROME_VARIABLE, find_chrome
from aura_browser.webdriver.options import BrowserOptions
from aura_browser.webdriver.process.chrome import ChromeProcess, run_chrome_process
from aura_browser.webdriver.process.output import OUTPUT_NAME
from aura_browser.webdriver.process.preferences import SettingsDamaged, write_settings
from aura_browser.webdriver.process.reasons import advising, build_launch_error
from aura_browser.webdriver.process.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from aura_browser.webdriver.cdp.driver import CdpDriver

_FLAGS: Final = (
    # What ChromeDriver starts Chrome with, so that a page finds the same browser; --enable-automation tells it.
    "--allow-pre-commit-input",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-client-side-phishing-detection",
    "--disable-default-apps",
    "--disable-features=IgnoreDuplicateNavs,Prewarm",
    "--disable-hang-monitor",
    "--disable-popup-blocking",
    "--disable-prompt-on-repost",
    "--enable-automation",
    "--enable-logging=stderr",
    "--log-level=1",
    "--no-service-autorun",
    # No question for the password of the person's keyring.
    "--password-store=basic",
    "--use-mock-keychain",
    "--test-type=webdriver",
)


@contextmanager
def open_chrome(engine: Chrome, options: BrowserOptions) -> Iterator["CdpDriver"]:
    """Run Chrome while the context lasts.

    Raises:
        InvalidInput: if the engine's profile or display can't work.
        BrowserNotFound: if Chrome is missing.
        LaunchFailed: if Chrome does not start.
    """
    path = find_chrome(engine.chrome_path)
    if path is None:
        raise BrowserNotFound(
            "Chrome", (CHROME_VARIABLE, "drivers/bin", "PATH"), "Install it (Debian, Ubuntu: apt install chromium)."
        )
    with (
        open_workspace() as workspace,
        prepare_launch(engine, options, workspace) as launch,
        _run(path, launch, options, workspace) as driver,
    ):
        yield driver


@contextmanager
def _run(path: Path, launch: Launch, options: BrowserOptions, workspace: Workspace) -> Iterator["CdpDriver"]:
    loading = Thread(target=import_module, args=("aura_browser.webdriver.collect",), daemon=True)
    arguments = build_arguments(options, (*_FLAGS, *launch.flags), has_window=launch.has_window)
    output = workspace.folder / OUTPUT_NAME
    try:
        write_settings(launch.profile, launch.preferences)
    except (OSError, SettingsDamaged) as error:
        raise build_launch_error(path, str(error), output, options.deadline) from error
    command = [str(path), *arguments]
    with run_chrome_process(command, options.deadline, workspace, variables=launch.variables) as chrome:
        loading.start()
        driver = _connect(chrome, path, options, output, answers_dialogs=not launch.has_window)
        loading.join()
        try:
            with advising(output):
                yield driver
        finally:
            if launch.is_kept:
                chrome.quit()


def _connect(
    chrome: ChromeProcess, path: Path, options: BrowserOptions, output: Path, *, answers_dialogs: bool
) -> "CdpDriver":
    from aura_browser.webdriver.cdp.connection import CdpError  # imported while Chrome starts
    from aura_browser.webdriver.cdp.driver import CdpDriver

    driver = CdpDriver(chrome.connect, options.deadline, answers_dialogs=answers_dialogs)
    try:
        driver.start()
    except CdpError as error:
        message = chrome.describe_exit() or str(error)
        raise build_launch_error(path, message, output, options.deadline) from error
    return driver
