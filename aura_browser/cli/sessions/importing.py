"""Keeps a session from another machine, once its site takes it."""

import time
from functools import partial
from typing import TYPE_CHECKING

import click
import msgspec

from aura_browser.cli.running import progress
from aura_browser.cli.sessions.commands import hint
from aura_browser.cli.sessions.placing import build_login_command, find_site_of
from aura_browser.errors import InteractionRequired, SessionProtected, SessionRefused
from aura_browser.session import Session
from aura_browser.session.times import correct_times
from aura_browser.site.commands import describe_hidden
from aura_browser.text import clean_text

if TYPE_CHECKING:
    from aura_browser.site import Site
    from aura_browser.store import SessionKey, Store


async def prove_and_keep(
    store: "Store", key: "SessionKey", session: Session, *, replace: bool, place: str | None = None
) -> Session:
    """Ask the site about *session*, save it under *key*, and return it as it was saved.

    One that the site refuses is renewed by the site's own request, if it has one: a token in a file is often over.
    Not where a session is stored that may have to stay: what the site brought would be lost, and the file's login with
    it.

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
    before = await store.load(key)
    will_be_kept = replace or before is None
    proven = await _prove(correct_times(session, time.time()), key, place, may_renew=will_be_kept)
    # As read: a site that gives everybody a cookie gives one to a session without any, too.
    if before is not None and before.cookies and not session.cookies:
        raise click.ClickException(f"It has no cookies, but {key.slug} has. To replace that one, remove it first.")
    try:
        return await store.save(key, proven, replace=replace)
    except SessionProtected as error:
        raise click.ClickException(f"{error} To replace it all the same, give --replace.") from None


async def _prove(session: Session, key: "SessionKey", place: str | None, *, may_renew: bool) -> Session:
    try:
        with progress(f"Asking {clean_text(session.origin)} …"):
            proven = await _prove_or_renew(find_site_of(session, key), session, may_renew=may_renew)
    except SessionRefused as error:
        hidden = describe_hidden(proxy=key.proxy, store=place)
        reason = f"The site refused it, so it is not kept: {error.mark}. Log in again.{hidden}"
        raise InteractionRequired(reason, build_login_command(session, key, place)) from None
    # Whether a person logged in for it is what the file says, not what a proof here can tell.
    return msgspec.structs.replace(proven, is_login=session.is_login)


async def _prove_or_renew(site: "Site", session: Session, *, may_renew: bool) -> Session:
    from aura_browser.carriers import prove_once
    from aura_browser.http.refreshing import build_refresh

    prove = partial(prove_once, site)
    try:
        return await prove(session)
    except SessionRefused:
        refresh = build_refresh(site, prove) if may_renew else None
        if refresh is None:
            raise
    renewed = await refresh(session)
    hint("The site refused it as it was, and renewed it.")
    return renewed
