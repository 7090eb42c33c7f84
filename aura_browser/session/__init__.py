"""Session values: ``session`` holds the session, ``cookie`` one complete cookie in it."""

from aura_browser.session.browser import Browser, DeviceBound
from aura_browser.session.cookie import Cookie
from aura_browser.session.session import Session

__all__ = ["Browser", "Cookie", "DeviceBound", "Session"]
