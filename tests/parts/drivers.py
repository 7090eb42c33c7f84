"""Drivers of a test's own: of a Chrome here, and of a browser of a Grid."""

from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.webdriver import WebDriver as RemoteDriver


@contextmanager
def own_driver(*, as_ours: bool = False) -> Iterator[WebDriver]:
    """Open a driver of the caller's own; *as_ours* one that does not wait for pages and has a log, as the package's."""
    options = Options()
    if as_ours:
        options.page_load_strategy = "none"
        options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-background-networking",
        "--disable-quic",
        "--no-first-run",
    ):
        options.add_argument(flag)
    before = set(psutil.Process().children())
    driver = WebDriver(options, Service("/usr/bin/chromedriver"))
    try:
        yield driver
    finally:
        driver.quit()
        _wait_for_orphans(before)


def _wait_for_orphans(before: set[psutil.Process]) -> None:
    """Wait for the last of Chrome's processes: this process has adopted them if the file's shared Chrome is open."""
    came = [child for child in psutil.Process().children() if child not in before]
    _, alive = psutil.wait_procs([child for child in came if child.name().startswith("chrom")], timeout=20)
    assert not alive, alive


def browse_on_grid(url: str) -> RemoteDriver:
    """Return a driver of a browser of the Grid at *url*; the caller quits it."""
    options = Options()
    options.add_argument("--headless=new")
    return RemoteDriver(url, options=options, client_config=ClientConfig(url, timeout=60))
