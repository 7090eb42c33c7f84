"""Opens a site in Chrome and reads its session. The only folder that imports Selenium."""

import logging

from aura_browser.webdriver.harvest import DEFAULT_TIMEOUT_S, harvest, harvest_with

# At level DEBUG Selenium logs all that it carries, every cookie among it.
logging.getLogger("selenium.webdriver.remote.remote_connection").addFilter(
    lambda record: record.levelno > logging.DEBUG
)

__all__ = ["DEFAULT_TIMEOUT_S", "harvest", "harvest_with"]
