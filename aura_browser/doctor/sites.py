"""The person's own sites."""

import os
from collections import defaultdict
from collections.abc import Mapping

from aura_browser.doctor.finding import Finding
from aura_browser.errors import InvalidConfiguration
from aura_browser.site import Site
from aura_browser.site.catalogue import read_sites
from aura_browser.site.config_folder import find_sites_file


def inspect_sites() -> list[Finding]:
    """Check ``sites.toml``; nothing is said where there is none, since nothing needs it."""
    path = find_sites_file()
    if not os.path.lexists(path):
        return []
    try:
        sites = read_sites()
    except InvalidConfiguration as error:
        return [Finding("sites", "problem", str(error).partition(" Correct it with")[0], "aura-browser sites edit")]
    unset = {site.proxy_variable for site in sites.values()} - {"", *os.environ}
    if unset:
        names = ", ".join(sorted(unset))
        return [Finding("sites", "note", f"{path} names variables that are not set here: {names}")]
    if shared := _find_shared(sites):
        names = ", ".join(shared)
        text = f"{path}: {names} are at one origin and share one stored session; give one its own with --session NAME"
        return [Finding("sites", "note", text)]
    return [Finding("sites", "ok", f"{len(sites)} in {path}")]


def _find_shared(sites: Mapping[str, Site]) -> list[str]:
    """Return the names of sites whose sessions are stored under one key, those of the first such origin."""
    names = defaultdict[str, list[str]](list)
    for name, site in sites.items():
        names[site.origin].append(name)
    return next((found for found in names.values() if len(found) > 1), [])
