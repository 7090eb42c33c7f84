"""Asks Selenium Manager for Chrome and ChromeDriver, which it downloads where there are none."""

import json
import subprocess
from typing import Final

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.selenium_manager import SeleniumManager

from aura_browser.text import clean_text
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.process.environment import without_secrets

_GLANCE_S: Final = 0.05
_LONGEST_REASON: Final = 160


class ManagerFailed(Exception):
    """Selenium Manager has no answer; says why in one line."""


def ask_manager(arguments: list[str], deadline: Deadline) -> dict[str, str]:
    """Return ``browser_path`` and ``driver_path``.

    Args:
        arguments: as https://www.selenium.dev/documentation/selenium_manager/ has them.
        deadline: when it is given up.

    Raises:
        ManagerFailed: if there is none.
    """
    try:
        return _BoundedManager(deadline).binary_paths(arguments)
    except WebDriverException as error:
        first_line = (error.msg or "no message").strip().partition("\n")[0]
        raise ManagerFailed(clean_text(first_line, _LONGEST_REASON)) from error


class _BoundedManager(SeleniumManager):
    """Selenium Manager, ended at the deadline. Drop this when Selenium gives its own run a time-out (4.51 has none)."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def _run(self, args: list[str]) -> dict[str, str]:  # type: ignore[override]
        with subprocess.Popen(  # noqa: S603 - Selenium's own program
            args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=without_secrets(), start_new_session=True
        ) as manager:
            while self._deadline.left_s > 0:
                try:
                    answer, _ = manager.communicate(timeout=min(_GLANCE_S, self._deadline.left_s))
                    break
                except subprocess.TimeoutExpired:
                    continue
            else:
                manager.kill()
                raise WebDriverException(f"not done after {self._deadline.seconds:g} s")
        return _result(answer, manager.returncode)


def _result(answer: bytes, code: int) -> dict[str, str]:
    try:
        output = json.loads(answer)
        result: dict[str, str] = output["result"]
    except (ValueError, KeyError):
        raise WebDriverException("its answer can't be read") from None
    if code:
        raise WebDriverException(str(result.get("message") or f"exit code {code}"))
    return result
