"""Opens a site in Chrome and reads its session. The only folder that imports Selenium."""

from aura_browser.webdriver.harvest import DEFAULT_TIMEOUT_S, harvest, harvest_with

__all__ = ["DEFAULT_TIMEOUT_S", "harvest", "harvest_with"]
