"""Runs Selenium Manager, which finds Chrome and ChromeDriver or downloads them."""

import json
import subprocess
from typing import Final

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.selenium_manager import SeleniumManager

from aura_browser.text import clean_text
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.process.environment import copy_environment

_POLL_INTERVAL_S: Final = 0.05
_MAX_REASON_LENGTH: Final = 160


class ManagerFailed(Exception):
    """Selenium Manager failed; the message says why in one line."""


def run_manager(arguments: list[str], deadline: Deadline) -> dict[str, str]:
    """Return the ``browser_path`` and ``driver_path`` that Selenium Manager prints.

    Args:
        arguments: its options (https://www.selenium.dev/documentation/selenium_manager/).
        deadline: when to stop it.

    Raises:
        ManagerFailed: if it finds nothing, can't download, or is not done in time.
    """
    try:
        return _BoundedManager(deadline).binary_paths(arguments)
    except WebDriverException as error:
        first_line = (error.msg or "no message").strip().partition("\n")[0]
        raise ManagerFailed(clean_text(first_line, _MAX_REASON_LENGTH)) from error


class _BoundedManager(SeleniumManager):
    """Selenium Manager with a deadline. Drop when Selenium's own run has a time-out (4.51 has none)."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def _run(self, args: list[str]) -> dict[str, str]:  # type: ignore[override]
        with subprocess.Popen(  # noqa: S603 - Selenium's own program
            args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=copy_environment(), start_new_session=True
        ) as manager:
            while self._deadline.left_s > 0:
                try:
                    output, _ = manager.communicate(timeout=min(_POLL_INTERVAL_S, self._deadline.left_s))
                    break
                except subprocess.TimeoutExpired:
                    continue
            else:
                manager.kill()
                raise WebDriverException(f"not done after {self._deadline.seconds:g} s")
        return _parse_result(output, manager.returncode)


def _parse_result(output: bytes, code: int) -> dict[str, str]:
    try:
        result: dict[str, str] = dict(json.loads(output)["result"])
    except (ValueError, KeyError, TypeError):
        raise WebDriverException("its output can't be read") from None
    if code:
        raise WebDriverException(str(result.get("message") or f"exit code {code}"))
    return result
