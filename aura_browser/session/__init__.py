"""Session values: ``session`` holds the session, ``cookie`` one complete cookie in it."""

from aura_browser.session.cookie import Cookie
from aura_browser.session.session import Browser, Session

__all__ = ["Browser", "Cookie", "Session"]
