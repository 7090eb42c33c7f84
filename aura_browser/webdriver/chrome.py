"""Starts Chrome through ChromeDriver in a profile of its own, and leaves neither process nor folder behind."""

import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Final

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver
from urllib3.exceptions import HTTPError

from aura_browser.errors import DriverMismatch, LaunchFailed, clean_text
from aura_browser.webdriver.lifeline import Lifeline
from aura_browser.webdriver.locate import Installed
from aura_browser.webdriver.watchdog import Deadline, Watchdog, end_group

_log = logging.getLogger(__name__)

_STDERR_LINES: Final = 5
_REMOVAL_S: Final = 3.0
_LONGEST_TMPDIR: Final = 60
_LONGEST_SCRIPT_MS: Final = 500  # where there is no page to run it in yet; then it is tried again
_FLAGS: Final = (
    # Chrome ends when ChromeDriver does, however that ends.
    "--remote-debugging-pipe",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    # Replays go over TCP, so the browser does too.
    "--disable-quic",
)

_PREFERENCES: Final = {
    # Begin with an empty page. Chrome's own first page costs half as much again as the whole harvest (measured).
    "session.restore_on_startup": 4,
    "session.startup_urls": ["about:blank"],
}

DRIVER_ERRORS: Final = (WebDriverException, HTTPError, OSError)
"""What Selenium raises when the driver complains, and what it lets through when the driver is gone."""


@contextmanager
def chrome(installed: Installed, deadline: Deadline, *, proxy: str | None, headed: bool) -> Iterator[WebDriver]:
    """Run Chrome in a new profile while the context lasts.

    Args:
        installed: which Chrome and ChromeDriver.
        deadline: when all of it is ended, whatever the caller is blocked in.
        proxy: ``http://host:port``, or None for none: the system's proxy is not used, as the client doesn't either.
        headed: show a window.

    Raises:
        DriverMismatch: if Chrome and ChromeDriver don't fit.
        LaunchFailed: if Chrome does not start; with the end of its stderr.
    """
    with ExitStack() as exits:
        lifeline = exits.enter_context(Lifeline())
        folder = exits.enter_context(_private_folder())
        lifeline.hold_folder(folder)
        stderr = folder / "stderr.txt"
        service = _service(installed, folder, exits.enter_context(stderr.open("wb")), lifeline)
        exits.callback(_end, service)
        watchdog = exits.enter_context(Watchdog(deadline, lambda: _pid(service)))
        try:
            driver = WebDriver(_options(installed, folder / "profile", proxy=proxy, headed=headed), service)
        except DRIVER_ERRORS as error:
            raise _launch_error(installed, error, stderr, deadline) from error
        exits.callback(_quit, driver, service)
        watchdog.launched()
        yield driver


class _HeldService(Service):
    """A ChromeDriver whose process group is the lifeline's from its first moment."""

    def __init__(self, lifeline: Lifeline, **options: Any) -> None:  # noqa: ANN401 - as Selenium has them
        super().__init__(**options)
        self._lifeline = lifeline

    def _start_process(self, path: str) -> None:
        super()._start_process(path)
        self._lifeline.hold_group(self.process.pid)


def _service(installed: Installed, folder: Path, output: IO[bytes], lifeline: Lifeline) -> Service:
    service = _HeldService(
        lifeline,
        log_output=output,
        env=_environment(folder),
        # A group of its own, so that Ctrl-C on a terminal reaches us alone and we end it in order.
        popen_kw={"start_new_session": True},
    )
    service.DRIVER_PATH_ENV_KEY = None  # Selenium would put the variable SE_CHROMEDRIVER over the path
    service.path = str(installed.driver)
    return service


