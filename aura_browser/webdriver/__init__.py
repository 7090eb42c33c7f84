"""Opens a site in Chrome and reads its session. The only folder that imports Selenium.

One way through: ``harvest`` → ``engines`` opens a browser (``chrome``, ``undetected``, ``grid``, ``attach``, ``own``),
``ready`` waits, ``reading`` reads. ``chromedriver``, ``lifeline`` and ``watchdog`` see that nothing stays behind.
"""

import logging

from aura_browser.webdriver.harvest import harvest

# At level DEBUG Selenium logs all that it carries, every cookie among it.
logging.getLogger("selenium.webdriver.remote.remote_connection").addFilter(
    lambda record: record.levelno > logging.DEBUG
)

__all__ = ["harvest"]
