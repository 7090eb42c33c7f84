"""A harvest for a command that asks a site something: it shows its progress, and opens the right page."""

from functools import partial
from typing import TYPE_CHECKING

from aura_browser.cli.options import list_in_force
from aura_browser.cli.running import show_progress

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions
    from aura_browser.cli.target import Target
    from aura_browser.keeping.renewal import Harvest
    from aura_browser.session import Session
    from aura_browser.site import Site


def show_harvest(site: "Site", options: "SessionOptions") -> "Harvest":
    """Return the harvest of *site* that *options* allow; it shows the progress of a browser.

    Args:
        site: the site to open.
        options: the command's, completed by those of the site.
    """
    from aura_browser.harvests import policy_harvest

    refresh = options.get("refresh", "headless")
    harvest = partial(
        policy_harvest,
        site,
        refresh,
        engine=options.get("engine"),
        proxy=options.get("proxy"),
        command_options=list_in_force(options),
    )
    if site.login == "basic":
        return harvest()  # without a browser, it takes no time
    return show_progress(lambda on_wait: harvest(on_wait=on_wait), site.url, interactive=refresh == "interactive")


def show_harvest_unless_kept(site: "Site", options: "SessionOptions") -> "Harvest | None":
    """Return what :func:`show_harvest` does with these; None where the browser that stays open harvests as well."""
    refresh = options.get("refresh", "headless")
    is_by_page = refresh == "kept" or (refresh == "headless" and options.get("transport") == "page")
    return None if is_by_page else show_harvest(site, options)


def show_target_harvest(target: "Target", options: "SessionOptions") -> "Harvest":
    """Return what :func:`show_harvest` does for the site of *target*; its page is found when it runs."""

    async def harvest() -> "Session":
        return await show_harvest(await target.find_page(options), options)()

    return harvest
