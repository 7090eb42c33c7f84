"""Opens a site in Chrome and reads its session. The only folder that imports Selenium.

``harvest`` opens a browser (``browsers/``, one file per engine), waits until the site is ready (``ready``) and reads
the session (``reading``). ``process/`` starts ChromeDriver and cleans up, even if this process is killed.
"""
