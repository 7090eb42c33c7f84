"""Keeps a session from another machine, once its site takes it."""

import time
from typing import TYPE_CHECKING

import click
import msgspec

from aura_browser.cli.running import progress
from aura_browser.cli.sessions.placing import build_login_command, find_site_of
from aura_browser.errors import InteractionRequired, SessionProtected, SessionRefused
from aura_browser.session import Session
from aura_browser.session.times import correct_times
from aura_browser.site.commands import describe_hidden
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from aura_browser.store import SessionKey, Store


async def prove_and_keep(
    store: "Store", key: "SessionKey", session: Session, *, replace: bool, place: str | None = None
) -> Session:
    """Ask the site about *session*, save it under *key*, and return it as it was saved.

    Args:
        store: where it is kept.
        key: its key there.
        session: as it was read; its times are corrected.
        replace: replace a stored login, even by a session that is not proven to be one.
        place: the store, for the command that is shown.

    Raises:
        InteractionRequired: if the site refuses it.
        click.ClickException: if the stored session stays.
        AuraError: if the site does not answer, or the store can't be used.
    """
    proven = await _prove(correct_times(session, time.time()), key, place)
    before = await store.load(key)
    # As read: a site that gives everybody a cookie gives one to a session without any, too.
    if before is not None and before.cookies and not session.cookies:
        raise click.ClickException(f"It has no cookies, but {key.slug} has. To replace that one, remove it first.")
    try:
        return await store.save(key, proven, replace=replace)
    except SessionProtected as error:
        raise click.ClickException(f"{error} To replace it all the same, give --replace.") from None


async def _prove(session: Session, key: "SessionKey", place: str | None) -> Session:
    from aura_browser.carriers import prove_once

    try:
        with progress(f"Asking {clean_text(session.origin)} …"):
            proven = await prove_once(find_site_of(session, key), session)
    except SessionRefused as error:
        hidden = describe_hidden(proxy=key.proxy, store=place)
        reason = f"The site refused it, so it is not kept: {error.mark}. Log in again.{hidden}"
        raise InteractionRequired(reason, build_login_command(session, key, place)) from None
    # Whether a person logged in for it is what the file says, not what a proof here can tell.
    return msgspec.structs.replace(proven, is_login=session.is_login)
