"""A harvest for a command that asks a site something: it shows its progress, and opens the right page."""

from typing import TYPE_CHECKING

from aura_browser.cli.running import show_progress

if TYPE_CHECKING:
    from aura_browser.assembly import SessionOptions
    from aura_browser.cli.target import Target
    from aura_browser.keeping.renewal import Harvest
    from aura_browser.session import Session


def build_harvest(target: "Target", options: "SessionOptions") -> "Harvest":
    """Return a harvest of the site of *target*; its page is found when it runs.

    Args:
        target: the site.
        options: the command's, completed by those of the site.
    """
    from aura_browser.harvests import policy_harvest

    refresh = options.get("refresh", "headless")

    async def harvest() -> "Session":
        site = await target.find_page(options)
        shown = show_progress(
            lambda on_wait: policy_harvest(
                site, refresh, engine=options["engine"], proxy=options.get("proxy"), on_wait=on_wait
            ),
            site.url,
            interactive=refresh == "interactive",
        )
        return await shown()

    return harvest