def _environment(folder: Path) -> dict[str, str]:
    """Return the driver's and Chrome's environment: none of our secrets, and their temporary files where ours are."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AURA_BROWSER_")}
    # Chrome makes a socket there, whose path may have some 100 characters.
    return inherited | ({"TMPDIR": str(folder)} if len(str(folder)) <= _LONGEST_TMPDIR else {})


def _options(installed: Installed, profile: Path, *, proxy: str | None, headed: bool) -> Options:
    options = Options()
    options.binary_location = str(installed.chrome)
    # The waiting is done here: told to wait, ChromeDriver returns early if the tab's first page, which Chrome opens by
    # itself, is still loading, and then blocks in the next script until the site answers (measured).
    options.page_load_strategy = "none"
    options.timeouts = {"script": _LONGEST_SCRIPT_MS}
    # A dialog stops all scripts until it is answered: in a window by the person, otherwise by nobody.
    options.unhandled_prompt_behavior = "ignore" if headed else "dismiss"
    # The environment's proxies are not meant for the driver beside us. The method for it is deprecated in favour of a
    # ClientConfig, which Chrome's constructor does not take (Selenium 4.51); drop this when it does.
    options._ignore_local_proxy = True  # noqa: SLF001
    options.add_experimental_option("prefs", _PREFERENCES)
    # The only place where the complete headers of a request are seen (measured).
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    flags = [*_FLAGS, f"--user-data-dir={profile}"]
    # Loopback too goes through a proxy, as it does in the client.
    flags += [f"--proxy-server={proxy}", "--proxy-bypass-list=<-loopback>"] if proxy else ["--no-proxy-server"]
    if not headed:
        flags.append("--headless=new")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        _log.warning("Running as root: Chrome can't use its sandbox and is started without it.")
        flags.append("--no-sandbox")
    for flag in flags:
        options.add_argument(flag)
    return options


@contextmanager
def _private_folder() -> Iterator[Path]:
    try:
        folder = Path(tempfile.mkdtemp(prefix="aura-browser-"))
    except OSError as error:
        raise LaunchFailed(
            "no profile", f"no folder for temporary files can be written; set TMPDIR ({error})"
        ) from error
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove *folder*; Chrome's last processes may still be writing there for a moment."""
    end = time.monotonic() + _REMOVAL_S
    while True:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            if time.monotonic() > end:
                _log.warning("The browser's folder %s could not be removed: %s", folder, error.strerror)
                return
            time.sleep(0.005)  # nothing tells when another process is done with a folder
        else:
            return


def _quit(driver: WebDriver, service: Service) -> None:
    if service.process.poll() is not None:
        return
    try:
        driver.quit()
    except DRIVER_ERRORS as error:
        _log.debug("Chrome did not end when asked (%s) and is ended now.", type(error).__name__)


def _end(service: Service) -> None:
    """End what is left of the driver's process group, and reap the driver."""
    pid = _pid(service)
    if pid is not None:
        end_group(pid)
        # Its way out of the "with" closes the pipes and waits.
        with service.process:
            pass


def _pid(service: Service) -> int | None:
    process = getattr(service, "process", None)
    return None if process is None else process.pid


def _launch_error(
    installed: Installed, error: Exception, stderr: Path, deadline: Deadline
) -> DriverMismatch | LaunchFailed:
    said = str(getattr(error, "msg", None) or type(error).__name__).strip()
    fits = re.search(r"only supports Chrome version (\d+)\D.*?Current browser version is ([\d.]+)", said, re.DOTALL)
    if fits:
        return DriverMismatch(str(installed.chrome), fits[2], str(installed.driver), fits[1])
    lines = [clean_text(line) for line in stderr.read_text("utf-8", "replace").splitlines()]
    chromes = [
        line for line in lines if line and not re.search(r"chromedriver|Only local connections", line, re.IGNORECASE)
    ]
    reason = clean_text(said.partition("\n")[0].rstrip("."))
    if deadline.left_s <= 0 and not deadline.cancelled:
        reason = f"it was not up after {deadline.seconds:g} s"
    return LaunchFailed(str(installed.chrome), reason, tuple(chromes[-_STDERR_LINES:]))
