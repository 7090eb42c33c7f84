"""What a browser at a site can show: ``session`` is the value, ``cookie`` one whole cookie in it."""

from aura_browser.session.cookie import Cookie
from aura_browser.session.session import Browser, Session

__all__ = ["Browser", "Cookie", "Session"]
