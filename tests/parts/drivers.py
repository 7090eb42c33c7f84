"""A caller's own Selenium driver."""

from collections.abc import Iterator
from contextlib import contextmanager

from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver


@contextmanager
def own_driver() -> Iterator[WebDriver]:
    options = Options()
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-background-networking",
        "--disable-quic",
        "--no-first-run",
    ):
        options.add_argument(flag)
    driver = WebDriver(options, Service("/usr/bin/chromedriver"))
    try:
        yield driver
    finally:
        driver.quit()
