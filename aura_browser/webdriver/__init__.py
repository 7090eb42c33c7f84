"""Opens a site in Chrome and reads its session. The only folder that imports Selenium.

One way through: ``harvest`` → ``engines`` opens a browser (``chrome``, ``undetected``, ``grid``, ``attach``, ``own``),
``ready`` waits, ``reading`` reads. ``chromedriver``, ``lifeline`` and ``watchdog`` see that nothing stays behind.
"""

from aura_browser.webdriver.harvest import harvest

__all__ = ["harvest"]
