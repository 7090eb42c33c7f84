"""The person's own sites."""

import os

from aura_browser.doctor.finding import Finding
from aura_browser.errors import InvalidConfiguration
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
    return [Finding("sites", "ok", f"{len(sites)} in {path}")]
