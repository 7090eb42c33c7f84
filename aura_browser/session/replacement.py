"""Which session may replace which: a person's login is never lost to a session that is not proven to be one."""

from aura_browser.session.session import Session


def refuse_replacement(old: Session, new: Session) -> str:
    """Return why *new* must not replace *old*; empty if it may.

    A session that is a login, or may be one, is replaced only by one whose probe the site answers otherwise with the
    session than without, and of the same account where the site's definition tells it. Where nothing can be proven,
    a person's own new login replaces the old one.
    """
    if not old.is_protected:
        return ""
    if new.proof == "distinguished":
        same = old.identity is None or new.identity == old.identity
        return "" if same else "the new session belongs to another account"
    if new.proof == "unproven" and old.identity is not None and new.identity == old.identity:
        return ""  # the site names the account, where it shows nobody else anything to compare with
    if new.is_login and old.proof != "distinguished":
        return ""
    if new.proof == "open":
        return "the site gives anybody the same answer, so the new session is not proven to be a login"
    return "the new session is not proven to be a login"
